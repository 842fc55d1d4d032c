"""What stands out in a data set or a training: each code's sentence, and what to do about it.

A code has several sentences where its values are not always there, the most exact first: evidence that was made from deleted tickets keeps its
figures and loses names, and says less then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from otai.words.catalogue import ENGLISH, Counted, Sentence, first_that_fits


class Found(Protocol):
    """A finding, of whichever room."""

    @property
    def code(self) -> str: ...
    @property
    def attribute(self) -> str | None: ...
    @property
    def values(self) -> Mapping[str, Any]: ...
    @property
    def written(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Words:
    """`message` says what was found, `advice` what to do about it where there is something."""

    message: tuple[Sentence, ...]
    advice: str | tuple[str, ...] = ()

    @property
    def advices(self) -> tuple[str, ...]:
        return (self.advice,) if isinstance(self.advice, str) else self.advice


DATA: Mapping[str, Words] = {
    "attribute_not_learnable": Words(
        (
            "{attribute} has {learnable_labels:n} labels with at least {fewest:n} training tickets; learning needs 2.",
            "{attribute} has too few labels with enough training tickets; learning needs 2.",
        ),
        "Leave it out of the training, or import more tickets.",
    ),
    "bad_rows_left_out": Words(
        (
            Counted(
                "{rows:n} row could not be read and was left out.",
                "{rows:n} rows could not be read and were left out.",
                "rows",
            ),
        ),
        "Correct them in the source and import again, if these tickets matter.",
    ),
    "columns_appeared_late": Words(
        ("Some keys appear only far down in the file and were left out: {columns:names}.",),
        "If they matter, put a row that has them first.",
    ),
    "columns_not_readable": Words(
        ("Columns of structures were left out: {columns:names}.",),
        "If they matter, write them as text or as lists of text.",
    ),
    "columns_left_out": Words(
        (
            "The file has more columns than an import may have: columns that repeat a name many times were left out: {columns:names}.",
        ),
        "Nothing to do, unless one of them matters: then export fewer columns.",
    ),
    "contradicting_duplicates": Words(
        (
            Counted(
                "{tickets:n} ticket shares its text with another ticket that has a different {attribute}.",
                "{tickets:n} tickets share their text with another ticket that has a different {attribute}.",
                "tickets",
            ),
        ),
        "No model can be right on all of them. Agree on one label for such texts, or accept that limit.",
    ),
    "control_characters": Words(
        (
            Counted(
                "{texts:n} text held control characters, which were replaced by blanks.",
                "{texts:n} texts held control characters, which were replaced by blanks.",
                "texts",
            ),
        ),
        "If texts look damaged, check the encoding of the export.",
    ),
    "dates_read_day_first": Words(
        (
            "Dates of “{column}” such as {example} can be read in two ways, and nothing in the file settles which is right. They were read day first.",
        ),
        "If the month comes first, say so when importing.",
    ),
    "dates_read_month_first": Words(
        (
            "Dates of “{column}” such as {example} can be read in two ways, and nothing in the file settles which is right. They were read month first.",
        ),
        "If the day comes first, say so when importing.",
    ),
    "duplicate_tickets": Words(
        (
            Counted(
                "{tickets:n} ticket ({share:percent1}) repeats the text of an earlier one.",
                "{tickets:n} tickets ({share:percent1}) repeat the text of an earlier one.",
                "tickets",
            ),
        ),
        "Nothing to do: a text and its repetitions always stay on one side of the holdout split, so that they do not flatter it.",
    ),
    "empty_tickets": Words(
        (
            Counted(
                "{tickets:n} ticket ({share:percent1}) has neither subject nor body.",
                "{tickets:n} tickets ({share:percent1}) have neither subject nor body.",
                "tickets",
            ),
        ),
        "They are left out of training. If they should have text, check which columns were taken for subject and body.",
    ),
    "encoding_mended": Words(
        (
            Counted(
                "{texts:n} text had been read in a wrong encoding before it was exported and was mended, such as “{example}”.",
                "{texts:n} texts had been read in a wrong encoding before they were exported and were mended, such as “{example}”.",
                "texts",
            ),
        ),
        "Nothing to do.",
    ),
    "encodings_mixed": Words(
        (
            "Some lines are in UTF-8 and others in Windows-1252, as where two files were joined. Each was read in its own.",
        ),
        "Check a few texts with umlauts or accents.",
    ),
    "files_chosen": Words(
        (
            "Of the archive these files were read as one table: {files:names}. Left out: {left_out:names}.",
            "Of the archive these files were read as one table: {files:names}.",
        ),
        "Files with other columns are data sets of their own: import them alone.",
    ),
    "footer_left_out": Words(
        (
            Counted(
                "{rows:n} row below the tickets is a total or notes of a report, and no ticket: “{example}”.",
                "{rows:n} rows below the tickets are a total or notes of a report, and no tickets: “{example}”.",
                "rows",
            ),
        ),
        "Nothing to do. If they are tickets, fill more of their cells.",
    ),
    "header_found_below": Words(
        (
            Counted(
                "{rows:n} row above the header is a title or notes, and no ticket.",
                "{rows:n} rows above the header are a title or notes, and no tickets.",
                "rows",
            ),
        ),
        "Nothing to do. If another row names the columns, say which.",
    ),
    "headers_repeated": Words(
        (
            Counted(
                "The header stands again among the tickets, as in files joined end to end ({times:n} time); it is no ticket.",
                "The header stands again among the tickets, as in files joined end to end ({times:n} times); it is no ticket.",
                "times",
            ),
        ),
        "Nothing to do.",
    ),
    "html_became_text": Words(
        (
            Counted(
                "{texts:n} text was HTML and was turned into plain text.",
                "{texts:n} texts were HTML and were turned into plain text.",
                "texts",
            ),
        ),
        "Nothing to do. New tickets are treated alike.",
    ),
    "label_given_away": Words(
        (
            "In {coverage:percent} of the tickets stand lines that nearly decide {attribute}, such as {shown:names}. A quick model that reads them is right on "
            "{with_lines:percent}; without these lines it would be right on {without:percent}.",
            "In {coverage:percent} of the tickets stand lines that nearly decide {attribute}. A quick model that reads them is right on "
            "{with_lines:percent}; without these lines it would be right on {without:percent}.",
        ),
        "If they are written only after someone decided it (a signature, a note of routing), new tickets will not have them. Cut them.",
    ),
    "label_in_text": Words(
        (
            "In {share:percent} of the tickets the text contains their own {attribute}, {lift:n} times as often as by chance.",
        ),
        "If it is written there only after someone decided it, remove it from the text: new tickets will not have it, and the model would lean on it.",
    ),
    "labels_look_alike": Words(
        (
            Counted(
                "{group_count:n} group of labels of {attribute} differs only in case, blanks or punctuation: {alike:names}.",
                "{group_count:n} groups of labels of {attribute} differ only in case, blanks or punctuation: {alike:names}.",
                "group_count",
            ),
            "Labels of {attribute} differ only in case, blanks or punctuation.",
        ),
        "If they mean the same, write them the same way in the source and import again: the model learns them as different.",
    ),
    "labels_missing_in_words": Words(
        (
            Counted(
                "In {tickets:n} ticket {attribute} says {words:names} or the like; this is taken as missing.",
                "In {tickets:n} tickets {attribute} says {words:names} or the like; this is taken as missing.",
                "tickets",
            ),
        ),
        "Nothing to do. If it is a label, give it a name.",
    ),
    "labels_outside_the_order": Words(
        ("{attribute} was given an order, and has other labels too: {labels:names}.",),
        "Name every label in the order when importing.",
    ),
    "language_unknown": Words(
        ("For {share:percent} of the tickets the language could not be told, mostly because the text is short.",),
        "If a column of your file names the language, say so when importing.",
    ),
    "languages_not_read": Words(
        (
            Counted(
                "In {tickets:n} ticket the language named is none that is known.",
                "In {tickets:n} tickets the language named is none that is known.",
                "tickets",
            ),
        ),
        "They are kept without a language. Use codes such as en and de.",
    ),
    "line_breaks_written_out": Words(
        (
            Counted(
                "In {texts:n} text line breaks were written as the two characters \\n; they were read as line breaks.",
                "In {texts:n} texts line breaks were written as the two characters \\n; they were read as line breaks.",
                "texts",
            ),
        ),
        "Nothing to do.",
    ),
    "many_labels": Words(
        ("{attribute} has {labels:n} labels, each with few tickets.",),
        "Check that it is not a name or a number. A coarser attribute (its parent category) is learnt far better.",
    ),
    "messages_joined": Words(
        (
            "{rows:n} rows are messages of {tickets:n} tickets: rows of one id belong together. The text of a ticket is the customer's first message; its "
            "labels are what they were last.",
        ),
        "If each row is a ticket of its own, take another column for the id, or none.",
    ),
    "missing_labels": Words(
        (
            Counted(
                "{tickets:n} ticket ({share:percent1}) has no {attribute}.",
                "{tickets:n} tickets ({share:percent1}) have no {attribute}.",
                "tickets",
            ),
        ),
        "They still help to learn the other attributes. Label them to make this one better.",
    ),
    "newest_row_won": Words(
        (
            "{repeated:n} rows have an id that an earlier row has: the newest row of a ticket was taken, {tickets:n} tickets in all.",
            "Some rows have an id that an earlier row has: the newest row of a ticket was taken, {tickets:n} tickets in all.",
        ),
        "Nothing to do, if the later row is the newer state of the ticket. If the column is no id, leave it out.",
    ),
    "no_attributes": Words(
        ("No column was taken for an attribute, so there is nothing to learn yet.",),
        "Name one when importing.",
    ),
    "no_header": Words(
        (
            "The file has no header: its first row looks like a ticket and names no columns, so that columns have numbers for names.",
        ),
        "Add a row with names, or say which row has them.",
    ),
    "one_label_dominates": Words(
        ("{share:percent} of the labelled tickets have {attribute} “{label}”.",),
        "Always answering that would already be right as often. Look at the report card's macro F1, not at accuracy.",
    ),
    "personal_data": Words(
        (
            "{tickets:n} of {looked_at:n} tickets looked at held personal data: {by_kind:parts}. For example {shown:words}.",
            "{tickets:n} of {looked_at:n} tickets looked at held personal data: {by_kind:parts}.",
        ),
        (
            "They were replaced by their kind in {masked_tickets:n} of the tickets looked at, and new tickets are masked alike.",
            "A model keeps no word of a ticket, only hashes. The tickets can be stored without them, too: new tickets are then masked alike.",
        ),
    ),
    "rare_labels": Words(
        (
            Counted(
                "{labels:n} label of {attribute} has fewer than {fewest:n} training tickets: {examples:names}.",
                "{labels:n} labels of {attribute} have fewer than {fewest:n} training tickets, among them {examples:names}.",
                "labels",
            ),
        ),
        "They are left out of training (a model never answers with them). Bring {fewest:n} tickets of each, or merge them.",
    ),
    "sheets_chosen": Words(
        (
            "Of the workbook these sheets were read: {sheets:names}. Left out: {left_out:names}.",
            "Of the workbook these sheets were read: {sheets:names}.",
        ),
        "If another sheet has the tickets, name it.",
    ),
    "split_values_unknown": Words(
        ("The split column holds values other than train and test: {odd:names}.",),
        "These tickets are neither learnt from nor tested on.",
    ),
    "test_tickets_in_training": Words(
        (
            Counted(
                "{tickets:n} test ticket has the same text as a training ticket.",
                "{tickets:n} test tickets have the same text as a training ticket.",
                "tickets",
            ),
        ),
        "Figures on the test part will look better than the model is. Remove them from either part.",
    ),
    "text_was_cut": Words(
        (
            "{tickets:n} of {all:n} tickets held more than the customer's own message. Cut were: {by_kind:parts}. For example {shown:names}.",
            "{tickets:n} tickets held more than the customer's own message. Cut were: {by_kind:parts}.",
        ),
        "Nothing to do: new tickets are cut alike when they are predicted, and the data set keeps what was cut.",
    ),
    "texts_are_short": Words(
        ("Half of the tickets have at most {median_characters:n} characters of text.",),
        "Check that the right column was taken for the body; a few words rarely decide a label.",
    ),
    "texts_look_damaged": Words(
        (
            Counted(
                "{texts:n} text looks damaged, such as “{example}”: it was read or written in a wrong encoding before.",
                "{texts:n} texts look damaged, such as “{example}”: they were read or written in a wrong encoding before.",
                "texts",
            ),
        ),
        "Export them again, best in UTF-8. A model learns damaged words as words of their own.",
    ),
    "threads_became_tickets": Words(
        (
            Counted(
                "In {tickets:n} ticket a column holds all messages of the conversation; the customer's first one was taken.",
                "In {tickets:n} tickets a column holds all messages of the conversation; the customer's first one was taken.",
                "tickets",
            ),
        ),
        "Nothing to do: what came later is not there when a new ticket comes in.",
    ),
    "ticket_ids_repeated": Words(
        (
            Counted(
                "{tickets:n} ticket has an id that an earlier one has; its row was added to it.",
                "{tickets:n} tickets have an id that an earlier one has; their row was added to it.",
                "tickets",
            ),
        ),
        "If rows are messages of one ticket rather than tickets, export one row a ticket.",
    ),
    "times_not_read": Words(
        (
            Counted(
                "In {tickets:n} ticket the time cannot be read, such as “{example}”.",
                "In {tickets:n} tickets the time cannot be read, such as “{example}”.",
                "tickets",
            ),
        ),
        "They are kept without a time. Training does not need it.",
    ),
    "wiki_markup_became_text": Words(
        (
            Counted(
                "{texts:n} text had wiki markup (of Jira, say), which was turned into plain text.",
                "{texts:n} texts had wiki markup (of Jira, say), which was turned into plain text.",
                "texts",
            ),
        ),
        "Nothing to do.",
    ),
}

_measured = "{gain:points} points ({low:points} to {high:points})"

CARD: Mapping[str, Words] = {
    "business_is_enough": Words(
        (
            "{attribute}: fine-tuning changed the mean of accuracy and macro F1 by "
            + _measured
            + " on tickets kept back from training. "
            "{networks_left_out:n} fine-tuned networks were left out: Business, the cheaper mode, is enough for this data.",
            "{attribute}: fine-tuning changed the mean of accuracy and macro F1 by "
            + _measured
            + " on tickets kept back from training. "
            "Business, the cheaper mode, is enough for this data.",
            "{attribute}: fine-tuning gained next to nothing. Business, the cheaper mode, is enough for this data.",
        )
    ),
    "duplicates_across_split": Words(
        (
            Counted(
                "{tickets:n} training ticket has the same text as a test ticket and was not learnt from.",
                "{tickets:n} training tickets have the same text as a test ticket and were not learnt from.",
                "tickets",
            ),
            "Some training tickets have the same text as a test ticket and were not learnt from.",
        )
    ),
    "empty_tickets": Words(
        (
            Counted(
                "{tickets:n} ticket has no text and was not learnt from.",
                "{tickets:n} tickets have no text and were not learnt from.",
                "tickets",
            ),
            "Some tickets have no text and were not learnt from.",
        )
    ),
    "encoders": Words(("Read with {rest}", "Read with a language model.")),
    "encoder_added_for_english": Words(("{encoder} beside it, because {share:percent} is English.",)),
    "encoder_english_not_there": Words(
        ("{share:percent} is English: the encoder {encoder} beside it would add a little. It is not installed here.",)
    ),
    "encoder_english_not_wanted": Words(
        ("No English encoder beside it, because tickets in {languages:words} are expected as well.",)
    ),
    "encoder_language_unknown": Words(("Read with {encoder}, because the language of the tickets could not be told.",)),
    "encoder_none_speaks": Words(
        (
            "Read with {encoder}, although no known encoder speaks {languages:words} ({share:percent} of the tickets); words and characters will carry "
            "those.",
        )
    ),
    "encoder_other_not_there": Words(
        (
            "Read with {encoder}, although {share:percent} of the tickets are in {languages:words}, which it does not speak. {other} speaks them; it is "
            "not installed here.",
        )
    ),
    "encoder_other_taken": Words(
        (
            "Read with {encoder}, because {share:percent} of the tickets are in {languages:words}, which {other} does not speak.",
        )
    ),
    "encoder_speaks": Words(
        ("Read with {encoder}, which speaks the language of {share:percent} of the tickets ({languages:words}).",)
    ),
    "fine_tuning_gained": Words(
        (
            "{attribute}: fine-tuning changed the mean of accuracy and macro F1 by "
            + _measured
            + " on tickets kept back from training.",
            "{attribute}: fine-tuning made it better.",
        )
    ),
    "hierarchy": Words(
        (
            "{attribute}: {share:percent1} of its tickets go with one {parent} for each label, so the two are predicted together and agree.",
            "{attribute} is predicted together with the attribute above it, so that the two agree.",
        )
    ),
    "hierarchy_left_free": Words(
        (
            "{attribute}: {share:percent1} of its tickets go with one {parent} for each label. Made to agree, both would change by {cost:points} points of "
            "accuracy and macro F1 (their mean); so each is predicted on its own.",
            "{attribute} hangs on another attribute. Made to agree, both would be right less often; so each is predicted on its own.",
        )
    ),
    "labels_confused": Words(
        (
            Counted(
                "{attribute}: {tickets:n} ticket of “{actual}” was taken for “{predicted}”. Do people tell the two apart?",
                "{attribute}: {tickets:n} tickets of “{actual}” were taken for “{predicted}”. Do people tell the two apart?",
                "tickets",
            ),
            "{attribute}: two labels are often taken for each other. Do people tell them apart?",
        )
    ),
    "labels_left_out": Words(
        (
            Counted(
                "{attribute}: {labels:n} label with fewer than {fewest:n} training tickets was left out ({named:names}; tickets: {tickets:n}). The model "
                "never predicts it.",
                "{attribute}: {labels:n} labels with fewer than {fewest:n} training tickets each were left out ({named:names}; tickets: {tickets:n}). The "
                "model never predicts them.",
                "labels",
            ),
            "{attribute}: labels with too few tickets were left out. The model never predicts them.",
        )
    ),
    "labels_merged": Words(
        (
            "{attribute}: spellings that differ only in case were joined: {merged:names}.",
            "{attribute}: spellings of labels that differ only in case were joined.",
        )
    ),
    "labels_never_predicted": Words(
        (
            "{attribute}: never predicted on the holdout: {labels:names}. More tickets of these would help.",
            "{attribute}: some labels were never predicted on the holdout. More tickets of these would help.",
        )
    ),
    "labels_suspected": Words(
        (
            "{attribute}: {wrong:n} of {examined:n} tickets examined look wrongly labelled. Look at the {listed:n} likeliest before adding tickets.",
            "{attribute}: {wrong:n} of {examined:n} tickets examined look wrongly labelled. Look at them before adding tickets.",
            "{attribute}: some tickets look wrongly labelled. Look at them before adding tickets.",
        )
    ),
    "mostly_unlabelled": Words(
        (
            "{attribute}: {missing:n} of {all:n} training tickets have no label to learn from.",
            "{attribute}: most training tickets have no label to learn from.",
        )
    ),
    "no_better_than_majority": Words(
        (
            "{attribute}: the model is not measurably better than always answering “{label}” ({share:percent1} right). The texts may not say what decides "
            "this attribute.",
            "{attribute}: the model is not measurably better than always giving the same answer. The texts may not say what decides this attribute.",
        )
    ),
    "no_better_than_nothing": Words(
        (
            "{attribute}: the model is not measurably better than always answering nothing ({share:percent1} right). The texts may not say what decides "
            "this attribute.",
        )
    ),
    "no_holdout": Words(
        (
            Counted(
                "{tickets:n} ticket is too few to keep any aside. It was measured by a model that had not seen it, which flatters a little.",
                "{tickets:n} tickets are too few to keep any aside. Each was measured by a model that had not seen it, which flatters a little.",
                "tickets",
            ),
            "The tickets are too few to keep any aside. Each was measured by a model that had not seen it, which flatters a little.",
        )
    ),
    "not_measured": Words(
        ("{attribute}: no holdout ticket has a label that was learnt, so nothing could be measured.",)
    ),
    "small_holdout": Words(
        (
            Counted(
                "Measured on {tickets:n} ticket only: mind the width of the intervals.",
                "Measured on {tickets:n} tickets only: mind the width of the intervals.",
                "tickets",
            ),
            "Measured on few tickets only: mind the width of the intervals.",
        )
    ),
    "way_of_learning": Words(
        (
            "{network}: {ways:n} ways of fine-tuning were tried on a part of the tickets; chosen: {epochs:n} epochs at rate {rate:number}, with a contrast "
            "between labels of weight {contrast:number}.",
            "{network}: {ways:n} ways of fine-tuning were tried on a part of the tickets; chosen: {epochs:n} epochs at rate {rate:number}.",
            "{ways:n} ways of fine-tuning were tried on a part of the tickets, and the best one chosen.",
            "Several ways of fine-tuning were tried on a part of the tickets, and the best one chosen.",
        )
    ),
    "words_were_enough": Words(
        (
            "{attribute}: sentence vectors changed the mean of accuracy and macro F1 by " + _measured + " on tickets "
            "kept back from training. Basic, the cheaper mode, is enough for this attribute.",
            "{attribute}: sentence vectors gained next to nothing. Basic, the cheaper mode, is enough for this attribute.",
        )
    ),
}


def message(found: Found, *, of_card: bool = False, language: str = ENGLISH) -> str:
    """What was found. `of_card`: by a training, not by an import (one code stands in both). What this release does not know is as it was written."""
    words = (CARD if of_card else DATA).get(found.code)
    said = first_that_fits(words.message, _values(found), language=language) if words else None
    return said if said is not None else found.written or found.code


def advice(found: Found, *, language: str = ENGLISH) -> str:
    """What to do about a finding of an import; empty where the code is not known."""
    words = DATA.get(found.code)
    return (first_that_fits(words.advices, _values(found), language=language) or "") if words else ""


@dataclass(frozen=True, slots=True)
class _Stored:
    code: str
    attribute: str | None
    values: Mapping[str, Any]
    written: str


def told(findings: Sequence[Mapping[str, Any]], *, of_card: bool, language: str = ENGLISH) -> list[dict[str, Any]]:
    """Findings as JSON keeps them, each with its `message`, and those of an import with their `advice` and, as in release 0.1, `numbers`."""
    return [_told(one, of_card=of_card, language=language) for one in findings]


def with_sentences(evidence: Mapping[str, Any], *, of_card: bool, language: str = ENGLISH) -> dict[str, Any]:
    """A report card or a profile as JSON keeps it, its findings `told`."""
    if "findings" not in evidence:
        return dict(evidence)
    return {**evidence, "findings": told(evidence["findings"], of_card=of_card, language=language)}


def _told(finding: Mapping[str, Any], *, of_card: bool, language: str) -> dict[str, Any]:
    if "values" not in finding:
        # As release 0.1 wrote it: with its sentences.
        return dict(finding)
    shown = {name: value for name, value in finding.items() if name != "written"}
    found = _Stored(finding["code"], finding.get("attribute"), finding["values"], finding.get("written", ""))
    shown["message"] = message(found, of_card=of_card, language=language)
    if not of_card:
        shown |= {"advice": advice(found, language=language), "numbers": finding["values"]}
    return shown


def sentences() -> Iterator[Sentence]:
    """All of them, for the translators' books."""
    tables: Sequence[Mapping[str, Words]] = (DATA, CARD)
    for table in tables:
        for words in table.values():
            yield from words.message
            yield from words.advices


def _values(found: Found) -> dict[str, Any]:
    return {**found.values, "attribute": found.attribute}
