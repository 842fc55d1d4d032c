"""What advises a training: its title, each piece of evidence, the title of its chart and the names of its points.

All are made from evidence, which is codes with values. What was written before evidence was that (a `title`, a
`sentence`, a `label`) is said as it was written, where its values do not give the sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from otai.words.catalogue import ENGLISH, first_that_fits, say
from otai.words.sentences import Counted, Sentence

Evidence = Mapping[str, Any]


class Advised(Protocol):
    """A piece of advice as it is stored."""

    kind: str
    title: str
    evidence: Any
    chart: Any
    mapping: Any


CHANGES: Mapping[str, Sentence] = {
    "renamed": "“{old}” is called “{new}” now",
    "split": "“{old}” was split into {new:names}",
    "joined": "{old:names} were joined into “{new}”",
    "added": Counted("{names:names} is new", "{names:names} are new", "count"),
    "removed": Counted("{names:names} is gone", "{names:names} are gone", "count"),
}
OF_LABELS = "{attribute}: {changes}."
"""`changes` stand one after the other, with semicolons."""

FOUND: Mapping[str, tuple[Sentence, ...]] = {
    "attribute": (
        Counted(
            "{tickets:n} ticket says its “{attribute}”, with {labels:n} labels.",
            "{tickets:n} tickets say their “{attribute}”, with {labels:n} labels.",
            "tickets",
        ),
    ),
    "language": (
        "{now:percent1} of the tickets are in “{language:language}”, of which the model learnt {learnt:n} of {of:n} "
        "tickets.",
        "{now:percent1} of the tickets are in “{language:language}”; of those learnt it were {before:percent1}.",
    ),
    "confidence.training": (
        "The model is {now:percent1} sure of {attribute} on average, {before:percent1} at the training.",
    ),
    "confidence.weeks_before": (
        "The model is {now:percent1} sure of {attribute} on average, {before:percent1} in the weeks before.",
    ),
    "accuracy.training": (
        "People found {now:percent1} of {tickets:n} right in {attribute}; {before:percent1} were at the training.",
    ),
    "accuracy.weeks_before": (
        "People found {now:percent1} of {tickets:n} right in {attribute}; {before:percent1} were in the weeks before.",
    ),
    "unfamiliar": (
        "Of the words {now:percent1} are known from the training, {before:percent1} in the tickets it was measured on.",
    ),
    "gain": (
        "Expected of a new training: {attribute} is right more often by {value:points} points (in 95 of 100 cases by "
        "{low:points} to {high:points}).",
    ),
    "gain_unknown": ("How much a new training would gain cannot be said from these tickets.",),
    "expected": (
        "{attribute} is expected to be right in {value:percent} ({low:percent} to {high:percent}); guessing reaches "
        "{guessing:percent}.",
    ),
    "tickets_first": (
        "A training needs tickets in {language:language} with the labels that people gave them: about {wanted:n}; so "
        "far it has {there:n}. Bring them first, or give feedback on answers.",
        "A training from the same tickets would learn the same. Bring the tickets of the last weeks first, with the "
        "labels that people gave them, or give feedback on answers.",
    ),
    "words.changed": ("The words have changed.",),
    "words.same": ("The words are those of the training.",),
}
TITLES: Mapping[str, Sentence] = {
    "new_attribute": "{data_set} has {names:attributes}, which the model does not predict.",
    "new_language": (
        "{now:percent} of the new tickets are in a language that the model did not learn: “{language:language}”."
    ),
    "words_too": "The words of the tickets have changed as well.",
}
CHARTS: Mapping[str, Sentence] = {
    "tickets_of_unknown_labels": "Tickets of labels that the model does not know",
    "tickets_with_attribute": "Tickets that carry the new attribute",
    "share_by_language": "Share of tickets by language",
    "training_and_now": "At the training and in the last two weeks",
}
MEASURES: Mapping[str, Sentence] = {
    "confidence": "{attribute}: confidence",
    "accuracy": "{attribute}: accuracy",
    "unfamiliar": "known words",
}

GAINS = ("gain", "gain_unknown", "expected", "tickets_first")
"""Evidence that says what to expect of a training, not why."""

_COMPARED_BEFORE = {"at the training": "training", "in the weeks before": "weeks_before"}
"""Evidence of release 0.1 said when in English."""


def title(one: Advised, *, data_set: str = "", language: str = ENGLISH) -> str:
    """What was found, in a sentence or two; as it was written where older evidence lacks the values. `data_set`: its
    name, for a new attribute."""
    try:
        return _title(one.kind, one.evidence, data_set, language) or one.title
    except (KeyError, IndexError, TypeError, ValueError):
        return one.title


def finding(item: Evidence, *, language: str = ENGLISH) -> str:
    """A piece of evidence; empty where nothing can be said of it."""
    try:
        return _found(item, language) or str(item.get("sentence", ""))
    except (KeyError, TypeError, ValueError):
        return str(item.get("sentence", ""))


def gain(one: Advised, *, language: str = ENGLISH) -> str:
    """What following it is expected to gain, and how sure that is; empty where it costs nothing, and for advice of a
    release before."""
    said = (finding(item, language=language) for item in one.evidence if item.get("kind") in GAINS)
    return " ".join(dict.fromkeys(filter(None, said)))


def chart_title(chart: Mapping[str, Any], *, language: str = ENGLISH) -> str:
    """Release 0.1 stored the title in English: it is the same sentence."""
    code, written = chart.get("code"), str(chart.get("title", ""))
    known = CHARTS.get(str(code)) if code else next((said for said in CHARTS.values() if said == written), None)
    return say(known, {}, language=language) if known else written


def point_name(point: Mapping[str, Any], *, language: str = ENGLISH) -> str:
    """What a point of a chart is about: a measure of an attribute, a language, a label, or an attribute."""
    if "measure" in point:
        return say(MEASURES[point["measure"]], point, language=language)
    if "label" in point and "attribute" not in point:
        return _point_of_before(str(point["label"]), language)
    named = [str(point[what]) for what in ("attribute", "label", "language") if point.get(what)]
    return ": ".join(named)


def told(one: Advised, *, data_set: str = "", language: str = ENGLISH) -> dict[str, Any]:
    """Title, evidence and chart as JSON with their sentences: `title`; `sentence` in evidence; `title` and the points'
    `label` in the chart."""
    chart = dict(one.chart or {})
    if chart:
        chart["title"] = chart_title(chart, language=language)
        points = chart.get("points", [])
        chart["points"] = [{**point, "label": point_name(point, language=language)} for point in points]
    return {
        "title": title(one, data_set=data_set, language=language),
        "evidence": [{**item, "sentence": finding(item, language=language)} for item in one.evidence],
        "chart": chart,
    }


def facts_of(evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    """Evidence without what release 0.1 wrote beside its values: whether two say the same."""
    return [{name: value for name, value in item.items() if name != "sentence"} for item in evidence]


def sentences() -> Iterator[Sentence]:
    """All of them, for the translators' books."""
    yield from CHANGES.values()
    yield OF_LABELS
    for said in FOUND.values():
        yield from said
    for table in (TITLES, CHARTS, MEASURES):
        yield from table.values()


