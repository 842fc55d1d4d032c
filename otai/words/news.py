"""News as a person is told it: by mail, on their page, by a notice of the browser, over the API. By the event of a
message, from the values that it carries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, tzinfo
from types import SimpleNamespace
from typing import Any

from otai.words import advice
from otai.words.catalogue import ENGLISH, say
from otai.words.sentences import Counted, Sentence

KINDS: Mapping[str, Sentence] = {
    "training_ready": "A training of mine is ready",
    "training_failed": "A training of mine failed",
    "training_late": "A training of mine will be late",
    "import_ended": "An import of mine ended",
    "order_above_limit": "A colleague orders above a limit",
    "model_live": "A model goes live",
    "model_drifts": "A model drifts, or a new training is worth it",
    "digest": "The daily mail",
}
"""What may be told, as the page of choices names it, and the mail that holds a day's news."""

TITLES: Mapping[str, Sentence] = {
    "run.completed": "Your training is ready: {model}, training {run}",
    "run.failed": "Your training failed: {model}, training {run}",
    "run.late": "Your training will be late: {model}, training {run}",
    "run.ordered": Counted(
        "A colleague ordered a training for {credits:n} credit: {model}, training {run}",
        "A colleague ordered a training for {credits:n} credits: {model}, training {run}",
        "credits",
    ),
    "run.approval_needed": Counted(
        "A colleague ordered a training for {credits:n} credit, which waits for approval: {model}, training {run}",
        "A colleague ordered a training for {credits:n} credits, which waits for approval: {model}, training {run}",
        "credits",
    ),
    "import.completed": Counted(
        "Your tickets are imported: {name} v{version}, {tickets:n} ticket",
        "Your tickets are imported: {name} v{version}, {tickets:n} tickets",
        "tickets",
    ),
    "import.failed": "Your import failed",
    "model.live": "{model} v{version} is live",
    "advice.raised": "{model}: {found}",
}
MORE: Mapping[str, Sentence] = {
    "run.completed": "Its report card says how often it is right, and what it may decide alone.",
    "run.failed": "Its credits are given back, nothing is charged. The page of the training says why.",
    "run.late": "It was promised by {due_at:date}, {due_at:time}.",
    "import.completed": "They can be trained on now.",
    "import.failed": "The page of the import says what was wrong with the file.",
    "model.live": "Predictions by the model's name come from this version.",
}
"""A sentence more, where there is something to add."""

SUBJECT_OF_DAY: Sentence = Counted(
    "{organisation}: {count:n} piece of news", "{organisation}: {count:n} pieces of news", "count"
)


def kind(code: str, *, language: str = ENGLISH) -> str:
    """The kind by its name; the code itself where a newer release made it."""
    return say(KINDS[code], {}, language=language) if code in KINDS else code


def title(event: str, data: Mapping[str, Any], *, language: str = ENGLISH) -> str:
    """What happened, in one line."""
    values = {**data}
    if event == "advice.raised":
        found = SimpleNamespace(
            kind=data["kind"], title=data.get("title", ""), evidence=data.get("evidence", []), chart={}, mapping={}
        )
        values["found"] = advice.title(found, data_set=str(data.get("data_set", "")), language=language)
    return say(TITLES[event], values, language=language)


def more(event: str, data: Mapping[str, Any], *, zone: tzinfo, language: str = ENGLISH) -> str:
    """The sentence that follows; empty where the title says it all. Times as the clocks in `zone` show them."""
    if event == "advice.raised":
        evidence = data.get("evidence", [])
        told = SimpleNamespace(kind=data["kind"], title="", evidence=evidence, chart={}, mapping={})
        return advice.gain(told, language=language)
    if event not in MORE:
        return ""
    values = {**data}
    if "due_at" in data:
        values["due_at"] = datetime.fromisoformat(data["due_at"]).astimezone(zone).isoformat()
    return say(MORE[event], values, language=language)


def subject(told: Iterable[Mapping[str, Any]], *, organisation: str, language: str = ENGLISH) -> str:
    """Of a mail with these pieces of news, each an `event` with its `data`: the title of the only one, or how many
    there are."""
    all_of_them = list(told)
    if len(all_of_them) == 1:
        return title(all_of_them[0]["event"], all_of_them[0]["data"], language=language)
    return say(SUBJECT_OF_DAY, {"organisation": organisation, "count": len(all_of_them)}, language=language)


def sentences() -> Iterator[Sentence]:
    """All of them, for the translators' books."""
    for table in (KINDS, TITLES, MORE):
        yield from table.values()
    yield SUBJECT_OF_DAY
