"""What stands out in a data set or a training, in the language of the page. English pages show the sentences as they were written.

A data set's findings carry their numbers. Those of a report card are one sentence each: what it was made from is read out of it where the sentence
is as we know it; else another language says what the code means, without the numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.formats import get_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from otai.learning.data.profile import RARE_LABEL_TICKETS, DataFinding
from otai.learning.finding import Finding as CardFinding
from otai.web.formats import number, percent
from otai.web.refusals import FACT, reads_english

most_named = 5


@dataclass(frozen=True, slots=True)
class Told:
    """What was found, and what to do about it."""

    message: str | Promise
    advice: str | Promise


DATA: Mapping[str, Told] = {
    "attribute_not_learnable": Told(
        _("%(attribute)s has %(learnable_labels)s labels with at least %(fewest)s training tickets; learning needs 2."),
        _("Leave it out of the training, or import more tickets."),
    ),
    "bad_rows_left_out": Told(
        _("Rows that could not be read were left out: %(rows)s."),
        _("Correct them in the source and import again, if these tickets matter."),
    ),
    "columns_appeared_late": Told(
        _("Some keys appear only far down in the file and were left out: %(columns)s."),
        _("If they matter, put a row that has them first."),
    ),
    "columns_not_readable": Told(
        _("Columns of structures were left out: %(columns)s."),
        _("If they matter, write them as text or as lists of text."),
    ),
    "columns_left_out": Told(
        _(
            "The file has more columns than an import may have: columns that repeat a name many times were left out: %(columns)s."
        ),
        _("Nothing to do, unless one of them matters: then export fewer columns."),
    ),
    "contradicting_duplicates": Told(
        _("%(tickets)s tickets share their text with another ticket that has a different %(attribute)s."),
        _("No model can be right on all of them. Agree on one label for such texts, or accept that limit."),
    ),
    "control_characters": Told(
        _("%(texts)s texts held control characters, which were replaced by blanks."),
        _("If texts look damaged, check the encoding of the export."),
    ),
    "duplicate_tickets": Told(
        _("%(tickets)s tickets (%(share)s) repeat the text of an earlier one."),
        _(
            "Nothing to do: a text and its repetitions always stay on one side of the holdout split, so that they do not flatter it."
        ),
    ),
    "dates_read_day_first": Told(
        _(
            "Dates of “%(column)s” such as %(example)s can be read in two ways, and nothing in the file settles which is right. They were read "
            "day first."
        ),
        _("If the month comes first, say so when importing."),
    ),
    "dates_read_month_first": Told(
        _(
            "Dates of “%(column)s” such as %(example)s can be read in two ways, and nothing in the file settles which is right. They were read "
            "month first."
        ),
        _("If the day comes first, say so when importing."),
    ),
    "encoding_mended": Told(
        _(
            "%(texts)s texts had been read in a wrong encoding before they were exported and were mended, such as “%(example)s”."
        ),
        _("Nothing to do."),
    ),
    "empty_tickets": Told(
        _("%(tickets)s tickets (%(share)s) have neither subject nor body."),
        _(
            "They are left out of training. If they should have text, check which columns were taken for subject and body."
        ),
    ),
    "encodings_mixed": Told(
        _(
            "Some lines are in UTF-8 and others in Windows-1252, as where two files were joined. Each was read in its own."
        ),
        _("Check a few texts with umlauts or accents."),
    ),
    "files_chosen": Told(
        _("Of the archive these files were read as one table: %(files)s. Left out: %(left_out)s."),
        _("Files with other columns are data sets of their own: import them alone."),
    ),
    "footer_left_out": Told(
        _("%(rows)s rows below the tickets are a total or notes of a report, and no tickets: “%(example)s”."),
        _("Nothing to do. If they are tickets, fill more of their cells."),
    ),
    "header_found_below": Told(
        _("%(rows)s rows above the header are a title or notes, and no tickets."),
        _("Nothing to do. If another row names the columns, say which."),
    ),
    "headers_repeated": Told(
        _(
            "The header stands again among the tickets, as in files joined end to end (%(times)s times); it is no ticket."
        ),
        _("Nothing to do."),
    ),
    "html_became_text": Told(
        _("%(texts)s texts were HTML and were turned into plain text."),
        _("Nothing to do. New tickets are treated alike."),
    ),
    "label_in_text": Told(
        _(
            "In %(share)s of the tickets the text contains their own %(attribute)s, %(lift)s times as often as by chance."
        ),
        _(
            "If it is written there only after someone decided it, remove it from the text: new tickets will not have it, and the model would "
            "lean on it."
        ),
    ),
    "labels_look_alike": Told(
        _("%(group_count)s groups of labels of %(attribute)s differ only in case, blanks or punctuation: %(groups)s."),
        _(
            "If they mean the same, write them the same way in the source and import again: the model learns them as different."
        ),
    ),
    "labels_missing_in_words": Told(
        _("In %(tickets)s tickets %(attribute)s says “%(words)s” or the like; this is taken as missing."),
        _("Nothing to do. If it is a label, give it a name."),
    ),
    "labels_outside_the_order": Told(
        _("%(attribute)s was given an order, and has other labels too: %(labels)s."),
        _("Name every label in the order when importing."),
    ),
    "language_unknown": Told(
        _("For %(share)s of the tickets the language could not be told, mostly because the text is short."),
        _("If a column of your file names the language, say so when importing."),
    ),
    "languages_not_read": Told(
        _("In %(tickets)s tickets the language named is none that is known."),
        _("They are kept without a language. Use codes such as en and de."),
    ),
    "line_breaks_written_out": Told(
        _("In %(texts)s texts line breaks were written as the two characters \\n; they were read as line breaks."),
        _("Nothing to do."),
    ),
    "many_labels": Told(
        _("%(attribute)s has %(labels)s labels, each with few tickets."),
        _("Check that it is not a name or a number. A coarser attribute (its parent category) is learnt far better."),
    ),
    "missing_labels": Told(
        _("%(tickets)s tickets (%(share)s) have no %(attribute)s."),
        _("They still help to learn the other attributes. Label them to make this one better."),
    ),
    "no_attributes": Told(
        _("No column was taken for an attribute, so there is nothing to learn yet."),
        _("Name one when importing."),
    ),
    "no_header": Told(
        _(
            "The file has no header: its first row looks like a ticket and names no columns, so that columns have numbers for names."
        ),
        _("Add a row with names, or say which row has them."),
    ),
    "one_label_dominates": Told(
        _("%(share)s of the labelled tickets have %(attribute)s “%(label)s”."),
        _(
            "Always answering that would already be right as often. Look at the report card's macro F1, not at accuracy."
        ),
    ),
    "rare_labels": Told(
        _("%(labels)s labels of %(attribute)s have fewer than %(fewest)s training tickets, among them %(examples)s."),
        _(
            "They are left out of training (a model never answers with them). Bring %(fewest)s tickets of each, or merge them."
        ),
    ),
    "sheets_chosen": Told(
        _("Of the workbook these sheets were read: %(sheets)s. Left out: %(left_out)s."),
        _("If another sheet has the tickets, name it."),
    ),
    "split_values_unknown": Told(
        _("The split column holds values other than train and test: %(values)s."),
        _("These tickets are neither learnt from nor tested on."),
    ),
    "test_tickets_in_training": Told(
        _("%(tickets)s test tickets have the same text as a training ticket."),
        _("Figures on the test part will look better than the model is. Remove them from either part."),
    ),
    "texts_are_short": Told(
        _("Half of the tickets have at most %(median_characters)s characters of text."),
        _("Check that the right column was taken for the body; a few words rarely decide a label."),
    ),
    "texts_look_damaged": Told(
        _("%(texts)s texts look damaged, such as “%(example)s”: they were read or written in a wrong encoding before."),
        _("Export them again, best in UTF-8. A model learns damaged words as words of their own."),
    ),
    "ticket_ids_repeated": Told(
        _("%(tickets)s tickets have an id that an earlier one has; their row was added to it."),
        _("If rows are messages of one ticket rather than tickets, export one row a ticket."),
    ),
    "times_not_read": Told(
        _("In %(tickets)s tickets the time cannot be read, such as “%(example)s”."),
        _("They are kept without a time. Training does not need it."),
    ),
    "wiki_markup_became_text": Told(
        _("%(texts)s texts had wiki markup (of Jira, say), which was turned into plain text."),
        _("Nothing to do."),
    ),
}

_points = r"[^(]*by (?P<gain>[+-][\d.]+) points \([^+-]*(?P<low>[+-][\d.]+) to (?P<high>[+-][\d.]+)\)"

CARD: Mapping[str, Sequence[tuple[str, str | Promise]]] = {
    # A pattern of what the training writes, and what is said with its facts; the last one needs none.
    "business_is_enough": (
        (
            _points,
            _(
                "%(attribute)s: fine-tuning changed the result by %(gain)s points (%(low)s to %(high)s). Business, the cheaper mode, is enough."
            ),
        ),
        ("", _("%(attribute)s: fine-tuning gained next to nothing. Business, the cheaper mode, is enough.")),
    ),
    "duplicates_across_split": (
        (
            r"^(?P<tickets>\d+) ",
            _("%(tickets)s training tickets have the same text as a test ticket and were not learnt from."),
        ),
        ("", _("Some training tickets have the same text as a test ticket and were not learnt from.")),
    ),
    "empty_tickets": (
        (r"^(?P<tickets>\d+) ", _("%(tickets)s tickets have no text and were not learnt from.")),
        ("", _("Some tickets have no text and were not learnt from.")),
    ),
    "encoders": (("^Read with (?P<rest>.+)$", _("Read with %(rest)s")), ("", _("Read with a language model."))),
    "fine_tuning_gained": (
        (_points, _("%(attribute)s: fine-tuning changed the result by %(gain)s points (%(low)s to %(high)s).")),
        ("", _("%(attribute)s: fine-tuning made it better.")),
    ),
    "hierarchy": (
        (
            r"(?P<share>[\d.]+)% of its tickets go with one (?P<parent>.+) for each label",
            _(
                "%(attribute)s: %(share)s %% of its tickets go with one %(parent)s for each label, so the two are predicted together and agree."
            ),
        ),
        ("", _("%(attribute)s is predicted together with the attribute above it, so that the two agree.")),
    ),
    "hierarchy_left_free": (
        (
            "",
            _(
                "%(attribute)s hangs on another attribute. Made to agree, both would be right less often; so each is predicted on its own."
            ),
        ),
    ),
    "labels_confused": (
        (
            r": (?P<tickets>\d+) tickets of '(?P<actual>.+)' were taken for '(?P<predicted>.+)'\.",
            _(
                "%(attribute)s: %(tickets)s tickets of “%(actual)s” were taken for “%(predicted)s”. Do people tell the two apart?"
            ),
        ),
        ("", _("%(attribute)s: two labels are often taken for each other. Do people tell them apart?")),
    ),
    "labels_left_out": (
        (
            r": (?P<labels>\d+) labels were left out, with fewer than (?P<fewest>\d+) .*?\((?P<named>.+); (?P<tickets>\d+) tickets\)",
            _(
                "%(attribute)s: %(labels)s labels with fewer than %(fewest)s training tickets each were left out (%(named)s; %(tickets)s tickets). The model "
                "never predicts them."
            ),
        ),
        ("", _("%(attribute)s: labels with too few tickets were left out. The model never predicts them.")),
    ),
    "labels_merged": (("", _("%(attribute)s: spellings of labels that differ only in case were joined.")),),
    "labels_never_predicted": (
        (
            r"holdout: (?P<named>.+?)\. More",
            _("%(attribute)s: never predicted on the holdout: %(named)s. More tickets of these would help."),
        ),
        ("", _("%(attribute)s: some labels were never predicted on the holdout. More tickets of these would help.")),
    ),
    "labels_suspected": (
        (
            r": (?P<wrong>\d+) of (?P<examined>\d+) ",
            _(
                "%(attribute)s: %(wrong)s of %(examined)s tickets examined look wrongly labelled. Look at them before adding tickets."
            ),
        ),
        ("", _("%(attribute)s: some tickets look wrongly labelled. Look at them before adding tickets.")),
    ),
    "mostly_unlabelled": (
        (
            r": (?P<missing>\d+) of (?P<all>\d+) ",
            _("%(attribute)s: %(missing)s of %(all)s training tickets have no label to learn from."),
        ),
        ("", _("%(attribute)s: most training tickets have no label to learn from.")),
    ),
    "no_better_than_majority": (
        (
            r"always answering '(?P<label>.+)' \((?P<share>[\d.]+)% right\)",
            _(
                "%(attribute)s: the model is not measurably better than always answering “%(label)s” (%(share)s %% right). The texts may not say what decides "
                "this attribute."
            ),
        ),
        (
            "",
            _(
                "%(attribute)s: the model is not measurably better than always giving the same answer. The texts may not say what decides this attribute."
            ),
        ),
    ),
    "no_holdout": (
        (
            "",
            _(
                "The tickets are too few to keep any aside. Each was measured by a model that had not seen it, which flatters a little."
            ),
        ),
    ),
    "not_measured": (
        ("", _("%(attribute)s: no holdout ticket has a label that was learnt, so nothing could be measured.")),
    ),
    "small_holdout": (
        (
            r"on (?P<tickets>\d+) tickets only",
            _("Measured on %(tickets)s tickets only: mind the width of the intervals."),
        ),
        ("", _("Measured on few tickets only: mind the width of the intervals.")),
    ),
    "way_of_learning": (
        (
            r": (?P<ways>\d+) ways of fine-tuning",
            _("%(ways)s ways of fine-tuning were tried on a part of the tickets, and the best one chosen."),
        ),
        ("", _("Several ways of fine-tuning were tried on a part of the tickets, and the best one chosen.")),
    ),
    "words_were_enough": (
        (
            _points,
            _(
                "%(attribute)s: sentence vectors changed the result by %(gain)s points (%(low)s to %(high)s). Basic, the cheaper mode, is enough."
            ),
        ),
        ("", _("%(attribute)s: sentence vectors gained next to nothing. Basic, the cheaper mode, is enough.")),
    ),
}


def message(found: DataFinding) -> str:
    told = DATA.get(found.code)
    return _said(told.message if told else None, found, otherwise=found.message)


def advice(found: DataFinding) -> str:
    told = DATA.get(found.code)
    return _said(told.advice if told else None, found, otherwise=found.advice)


def _said(sentence: str | Promise | None, found: DataFinding, *, otherwise: str) -> str:
    if sentence is None or reads_english():
        return otherwise
    facts = {name: _shown(name, value) for name, value in found.numbers.items()}
    facts |= {"attribute": found.attribute or "", "fewest": str(RARE_LABEL_TICKETS)}
    text = str(sentence)
    return text % facts if set(FACT.findall(text)) <= set(facts) else otherwise


def card_message(found: CardFinding) -> str:
    """A finding of a report card."""
    if reads_english():
        return found.message
    for pattern, sentence in CARD.get(found.code, ()):
        if match := re.search(pattern, found.message):
            facts = {name: _number_shown(value or "") for name, value in match.groupdict().items()}
            return str(sentence) % (facts | {"attribute": found.attribute or ""})
    return found.message


def _shown(name: str, value: Any) -> str:
    match value:
        case float() if name == "lift":
            return str(number(round(value)))
        case float():
            return percent(value)
        case int():
            return str(number(value))
        case list() if name == "groups":
            return _some([" / ".join(map(_quoted, group)) for group in value], "; ")
        case list() | dict():
            return _some([_quoted(each) for each in value], ", ")
        case _:
            return str(value)


def _some(names: Sequence[str], between: str) -> str:
    return between.join(names[:most_named]) + (" ..." if len(names) > most_named else "")


def _quoted(name: object) -> str:
    return gettext("“%(name)s”") % {"name": name}


def _number_shown(text: str) -> str:
    """`1.5` as the language writes it; a name stays as it is."""
    return text.replace(".", get_format("DECIMAL_SEPARATOR")) if re.fullmatch(r"[+-]?\d+\.\d+", text) else text