def _title(kind: str, found: Sequence[Evidence], data_set: str, language: str) -> str:
    match kind:
        case "labels_changed" | "labels_renamed":
            changed = (item for item in found if item.get("kind") not in GAINS)
            return " ".join(filter(None, (_found(item, language) for item in changed)))
        case "new_attribute":
            names = [item["attribute"] for item in found if item.get("kind") not in GAINS]
            return say(TITLES["new_attribute"], {"data_set": data_set, "names": names}, language=language)
        case "new_language":
            largest = max((item for item in found if "now" in item), key=lambda item: float(item["now"]["value"]))
            values = {"now": largest["now"]["value"], "language": largest["language"]}
            return say(TITLES["new_language"], values, language=language)
        case "drift":
            first = _found(found[0], language)
            words_too = any(item["kind"] == "words" and item["changed"] for item in found)
            more = [say(TITLES["words_too"], {}, language=language)] if words_too else []
            return " ".join([first, *more]) if first else ""
    return ""


def _found(item: Evidence, language: str) -> str:
    kind = str(item.get("kind", ""))
    if kind == "labels":
        return _labels(item, language)
    if kind == "words":
        kind = "words.changed" if item["changed"] else "words.same"
    if kind in ("confidence", "accuracy"):
        when = str(item.get("compared_with", "training"))
        kind = f"{kind}.{_COMPARED_BEFORE.get(when, when)}"
    values = {**item, "now": item["now"]["value"]} if "now" in item else item
    return first_that_fits(FOUND.get(kind, ()), values, language=language) or ""


def _labels(item: Evidence, language: str) -> str:
    def change(code: str, **values: Any) -> str:
        return say(CHANGES[code], values, language=language)

    parts = [change("renamed", old=old, new=new) for old, new in item["renamed"].items()]
    parts += [change("split", old=old, new=new) for old, new in item["split"].items()]
    parts += [change("joined", old=old, new=new) for new, old in item["joined"].items()]
    parts += [change(code, names=item[code], count=len(item[code])) for code in ("added", "removed") if item[code]]
    return say(OF_LABELS, {"attribute": item["attribute"], "changes": "; ".join(parts)}, language=language)


def _point_of_before(label: str, language: str) -> str:
    """Release 0.1 stored `queue: confidence` and `known words`; names of labels and attributes stay what they are."""
    name, colon, kind = label.rpartition(": ")
    if label == MEASURES["unfamiliar"]:
        return say(MEASURES["unfamiliar"], {}, language=language)
    return say(MEASURES[kind], {"attribute": name}, language=language) if colon and kind in MEASURES else label
