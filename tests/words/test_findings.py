"""Every finding, made by the code that makes it, said in every language with all its numbers."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
import string
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace as Some
from typing import Any

import numpy as np
import polib
import pytest
from babel.messages.plurals import get_plural

import otai
from otai.learning.data import profile_findings
from otai.learning.data.profile import AttributeProfile, LabelCount, Profile
from otai.learning.data.profile_findings import Duplicates
from otai.learning.estimate import Estimate
from otai.learning.evidence import card_answer, training_findings
from otai.learning.evidence.expectation import Expectation, TriedGain, no_gain_expected
from otai.learning.evidence.leaks import Leak, Leaks
from otai.learning.evidence.report_card import ReportCard
from otai.learning.features.encoder_choice import encoders_for
from otai.learning.finding import Finding
from otai.learning.finetuning import ensemble
from otai.learning.finetuning.hardware import Gpu
from otai.learning.finetuning.larger import larger_encoder
from otai.learning.finetuning.stage import stopped_early
from otai.tickets import text_preparation
from otai.tickets.changing import found_cut
from otai.tickets.columns import ColumnRoles
from otai.tickets.comparing import Difference, Labels
from otai.tickets.day_order import UnsettledDates
from otai.tickets.file_findings import findings_of_file
from otai.tickets.growing import Growing
from otai.tickets.import_findings import findings_of_import
from otai.tickets.joining import Joined
from otai.words import findings as words
from otai.words.card_findings import CARD
from otai.words.catalogue import DOMAIN, LOCALES, first_that_fits, say
from otai.words.data_findings import DATA
from otai.words.sentences import Counted, Sentence, places
from otai.words.tables import refused
from tests.runs.guarantees import attribute_report
from tests.words.book import as_collected, context_of, languages, path_of, sentences
from tests.words.unsaid import left_out, shown

pytestmark = pytest.mark.pure
ROOT = Path(otai.__file__).parent
LANGUAGES = ["en", *languages()]


def profile(**changes: Any) -> Profile:
    values: dict[str, Any] = {
        "tickets": 1234,
        "languages": {"unknown": 0.3, "en": 0.7},
        "languages_read": None,
        "attributes": (),
        "empty_tickets": 12,
        "duplicate_tickets": 0,
        "contradicting_duplicates": 0,
        "split": {"train": 1, "dev": 4},
        "text_length": {"median": 9},
        "first_created_at": None,
        "last_created_at": None,
        "findings": (),
    }
    return Profile(**values | changes)


def attribute(name: str, *counts: tuple[str, int], missing: int = 0, order: tuple[str, ...] = ()) -> AttributeProfile:
    labels = tuple(LabelCount(label, count, count) for label, count in counts)
    labelled = sum(label.count for label in labels)
    return AttributeProfile.of_labels(
        name, kind="single", order=order, labelled=labelled, missing=missing, labels=labels
    )


def of_data() -> Iterator[Finding]:
    yield from profile_findings.of_tickets(profile(), Duplicates(23, 7, {"queue": 7}, 3))
    yield from profile_findings.of_attribute(
        attribute("queue", ("Fax", 1), ("fax", 2), missing=2000, order=("low",)), tickets=2003
    )
    yield from profile_findings.of_attribute(attribute("priority", ("low", 990), ("high", 10)), tickets=1000)
    yield from profile_findings.of_attribute(
        attribute("customer", *((f"number {n}", 5) for n in range(1200))), tickets=6000
    )
    yield from profile_findings.of_attribute(
        attribute("assignee", ("anna.bell@acme.example", 60), ("bo.carr@acme.example", 40)), tickets=100
    )
    texts = [f"queue: {label} please" for label in ("billing", "network") * 30]
    labels = {"queue": ["billing", "network"] * 30}
    counted = [attribute("queue", ("billing", 30), ("network", 30))]
    yield from profile_findings.of_leaks(counted, texts, labels, all_tickets=60)
    mended = Some(
        html=1234,
        wiki=2,
        written_breaks=3,
        encoding=4,
        encoding_example="Größe",
        damaged=5,
        damaged_example="Gr??e",
    )
    noticed = Some(
        reader=Some(mended=mended, control_characters=2, threads=5),
        unsettled_dates=[UnsettledDates("Opened", "02/11/2026", order) for order in ("day-first", "month-first")],
        missing_examples=["n/a", "-"],
        missing_words={"queue": 8},
        lost_subject="Kurztext",
        unowned_messages="Comment ID",
        unread_times=3,
        unread_times_example="soon",
        unread_languages=4,
    )
    noted = Some(
        footer_rows=[1240],
        footer_example="Total 1239",
        columns_left_out=["note", "note"],
        names_cut=[f"How satisfied are you with {'all ' * 50}of it?"[:200]],
        mixed_encodings=True,
        is_headless=False,
        title_rows=2,
        headers_repeated=[100, 200],
        groups=[],
        sheets=["Tickets", "More"],
        sheets_left_out=["Notes"],
        files=["a.csv", "b.csv"],
        files_left_out=["c.csv"],
        joined_by_id=["comments.csv"],
    )
    source: Any = Some(late_keys={"colour": 20_001}, left_out=["thread"], noted=noted)
    left_out: Any = Some(count=6, first=[])
    yield from findings_of_import(
        [source], noticed, Some(single={"created": "Opened", "body": "Text"}), left_out=left_out
    )  # type: ignore[arg-type]
    yield from findings_of_import([], noticed, Some(single={"body": "Text"}), left_out=left_out, are_rows=True)  # type: ignore[arg-type]
    headless: Any = Some(**vars(noted) | {"is_headless": True})
    grouped: Any = Some(
        **vars(noted) | {"groups": ["Network", "Printers"], "group_column": "Group", "rows_of_groups": [42, 80]}
    )
    yield from findings_of_file(headless)
    yield from findings_of_file(grouped)
    yield from of_preparing()
    yield from of_versions()
    yield from Expectation({}, 0.25, 1200, no_signal=True).warnings("queue")
    if (no_gain := no_gain_expected([TriedGain(0.002, -0.018, 0.022, 0.0, 0.004, tickets=480)])) is not None:
        yield no_gain


def of_preparing() -> Iterator[Finding]:
    for masked in ((), ("email",)):
        prepared = text_preparation.TextPreparation(text_preparation.TextRules(masked=masked))
        prepared.count.rows = 7
        for kind in text_preparation.KINDS:
            prepared.count.texts[kind] = 3
            prepared.count.examples[kind] = ["On Monday Ann wrote:"]
        for text in ("Write to ann.bell@acme.example", "I am ann.bell@acme.example, IBAN DE89 3704 0044 0532 0130 00"):
            prepared.personal.look_at(text)
        yield from prepared.findings(100)
        yield from prepared.findings(70, rows=140)
    leak = Leak("queue", ("a",), (), ("Team Billing",), 0.4, 0.93, 0.61)
    yield from Leaks((leak, dataclasses.replace(leak, some_labels=(24, 300))), ("team", "site")).findings()
    yield from leak.left_of(0)
    for thread in (True, False):
        for by_update in (True, False):
            joined = Joined(1500, 1200, 300, is_thread=thread, by_update=by_update)
            by = {"updated": "Changed", "created": "Opened", "said": "Sent at"}
            yield from text_preparation.findings_of_joining(joined, tickets=1200, by=by)
        yield from text_preparation.findings_of_joining(joined, tickets=1200, by={})


def of_versions() -> Iterator[Finding]:
    for labels in (Labels(("new",), ("old",), 3), Labels(("new",)), Labels((), ("old",))):
        yield from Difference(came=12, changed=3, went=4, same=1200, labels={"queue": labels}).findings(version=2)
    yield found_cut(66, of=1200)
    growing = Growing(ColumnRoles.parse(attributes=["queue"]))
    growing.add(ColumnRoles.parse(attributes=["category"]))
    growing.of_file(["Kategorie"], ColumnRoles())
    yield from growing.findings()


def target(name: str, **changes: Any) -> Any:
    values = {"spec": Some(name=name), "left_out": {}, "labels": (), "merged": [], "known": np.ones(200, dtype=bool)}
    return Some(**values | changes)


def of_cards() -> Iterator[Finding]:
    rare = target("queue", left_out={"fax": 3, "telex": 4}, merged=[("FAX", "fax")], known=np.zeros(200, dtype=bool))
    rows = np.arange(200)
    split: Any = Some(train=rows[:110], holdout=rows[110:], duplicates_moved=12, newest=None)
    recipe: Any = Some(fewest_tickets=5)
    yield from training_findings.data_findings([None] * 207, 200, split, [rare], recipe)  # type: ignore[arg-type]
    timed: Any = Some(created_at=[datetime(2026, 5, 1, tzinfo=UTC)] * 200)
    new: Any = Some(train=rows[:50], holdout=rows[50:], duplicates_moved=0, newest=rows[150:])
    yield training_findings.newest_finding(training_findings.newest_part(timed, new))
    bare: Any = Some(train=rows[:20], holdout=rows[:0], duplicates_moved=0, newest=None)
    yield from training_findings.data_findings([None] * 20, 20, bare, [], recipe)  # type: ignore[arg-type]
    yield from training_findings.data_findings(
        [None] * 20,
        20,
        bare,
        [target("assignee", labels=("anna.bell@acme.example", "net"))],
        recipe,  # type: ignore[arg-type]
    )
    gain = Estimate(0.004, -0.002, 0.011)
    yield from training_findings.vector_findings([target("queue")], [gain])
    leak = Leak("queue", ("a",), (), ("Team Billing",), 0.4, 0.93, 0.61)
    yield from Leaks((leak, dataclasses.replace(leak, some_labels=(24, 300))), ("team",)).findings_of_card()
    yield from of_the_answer()
    yield from training_findings.evidence_findings(list(reports()))
    yield from of_fine_tuning()
    for choice in (
        encoders_for({"en": 0.9, "de": 0.1}, present=("minilm-en",)),
        encoders_for({"en": 1.0}, present=()),
        encoders_for({"en": 1.0}, expected=["de"]),
        encoders_for({"cs": 0.6, "de": 0.4}, present=("multilingual-e5-small",)),
        encoders_for({"cs": 0.6, "de": 0.4}, present=()),
        encoders_for({"tlh": 0.8, "de": 0.2}, present=()),
        encoders_for({}),
        larger_encoder(Gpu("NVIDIA L4", 24 * 10**9), tokens=1.0, seconds=3600.0, present=("multilingual-e5-base",)),
        larger_encoder(Gpu("NVIDIA L4", 24 * 10**9), tokens=1.0, seconds=3600.0, present=()),
    ):
        yield from choice.why
    stopped: Any = Some(network=Some(used=Some(name="multilingual-e5-base")), share_learnt=0.62)
    yield from stopped_early([stopped])


def reports() -> Iterator[Any]:
    from dataclasses import replace

    from otai.learning.evidence.report_card import ConfusedPair, LabelIssues, LabelReport, Majority, RandomPart

    base = attribute_report("queue", 0.615)
    yield replace(base, holdout_tickets=0)
    yield replace(base, majority=Majority("network", 0.615, 0.6))
    yield replace(base, majority=Majority(None, 0.615, 0.6))
    counted = [LabelReport(name, 9, 50, 0, None, 0.0, 0.0) for name in ("fax", "scan")]
    yield replace(base, chance_of_no_signal=0.4, holdout_tickets=100, per_label=counted)
    for others in (0.3, 0.9):
        yield replace(base, holdout_tickets=300, at_random=RandomPart(300, Estimate(others, 0.0, 1.0), base.macro_f1))
    never = LabelReport("fax", 9, 9, 0, None, 0.0, 0.0)
    pair = ConfusedPair("fax", "scan", 9, 0.5, [])
    yield replace(base, per_label=[never], confused_pairs=[pair], wrong_labels=LabelIssues(400, 8, []))


def of_the_answer() -> Iterator[Finding]:
    from dataclasses import replace

    from otai.learning.evidence.report_card import Coverage, LabelReport

    yield from card_answer.answer_findings(list(reports()))
    base = attribute_report("queue", 0.615)
    held = [Coverage(0.95, 0.8, 0.4, 0.95, 0.42, 0.96, 84)]
    for kind in ("single", "multi"):
        found = [LabelReport(name, 90, 50, 40, 0.9, 0.72, 0.8) for name in ("fax", "scan")]
        one = replace(base, kind=kind, coverage=held, per_label=found)
        yield from card_answer.answer_findings([one])
        yield from card_answer.answer_findings([one, replace(one, name="topic")])
    for more in (None, 1, 400):
        not_yet = Coverage(0.95, None, 0.0, None, 0.0, None, 0, more_tickets=more)
        yield from card_answer.answer_findings([replace(base, coverage=[not_yet])])


def of_fine_tuning() -> Iterator[Finding]:
    def tuned(contrast: float) -> Any:
        tuning = Some(epochs=4, rate=0.00002, contrast_weight=contrast)
        return Some(tried=[1, 2, 3], tuning=tuning, network=Some(used=Some(name="minilm-en")))

    def gained(gain: float, low: float, *, alone: bool) -> Any:
        figures = {"gain": gain, "low": low, "high": gain + 0.01, "accuracy": gain, "macro_f1": gain}
        return Some(**figures, is_business_alone=alone)

    chosen = [gained(0.001, -0.005, alone=True), gained(0.001, -0.005, alone=False), gained(0.03, 0.01, alone=False)]
    names = [target("queue"), target("topic"), target("team")]
    yield from ensemble._nothing_joined([tuned(0.0)], None, None)
    yield from ensemble._findings([tuned(0.0), tuned(0.1)], names, chosen)
    hierarchy: Any = Some(below=[Some(child=1, parent=0, purity=0.985)])
    yield from ensemble._agreements(names, hierarchy, 0.0)
    yield from ensemble._agreements(names, hierarchy, 0.5)


MADE: list[tuple[Finding, bool]] = [(one, False) for one in of_data()] + [(one, True) for one in of_cards()]


ALTERNATIVES = {
    "labels_left_to_it", "labels_missing_in_words", "languages_not_read", "left_to_it", "messages_joined",
    "nothing_left_to_it", "threads_became_tickets", "times_not_read",
}  # fmt: skip
"""Their last sentence is as exact as the others: of tickets where others are of rows, of an order where others name a
column."""
FIGURES = Path(__file__).parent / "findings_made.json"
HOW = 'docs/architecture.md, "How to add a finding"'


def table(of_card: bool) -> Any:
    return words.CARD if of_card else words.DATA


def figures() -> list[list[Any]]:
    return [[one.code, one.attribute, json.loads(json.dumps(one.values))] for one, _ in MADE]


def test_a_finding_shows_every_value_that_it_is_given_or_leaves_it_out_on_purpose() -> None:
    """A number that is dropped from an English sentence is missed here."""
    lost = set()
    for one, of_card in MADE:
        entry = table(of_card)[one.code]
        name = f"{'card' if of_card else 'data'}:{one.code}"
        advice = (entry.advice,) if isinstance(entry.advice, str | Counted) else entry.advice
        lost |= {(name, value) for value in set(one.values) - shown([*entry.message, *advice])}
    assert lost == left_out("data:", "card:")


def test_every_code_is_made_here_by_the_code_that_makes_it() -> None:
    of_before = {"ticket_ids_repeated", "encoders"}
    assert {one.code for one, of_card in MADE if not of_card} == set(words.DATA) - of_before, HOW
    assert {one.code for one, of_card in MADE if of_card} == set(words.CARD) - of_before, HOW
    codes = set()
    for path in [*(ROOT / "learning").rglob("*.py"), *(ROOT / "tickets").rglob("*.py")]:
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if "Finding(" in text else ():
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding" and node.args:
                codes |= {one.value for one in node.args[:1] if isinstance(one, ast.Constant)}
    assert len(codes) > 50
    assert codes - {one.code for one, _ in MADE} == set(), f"made by the product, and by no story here: {HOW}"


def test_every_finding_has_the_figures_of_its_tickets() -> None:
    """Written down once and looked through: what the code counts in the tickets above."""
    known, made = json.loads(FIGURES.read_text()), figures()
    assert [one[:2] for one in made] == [one[:2] for one in known], "after a look: python -m tests.words.findings_made"
    for (code, attribute, values), (_, _, expected) in zip(made, known, strict=True):
        assert values.keys() == expected.keys(), (code, attribute)
        for key, value in expected.items():
            assert values[key] == (pytest.approx(value) if isinstance(value, float) else value), (code, attribute, key)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("found", "of_card"), MADE, ids=lambda value: getattr(value, "code", None))
def test_a_finding_is_said_with_its_numbers(found: Finding, of_card: bool, language: str) -> None:
    assert json.loads(json.dumps(found.values)) == found.values, "values are plain"
    assert found.code in table(of_card), f"{found.code} has no sentence: {HOW}"
    message = table(of_card)[found.code].message
    said = words.message(found, of_card=of_card, language=language)
    values = {**found.values, "attribute": found.attribute}
    exact = [one for one in message if all(values.get(name) is not None for name in places(one))]
    is_whole = len(message) == 1 or found.code in ALTERNATIVES
    assert is_whole or exact[0] in message[: len(message) - 1], "the most exact sentence finds its values"
    assert said == say(exact[0], values, language=language)
    assert found.written == "" and not re.search(r"[{}]|%\(", said)
    for name in places(exact[0]):
        if isinstance(values[name], str) and f"{{{name}:date}}" not in str(exact[0]):
            assert values[name] in said
    if language != "en":
        assert said != words.message(found, of_card=of_card), "not a word of English"
        if not of_card:
            assert words.advice(found, language=language) not in ("", words.advice(found))


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "2 labels with fewer than 5 training tickets each were left out (“fax”, “telex”; tickets: 7)"),
        ("de", "2 Labels mit je weniger als 5 Trainings-Tickets wurden weggelassen („fax“, „telex“; Tickets: 7)"),
        ("fr",
            "2 étiquettes avec moins de 5 tickets d\u2019entraînement chacune ont été écartées (« fax », "
            "« telex » ; tickets : 7)"),
    ],
)  # fmt: skip
def test_numbers_and_names_are_written_as_the_language_writes_them(language: str, said: str) -> None:
    [found] = [one for one, _ in MADE if one.code == "labels_left_out"]
    assert said in words.message(found, of_card=True, language=language).replace("\xa0", " ")
    points = Finding("words_were_enough", "note", "queue", {"gain": 0.004, "low": -0.002, "high": 0.011})
    shown = words.message(points, of_card=True, language=language)
    comma = "." if language == "en" else ","
    assert f"+0{comma}4 points" in shown or f"+0{comma}4 Punkte" in shown
    share = Finding("one_label_dominates", attribute="queue", values={"share": 0.615, "label": "a"})
    assert "62\N{NO-BREAK SPACE}%" in words.message(share, language=language), "as pages write it"
    many = Finding("html_became_text", values={"texts": 1234})
    assert (
        words.message(many, language=language)
        .replace("\u202f", "\xa0")
        .startswith({"en": "1,234", "de": "1.234", "fr": "1\xa0234"}[language])
    )


def test_attributes_stand_in_an_answer_as_they_do_everywhere_and_not_all_of_many() -> None:
    best = {"best": "queue", "best_right": 0.9, "worst": "Bearbeiter", "worst_right": 0.2}
    assert "worst is Bearbeiter, " in words.message(Finding("best_and_worst", values=best), of_card=True)
    for names, said in (
        (["Priorität", "Bearbeiter"], "for Priorität, Bearbeiter: no"),
        ([f"a{n}" for n in range(99)], "more"),
    ):
        guessed = Finding("no_better_than_guessing", values={"attributes": names})
        assert said in words.message(guessed, of_card=True)
        assert "“" not in words.message(guessed, of_card=True)


def test_one_is_not_many() -> None:
    one = Finding("empty_tickets", values={"tickets": 1})
    assert words.message(one, of_card=True).startswith("1 ticket has")
    assert words.message(one, of_card=True, language="de").startswith("1 Ticket hat")
    assert words.message(one, of_card=True, language="fr").startswith("1 ticket n\u2019a pas")


def test_what_this_release_does_not_know_is_said_as_it_was_written() -> None:
    assert words.message(Finding("weather", written="As written."), language="de") == "As written."
    assert words.message(Finding("weather"), language="de") == "weather"
    assert words.advice(Finding("weather"), language="de") == ""


@pytest.mark.parametrize("language", languages())
def test_a_book_has_every_sentence_and_every_place(language: str) -> None:
    book = polib.pofile(str(LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.po"))
    there = {(entry.msgid, entry.msgid_plural, entry.msgctxt): entry for entry in book}
    for sentence in sentences():
        one, other = (sentence.one, sentence.other) if isinstance(sentence, Counted) else (str(sentence), "")
        key = (one, other, context_of(sentence))
        entry = there.pop(key, None)
        assert entry is not None and entry.translated(), key
        assert not key[1] or len(entry.msgstr_plural) == get_plural(language).num_plurals, key
        for text in entry.msgstr_plural.values() if isinstance(sentence, Counted) else [entry.msgstr]:
            assert written_places(text) == written_places(key[1] or key[0]), text
    assert not there, "sentences that nobody says"


def written_places(text: str) -> set[tuple[str, str]]:
    return {(name, kind or "") for _, name, kind, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", languages())
def test_a_book_is_written_as_it_is_collected(language: str) -> None:
    """So that a change of one sentence is a change of its lines alone."""
    written = path_of(language).read_text(encoding="utf-8")
    assert str(as_collected(language)) == written, "python -m tests.words.book"


@pytest.mark.parametrize("language", languages())
def test_the_compiled_book_is_the_written_one(language: str) -> None:
    folder = LOCALES / language / "LC_MESSAGES"
    compiled, written = (
        {(one.msgctxt, one.msgid): (one.msgstr, one.msgstr_plural) for one in entries}
        for entries in (
            polib.mofile(str(folder / f"{DOMAIN}.mo")),
            polib.pofile(str(folder / f"{DOMAIN}.po")),
        )
    )
    assert compiled == written, "python -m tests.words.book"


def test_sentences_of_a_missing_value_are_not_said() -> None:
    two: tuple[Sentence, ...] = ("{a:n} of {b:n}", "{a:n}")
    assert first_that_fits(two, {"a": 1, "b": None}) == "1"
    assert first_that_fits(two, {}) is None
    with pytest.raises(KeyError):
        say("{a:n}", {})


BEFORE = {
    "empty_tickets": ("7 tickets have no text and were not learnt from.", {"tickets": 7}),
    "duplicates_across_split": (
        "12 training tickets have the same text as a test ticket and were not learnt from.",
        {"tickets": 12},
    ),
    "no_holdout": (
        "20 tickets are too few to keep any aside. Each was measured by a model that had not seen it, which flatters a "
        "little.",
        {"tickets": 20},
    ),
    "small_holdout": ("Measured on 90 tickets only: mind the width of the intervals.", {"tickets": 90}),
    "encoders": ("Read with use-multilingual, because ...", {"rest": "use-multilingual, because ..."}),
    "labels_left_out": (
        "queue: 2 labels were left out, with fewer than 5 training tickets each (fax (old), telex; 7 tickets). The "
        "model never predicts them.",
        {"labels": 2, "fewest": 5, "named": ["fax (old), telex"], "tickets": 7},
    ),
    "labels_merged": (
        "queue: spellings that differ only in case were joined: 'FAX' as 'fax'.",
        {"merged": ["'FAX' as 'fax'"]},
    ),
    "mostly_unlabelled": (
        "queue: 80 of 120 training tickets have no label to learn from.",
        {"missing": 80, "all": 120},
    ),
    "words_were_enough": (
        "queue: sentence vectors changed the mean of accuracy and macro F1 by +0.4 points (-0.2 to +1.1) on tickets "
        "kept back from training. Basic, the "
        "cheaper mode, is enough for this attribute.",
        {"gain": 0.004, "low": -0.002, "high": 0.011},
    ),
    "no_better_than_majority": (
        "queue: the model is not measurably better than always answering 'network' (61.5% right). The texts may not "
        "say what decides this attribute.",
        {"label": "network", "share": 0.615},
    ),
    "labels_never_predicted": (
        "queue: never predicted on the holdout: fax, telex. More tickets of these would help.",
        {"labels": ["fax, telex"]},
    ),
    "labels_confused": (
        "queue: 9 tickets of 'fax' were taken for \"boss's\". Do people tell the two apart?",
        {"tickets": 9, "actual": "fax", "predicted": "boss's"},
    ),
    "labels_suspected": (
        "queue: 8 of 400 tickets examined look wrongly labelled. Look at the 5 likeliest in the report card before "
        "adding tickets.",
        {"wrong": 8, "examined": 400, "listed": 5},
    ),
    "way_of_learning": (
        "minilm-en: 3 ways of fine-tuning were tried on a part of the tickets; chosen: 4 epochs at rate 2e-05, "
        "likeness beside labels.",
        {"network": "minilm-en", "ways": 3, "epochs": 4, "rate": 2e-05},
    ),
    "business_is_enough": (
        "queue: fine-tuning changed the mean of accuracy and macro F1 by +0.1 points (95 % interval -0.5 to +0.8) on "
        "tickets kept back from training. The "
        "fine-tuned networks were left out: Business, the cheaper mode, is enough for this data.",
        {"gain": 0.001, "low": -0.005, "high": 0.008},
    ),
    "fine_tuning_gained": (
        "queue: fine-tuning changed the mean of accuracy and macro F1 by +3.0 points (95 % interval +1.0 to +5.0) on "
        "tickets kept back from training.",
        {"gain": 0.03, "low": 0.01, "high": 0.05},
    ),
    "hierarchy": (
        "topic: 98.5% of its tickets go with one queue for each label, so the two are predicted together and agree.",
        {"share": 0.985, "parent": "queue"},
    ),
    "hierarchy_left_free": (
        "topic: 98.5% of its tickets go with one queue for each label; made to agree, such attributes would lose 1.2 "
        "points of accuracy and macro F1 "
        "(their mean), so each is predicted on its own.",
        {"share": 0.985, "parent": "queue", "cost": -0.012},
    ),
    "not_measured": ("queue: no holdout ticket has a label that was learnt, so nothing could be measured.", {}),
}
"""Each finding of a report card as release 0.1 (05b040b) wrote it, and the values in it."""
STORED = Path(__file__).parents[1] / "learning" / "stored" / "basic.card.json"


def card_of_before(*findings: dict[str, Any]) -> ReportCard:
    stored = json.loads(STORED.read_text())
    assert stored["format"] == 1 and stored["findings"] and all("message" in one for one in stored["findings"])
    return ReportCard.from_values({**stored, "findings": [*stored["findings"], *findings]})


def test_a_report_card_of_release_0_1_keeps_its_figures_and_findings() -> None:
    stored = json.loads(STORED.read_text())
    card = card_of_before()
    again = json.loads(card.to_json())
    # What it says of its promises beside, no card of before had.
    for coverage in (one for attribute in again["attributes"] for one in attribute["coverage"]):
        assert (coverage.pop("assurance"), coverage.pop("more_tickets")) == (None, None)
    for beside in ("chance_of_no_signal", "at_random"):
        assert {attribute.pop(beside) for attribute in again["attributes"]} == {None}
    assert {name: again[name] for name in stored if name not in ("findings", "format")} == {
        name: stored[name] for name in stored if name not in ("findings", "format")
    }
    assert [(one.code, one.severity, one.attribute) for one in card.findings] == [
        (one["code"], one["severity"], one["attribute"]) for one in stored["findings"]
    ]
    assert all(one.values for one in card.findings)


@pytest.mark.parametrize("code", sorted(BEFORE))
def test_a_finding_of_release_0_1_gives_its_values_back(code: str) -> None:
    said, values = BEFORE[code]
    name = None if code in ("empty_tickets", "duplicates_across_split", "no_holdout", "small_holdout") else "queue"
    found = card_of_before({"code": code, "severity": "note", "message": said, "attribute": name}).findings[-1]
    assert found.values.keys() == values.keys()
    for key, value in values.items():
        assert found.values[key] == (pytest.approx(value) if isinstance(value, float) else value), key
    for language in languages():
        assert words.message(found, of_card=True, language=language) != said


@pytest.mark.parametrize("code", sorted(BEFORE))
def test_a_reworded_finding_of_before_still_says_what_it_means(code: str) -> None:
    found = card_of_before(
        {"code": code, "severity": "note", "message": "Reworded since.", "attribute": "queue"}
    ).findings[-1]
    for language in languages():
        said = words.message(found, of_card=True, language=language)
        assert said not in ("", "Reworded since.") and "{" not in said


def test_a_newer_card_is_refused() -> None:
    with pytest.raises(ValueError, match="format"):
        ReportCard.from_values({**json.loads(STORED.read_text()), "format": 3})


def test_json_carries_sentences_for_programs() -> None:
    found = next(one for one, _ in MADE if one.code == "html_became_text")
    stored = {"code": found.code, "severity": "note", "attribute": None, "values": found.values, "written": ""}
    [told] = words.told([stored], of_card=False)
    assert told["message"].startswith("1,234 texts were HTML") and told["numbers"] == told["values"] == found.values
    assert told["advice"] and "written" not in told
    old = {"code": "html_became_text", "message": "As 0.1 said it.", "attribute": None}
    assert words.told([old], of_card=False) == [old]


def test_the_page_names_no_option_and_each_door_its_own() -> None:
    values = {"tickets": 2, "looked_at": 2, "by_kind": {"email": 2}, "shown": []}
    told = Finding("personal_data", "warning", None, values)
    said = {door: words.advice(told, door=door) for door in ("page", "api", "command")}
    assert said["page"].endswith("masked alike. The box for it is below the columns."), said
    assert said["api"].endswith("masked alike. That is mask: true.") and said["command"].endswith("masked alike.")
    done = Finding(told.code, told.severity, None, {**values, "masked_tickets": 2})
    assert words.advice(done).endswith("masked alike."), "nothing is left to do"
    on_pages = [part for one in (*DATA.values(), *CARD.values()) for part in (*one.message, *one.advices, one.page)]
    on_pages += [part for one in refused.TRANSLATED.values() for part in (*one.message, one.page)]
    assert [one for one in on_pages if re.search(r"(?:^|[\s(])--[a-z]", str(one))] == []


def test_guessing_is_one_measure_and_labels_at_random_are_called_so() -> None:
    """The column *Guessing* has the most frequent label; what a useless attribute is held against is another figure."""
    found = Finding("no_signal", "warning", "queue", {"right": 0.36, "share": 0.3})
    said = words.message(found, of_card=True)
    assert "labels dealt out at random" in said and "guess" not in said
    assert words.message(found, of_card=True, language="de").count("Raten") == 0
