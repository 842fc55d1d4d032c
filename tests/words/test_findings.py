"""Every finding, made by the code that makes it, said in every language with all its numbers."""

from __future__ import annotations

import ast
import json
import re
import string
from pathlib import Path
from typing import Any

import polib
import pytest
from babel.messages.plurals import get_plural

import otai
from otai.learning.evidence.report_card import ReportCard
from otai.learning.finding import Finding
from otai.words import findings as words
from otai.words.card_findings import CARD
from otai.words.catalogue import DOMAIN, LOCALES, first_that_fits, say
from otai.words.data_findings import DATA
from otai.words.sentences import Counted, Sentence, places
from otai.words.tables import refused
from tests.words.book import as_collected, context_of, languages, path_of, sentences
from tests.words.finding_stories import FIGURES, MADE, figures
from tests.words.unsaid import left_out, shown

pytestmark = pytest.mark.pure
ROOT = Path(otai.__file__).parent
LANGUAGES = ["en", *languages()]


ALTERNATIVES = {
    "labels_left_to_it", "labels_missing_in_words", "languages_not_read", "left_to_it", "messages_joined",
    "nothing_left_to_it", "threads_became_tickets", "times_not_read",
}  # fmt: skip
"""Their last sentence is as exact as the others: of tickets where others are of rows, of an order where others name a
column."""
HOW = 'docs/architecture.md, "How to add a finding"'


def table(of_card: bool) -> Any:
    return words.CARD if of_card else words.DATA


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
