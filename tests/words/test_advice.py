"""Advice, made by the code that makes it, said in every language with all its values; and as release 0.1 stored it."""

from __future__ import annotations

import ast
from pathlib import Path
from types import SimpleNamespace as Some
from typing import Any

import numpy as np
import pytest

import otai
from otai.learning.evidence import drift
from otai.words import advice as words
from tests.words.book import languages

pytestmark = pytest.mark.pure
ROOT = Path(otai.__file__).parent
LANGUAGES = ["en", *languages()]
OTHERS = languages()

LABELS = {
    "kind": "labels",
    "attribute": "queue",
    "added": ["vpn", "wifi"],
    "removed": ["fax"],
    "renamed": {"network": "infrastructure"},
    "split": {"mail": ["inbox", "spam"]},
    "joined": {"office": ["printer", "phone"]},
}
ATTRIBUTE = {"kind": "attribute", "attribute": "team", "tickets": 1234, "labels": 4}


def signals() -> list[dict[str, Any]]:
    """Every kind of test that a weekly look makes, with tickets that are unlike those of the training."""
    chance = np.random.default_rng(3)
    tickets = 400

    def seen(words_known: float, sure: float, language: str, shift: float) -> drift.DescribedTickets:
        return drift.DescribedTickets(
            known_words=np.clip(chance.normal(words_known, 0.05, tickets), 0, 1),
            sketches=chance.normal(shift, 1, (tickets, 8)),
            confidence=np.clip(chance.normal(sure, 0.05, (tickets, 1)), 0, 1),
            language=(language,) * tickets,
        )

    then = seen(0.9, 0.9, "en", 0.0)
    reference = drift.Reference(
        known_words=then.known_words,
        sketches=then.sketches,
        confidence=then.confidence,
        language=then.language,
        languages={"en": 4000},
    )
    now = seen(0.6, 0.6, "de", 1.0)
    before = seen(0.9, 0.9, "en", 0.0)
    wrong, right = np.tile([1.0, 0.0, 0.0], 134)[:tickets], np.tile([1.0] * 9 + [0.0], 40)
    found = drift.check(
        reference,
        now,
        ["queue"],
        accuracy={"queue": (0.91, 500)},
        judged={"queue": drift.JudgedTickets(wrong, now.confidence[:, 0])},
        history=before,
        judged_before={"queue": drift.JudgedTickets(right, before.confidence[:, 0])},
    )
    same = drift.check(reference, before, ["queue"], accuracy={})
    return [one.as_dict() for one in [*found, *[one for one in same if one.kind == "words"]]]


MADE = [LABELS, ATTRIBUTE, *signals()]


def test_the_list_holds_every_kind_that_is_made() -> None:
    calls = list(ast.walk(ast.parse((ROOT / "learning/evidence/drift.py").read_text())))
    of_drift = {
        ast.literal_eval(node.args[0])
        for node in calls
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Signal"
    }
    assert {one["kind"] for one in MADE} == of_drift | {"labels", "attribute"}
    codes = {f"{one['kind']}.{one['compared_with']}" for one in MADE if "compared_with" in one}
    assert codes == {code for code in words.FOUND if code.startswith(("confidence.", "accuracy."))}
    written = (ROOT / "serving/advice/findings.py").read_text()
    assert all(f'"code": "{code}"' in written for code in words.CHARTS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_piece_is_said_with_its_values(language: str) -> None:
    comma = "." if language == "en" else ","
    for one in MADE:
        said = words.finding(one, language=language)
        assert said and "{" not in said and "_" not in said, one
        if "now" in one and one["kind"] != "words":
            assert f"{100 * one['now']['value']:.1f}".replace(".", comma) in said
            # Of a language that is new to the model it says how many tickets, not which share.
            before = one["before"] if one["kind"] != "language" else None
            assert before is None or f"{100 * before:.1f}".replace(".", comma) in said
        if one.get("attribute"):
            assert one["attribute"] in said
        if language != "en":
            assert said != words.finding(one)
    labels = words.finding(LABELS, language=language)
    for name in (
        "vpn",
        "wifi",
        "fax",
        "network",
        "infrastructure",
        "mail",
        "inbox",
        "spam",
        "office",
        "printer",
        "phone",
    ):
        assert name in labels


def advised(kind: str, *evidence: dict[str, Any], title: str = "", chart: dict[str, Any] | None = None) -> Any:
    return Some(kind=kind, title=title, evidence=list(evidence), chart=chart or {}, mapping={})


def of(kind: str) -> dict[str, Any]:
    return next(one for one in MADE if one["kind"] == kind)


@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_are_made_from_the_evidence(language: str) -> None:
    changed = next(one for one in MADE if one["kind"] == "words" and one["changed"])
    share = "100" if of("language")["now"]["value"] == 1 else ""
    for one, held in (
        (advised("labels_changed", LABELS), "infrastructure"),
        (advised("labels_renamed", LABELS), "infrastructure"),
        (advised("new_attribute", ATTRIBUTE), "support v2"),
        (advised("new_language", of("language")), share),
        (advised("drift", of("accuracy"), changed), "queue"),
    ):
        said = words.title(one, data_set="support v2", language=language)
        assert said and held in said and "{" not in said
        if language != "en":
            assert said != words.title(one, data_set="support v2")
    both = words.title(advised("drift", of("accuracy"), changed), language=language)
    assert both.startswith(words.finding(of("accuracy"), language=language)) and len(both) > 20 + len(
        words.finding(of("accuracy"), language=language)
    )


def test_charts_and_their_points_are_said() -> None:
    chart = {
        "code": "training_and_now",
        "unit": "share",
        "points": [{"attribute": "queue", "measure": "confidence", "now": 1}, {"measure": "unfamiliar", "now": 1}],
    }
    told = words.told(advised("drift", of("accuracy"), chart=chart), language="de")["chart"]
    assert told["title"] == "Beim Training und in den letzten zwei Wochen"
    assert [point["label"] for point in told["points"]] == ["queue: Sicherheit", "bekannte Wörter"]
    assert words.point_name({"attribute": "queue", "label": "fax"}, language="de") == "queue: fax"
    assert words.point_name({"language": "de"}, language="fr") == "de"
    for code in words.CHARTS:
        assert all(
            words.chart_title({"code": code}, language=one) != words.chart_title({"code": code}) for one in OTHERS
        )


def test_advice_of_release_0_1_is_still_said() -> None:
    """It had a title, a sentence beside each piece, a title of its chart and a label of each point: in English."""
    when = dict(of("confidence"), compared_with="in the weeks before", sentence="In English.")
    assert "in den Wochen davor" in words.finding(when, language="de")
    language = {name: value for name, value in of("language").items() if name not in ("learnt", "of")}
    assert "von den gelernten waren es" in words.finding(language, language="de")
    old = advised("drift", {"sentence": "Less sure."}, title="As it was written.")
    assert words.title(old, language="de") == "As it was written."
    assert words.told(old, language="de")["evidence"] == [{"sentence": "Less sure."}]
    chart = {
        "title": "Share of tickets by language",
        "unit": "share",
        "points": [{"label": "queue: confidence"}, {"label": "known words"}, {"label": "queue: printer"}],
    }
    told = words.told(advised("drift", when, chart=chart), language="de")["chart"]
    assert told["title"] == "Anteil der Tickets nach Sprache"
    assert [point["label"] for point in told["points"]] == ["queue: Sicherheit", "bekannte Wörter", "queue: printer"]
    assert words.chart_title({"title": "Then and now"}, language="de") == "Then and now"
    assert words.facts_of([when]) == words.facts_of([dict(when, sentence="Reworded.")])
