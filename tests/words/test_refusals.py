"""Every refusal has its sentence: the code that raises it names a case of the catalogue and gives every value, and each
language says it.

`tests/conftest.py` checks the same of every refusal that any test of the suite provokes.
"""

from __future__ import annotations

import ast
import importlib
import itertools
import json
import pkgutil
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.utils import translation

import otai
from otai.errors import NotFound, OtaiError, Refused
from otai.tickets.problems import BadRows, DatasetInvalid
from otai.units import Money
from otai.words import refusals
from otai.words.catalogue import say, say_fact
from otai.words.facts import FACTS, sentences_of
from otai.words.sentences import Counted, Sentence, places
from otai.words.tables import refused
from otai.words.tables.rows import ROWS
from tests.words.book import languages
from tests.words.unsaid import FOR_PROGRAMS, left_out, shown

pytestmark = pytest.mark.pure
ROOT = Path(otai.__file__).parent
LANGUAGES = ["en", *languages()]

PASSED_ON = {
    "api/access.py": "what the rooms said of a key, as not signed in",
    "client/studio.py": "what the API said, word for word",
    "cli/output.py": "what the room of a setting said of it: a file that cannot be read",
    "jobs/failures.py": "what another process refused",
    "tickets/jobs.py": "the same, as the class that it was there",
    "tickets/cells.py": "`reject`, whose own calls are looked at",
    "tickets/problems.py": "`refused` and `BadRows` themselves",
    "runs/operations/orders.py": "one of two, by what the packages cover",
}
"""Where a case is a variable, and why."""


@dataclass(frozen=True)
class Raised:
    place: str
    key: str
    values: frozenset[str]
    is_open: bool
    """Values come from elsewhere as well (`**facts`)."""


def texts(sentence: Sentence) -> tuple[str, ...]:
    return (sentence.one, sentence.other) if isinstance(sentence, Counted) else (sentence,)


@cache
def raised() -> tuple[Raised, ...]:
    """Each call in the product that makes a refusal or a bad row, with the case and the names of its values."""
    found = []
    for module in pkgutil.walk_packages(otai.__path__, "otai."):
        if ".migrations" in module.name or module.name.endswith(("__main__", ".cli.main")):
            continue
        loaded = importlib.import_module(module.name)
        path = Path(str(loaded.__file__))
        tree = ast.parse(path.read_text())
        names = _imported(tree) | vars(loaded)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (one := _made(node, names, str(path.relative_to(ROOT)))):
                found.append(one)
    return tuple(found)


def _imported(tree: ast.Module) -> dict[str, Any]:
    """What functions import for themselves."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("otai."):
            module = importlib.import_module(str(node.module))
            found |= {one.asname or one.name: getattr(module, one.name, None) for one in node.names}
    return found


def _made(node: ast.Call, names: dict[str, Any], place: str) -> Raised | None:
    called = node.func
    kind = _named(called, names)
    cases = node.args
    told: frozenset[str] = frozenset()
    if isinstance(kind, type) and issubclass(kind, OtaiError):
        code = kind.code
    elif (
        isinstance(called, ast.Name)
        and called.id == "refused"
        and place.startswith(("tickets/", "cli/tickets", "cli/given_files"))
    ):
        code = DatasetInvalid.code
    elif isinstance(called, ast.Name) and called.id == "told_as" and place.startswith("tickets/"):
        # What a library said is told with it.
        code, told = DatasetInvalid.code, frozenset({"error"})
    elif isinstance(called, ast.Name) and called.id == "_is_a":
        return None
    elif isinstance(called, ast.Attribute) and called.attr == "add" and ast.unparse(called.value) == "bad":
        code, cases = "row", node.args[2:]
    elif isinstance(called, ast.Name) and called.id == "reject" and place == "tickets/cells.py":
        code, cases = "row", node.args[1:]
    else:
        return None
    for keyword in node.keywords:
        if keyword.arg == "code":
            if not isinstance(keyword.value, ast.Constant):
                return _passed_on(place)
            code = keyword.value.value
    if any(keyword.arg == "written" for keyword in node.keywords):
        return _passed_on(place)
    if cases and not isinstance(cases[0], ast.Constant):
        return _passed_on(place)
    key = f"{code}.{cases[0].value}" if cases and isinstance(cases[0], ast.Constant) else code
    values = told | frozenset(keyword.arg for keyword in node.keywords if keyword.arg not in (None, "code"))
    return Raised(f"{place}:{node.lineno}", key, values, any(keyword.arg is None for keyword in node.keywords))


def _named(called: ast.expr, names: dict[str, Any]) -> Any:
    if isinstance(called, ast.Name):
        return names.get(called.id)
    if isinstance(called, ast.Attribute):
        return getattr(_named(called.value, names), called.attr, None)
    return None


def _passed_on(place: str) -> None:
    assert place in PASSED_ON, f"{place} raises a refusal whose case nobody can look up"


def test_every_refusal_that_is_raised_has_its_sentence_and_all_its_values() -> None:
    assert len(raised()) > 400
    for one in raised():
        table = ROWS if one.key.startswith("row.") else None
        assert one.key in (table or refused.ALL), f"{one.place}: {one.key} has no sentence"
        sentences = table[one.key] if table else refused.ALL[one.key].message
        lacking = places(sentences[-1]) - one.values
        # `row` and `column` of a file are always among the facts; a sentence that needs more has to get it.
        assert one.is_open or not lacking, f"{one.place}: {one.key} is not given {lacking}"


def test_a_refusal_shows_every_value_that_it_is_given_or_leaves_it_out_on_purpose() -> None:
    """A number that is dropped from an English sentence is missed here."""
    lost = {
        (one.key, value)
        for one in raised()
        for value in one.values - shown(ROWS[one.key] if one.key.startswith("row.") else refused.ALL[one.key].message)
        if value not in FOR_PROGRAMS
    }
    assert lost == left_out("")


def test_a_fact_shows_every_value_that_it_is_given_or_leaves_it_out_on_purpose() -> None:
    lost, seen = set(), 0
    for path in ROOT.rglob("*.py"):
        text = path.read_text()
        if "Fact(" not in text or "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Call(ast.Name("Fact"), [ast.Constant(str(code)), *values]):
                    keys = [key for one in values if isinstance(one, ast.Dict) for key in one.keys]
                    given = {str(key.value) for key in keys if isinstance(key, ast.Constant)}
                    lost |= {(f"fact:{code}", value) for value in given - shown(sentences_of(code))}
                    seen += 1
    assert seen > 200
    assert lost == left_out("fact:")


def test_a_sentence_says_no_less_than_one_that_is_less_exact() -> None:
    """Else a number that is dropped from the first sentence of a code would be seen in the next one, and not missed."""
    tables = {**{key: entry.message for key, entry in refused.ALL.items()}, **ROWS, **FACTS}
    more = {
        (key, value)
        for key, sentences in tables.items()
        for exact, less in itertools.pairwise(sentences)
        for value in shown([less]) - shown([exact])
    }
    # Other words for another case, not fewer.
    assert more == {
        ("dataset_invalid.json_damaged", "character"),
        ("run.failed_input", "said"),
        ("account.top_up_stopped", "said"),
    }


def test_no_sentence_is_kept_that_nobody_says() -> None:
    said = {one.key for one in raised()} | {
        "dataset_invalid.is_a",
        "insufficient_credits.covered",
        "insufficient_credits.covered_twice",
        # By kind: what no room told apart.
        "not_allowed",
        "not_found",
        "unavailable",
    }
    assert set(refused.ALL) - said == set()
    assert set(ROWS) - said == {"row_alone", "row_and_column"}
    assert not set(refused.TRANSLATED) & set(refused.ENGLISH)
    codes = {key.partition(".")[0] for key in refused.ALL}
    assert set(refused.ON_PAGES) <= codes | {"unavailable"}


def test_each_language_puts_the_currency_where_it_belongs() -> None:
    price: Sentence = "{price:money}"
    said = {
        language: say(price, {"price": {"cents": 123_450, "currency": "EUR"}}, language=language)
        for language in ("en", "de", "fr")
    }
    assert said == {"en": "EUR 1,234.50", "de": "1.234,50\xa0EUR", "fr": "1\u202f234,50\xa0EUR"}


SAMPLES: dict[str, Any] = {
    "": "sample",
    "n": 1234,
    "number": 0.5,
    "percent": 0.5,
    "percent1": 0.5,
    "share": 0.5,
    "points": 0.5,
    "names": ["fax", "telex"],
    "attributes": ["queue", "priority"],
    "words": ["one", "two"],
    "language": "de",
    "languages": ["de", "pt-br"],
    "titles": ["basic", "business"],
    "title": "maximum",
    "quoted": "sample",
    "money": Money(45_050),
    "date": datetime(2026, 11, 2, tzinfo=UTC),
    "time": datetime(2026, 11, 2, 9, 30, tzinfo=UTC),
    "state": "cancelled",
    "status": "paid",
    "order": "cancelled",
    "role": "subject",
    "field": "postcode",
    "action": "train",
    "table": "invoice",
    "books": "oss",
    "who": "desk:olga",
    "fact": {"code": "row.quote_never_ends", "values": {}},
    "facts": [{"code": "package", "values": {"package": "10 credits", "price": {"cents": 10_000, "currency": "EUR"}}}],
}


def sample(sentence: Sentence) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for text in texts(sentence):
        for _, name, kind, _ in string.Formatter().parse(text):
            if name and not isinstance(values.get(name), int):
                values[name] = SAMPLES[kind or ""]
    if isinstance(sentence, Counted):
        values[sentence.by] = 1234
    return values


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_said_with_every_value(language: str) -> None:
    shown = {"n": "234", "quoted": "sample", "": "sample", "money": "450", "date": "2026", "time": "09:30"}
    for key, entry in refused.ALL.items():
        code, _, case = key.partition(".")
        for sentence in entry.message:
            said = refusals.say(code, case, OtaiError(**sample(sentence)).details, door="api", language=language)
            assert said and said != code and "{" not in said.replace('{"', ""), key
            for text in texts(sentence)[-1:]:
                kinds = [kind or "" for _, name, kind, _ in string.Formatter().parse(text) if name]
                assert all(shown.get(kind, "") in said for kind in kinds), (key, said)


@pytest.mark.parametrize("language", languages())
def test_what_can_reach_a_page_is_said_in_its_language(language: str) -> None:
    same = set()
    for key, entry in refused.TRANSLATED.items():
        code, _, case = key.partition(".")
        values = OtaiError(**sample(entry.message[0])).details
        english = refusals.say(code, case, values, door="page")
        if refusals.say(code, case, values, door="page", language=language) == english:
            same.add(key)
    assert same == set()


MACHINE_WORDS = re.compile(r"--|\b[a-z]+_[a-z_0-9]+\b|\botai [a-z]+|OTAI_|/api/|\b[a-z_]+=[a-z]")
"""Options, commands, settings, codes and parameters: for programs and terminals."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_shows_words_for_machines(language: str) -> None:
    with translation.override(language):
        for key, entry in {**refused.TRANSLATED, **{code: refused.ALL.get(code) for code in refused.ON_PAGES}}.items():
            code, _, case = key.partition(".")
            values = sample(entry.message[0]) if entry else {}
            error = OtaiError(case, code=code, **values)
            shown = re.sub(r"<[^>]*>", " ", render_to_string("web/parts/refusal.html", {"error": error}))
            assert not MACHINE_WORDS.search(shown), (key, shown.strip())
            assert code not in shown.split(), key


def test_each_door_says_its_own_next_step() -> None:
    error = DatasetInvalid("no_text_found", columns=["a", "b"])
    assert "--column COLUMN=body" in error.message and "--column" in str(error)
    assert "column=COLUMN=body" in error.said("api") and "--" not in error.said("api")
    assert error.said("page").endswith("Take one as subject or body.")
    assert error.said("page", "de").endswith("Nehmen Sie eine als Betreff oder Text.")
    assert NotFound("run", number=7).message == "There is no training 7. `otai runs list` shows those that exist."
    assert NotFound("run", number=7).said("api") == "There is no training 7."


def test_bad_rows_are_said_in_the_readers_language() -> None:
    bad = BadRows(skip=True)
    bad.add(17, "body", "field_long", most=1234)
    bad.add(19, None, "quote_never_ends")
    with pytest.raises(DatasetInvalid) as raised_here:
        bad.refuse()
    error = raised_here.value
    assert error.message == (
        "2 rows cannot be read, the first of them: row 17, column “body”: a field is longer than 1,234 characters. "
        "Nothing was imported. "
        "Correct them, or leave them out. To leave bad rows out: --skip-bad-rows."
    )
    assert "Zeile 17, Spalte „body“: ein Feld ist länger als 1.234 Zeichen" in error.said("page", "de")
    assert "--" not in error.said("page", "de")
    assert error.details["problems"][1] == {
        "row": 19,
        "column": None,
        "code": "row.quote_never_ends",
        "values": {},
        "message": "a quoted field begins and never ends",
    }


def test_facts_are_what_json_holds() -> None:
    inner = NotFound("run", number=7)
    error = Refused(
        "x",
        code="made_up",
        money=Money(450),
        at=datetime(2026, 11, 2, tzinfo=UTC),
        why=inner,
        names=("a", {"b"}),
        path=Path("a/b"),
    )
    assert error.details == {
        "money": {"cents": 450, "currency": "EUR"},
        "at": "2026-11-02T00:00:00+00:00",
        "why": {"code": "not_found.run", "values": {"number": 7}, "written": ""},
        "names": ["a", ["b"]],
        "path": "a/b",
    }
    assert say_fact(error.details["why"], language="fr").startswith("L\u2019entraînement 7 n\u2019existe pas")
    assert json.loads(json.dumps(error.as_fact())) == error.as_fact()


def test_what_came_as_a_sentence_stays_one() -> None:
    """From an API, from a job of release 0.1: no case, and words that nobody here made."""
    assert NotFound(written="As it was said.").said("page", "de") == "As it was said."
    assert NotFound().said("page", "de") == "Das gibt es nicht, oder es gehört Ihnen nicht."
    assert OtaiError("x", code="weather").message == "weather"


@pytest.mark.parametrize("language", LANGUAGES)
def test_parts_of_sentences_are_said(language: str) -> None:
    for code, sentences in FACTS.items():
        values = OtaiError(**sample(sentences[0])).details
        said = say_fact({"code": code, "values": values}, language=language)
        assert said and said != code and "{" not in said.replace('{"', ""), code


def kinds(of_: type[OtaiError] = OtaiError) -> Iterator[type[OtaiError]]:
    for kind in of_.__subclasses__():
        if kind.__module__.startswith("otai."):
            yield kind
            yield from kinds(kind)


def test_every_code_has_a_sentence() -> None:
    assert raised()
    known = {key.partition(".")[0] for key in refused.ALL}
    assert {kind.code for kind in kinds()} - known == {"error"}


READ_BY_NO_PAGE = {
    "api/": "programs",
    "billing/gateways/": "providers, and whoever runs the Studio",
    "billing/testing.py": "developers: the provider that tests play",
    "cli/": "people at a terminal",
    "client/": "programs",
    "config/": "whoever starts the Studio",
    "environment.py": "whoever starts the Studio",
    "helpdesks/": "people at a terminal: `otai helpdesks`",
    "learning/exporting/": "people at a terminal: `otai models export`",
    "learning/model/deciding.py": "programs, and people at a terminal: `precision`",
    "orgs/legal_places.py": "whoever starts the Studio",
    "ledger/checkpoint.py": "people at a terminal: `otai checkpoint`",
    "orgs/queries.py": "programs: the life of an API key",
    "runs/executors/": "logs: what workers and clusters say",
    "runs/operations/attempts.py": "logs: a worker whose run has moved on",
    "runs/operations/pools.py": "people at a terminal: `otai pools`",
    "runs/queries.py": "people at a terminal: `otai pools`",
    "runs/simulation/": "people at a terminal: `otai simulate`",
    "serving/batches.py": "programs and terminals: the page's precisions are chosen from a list",
    "serving/exports.py": "people at a terminal: folders",
    "serving/http.py": "programs: `otai serve`",
    "serving/queries.py": "people at a terminal: files",
    "web/demo.py": "whoever starts the demo",
}
"""Where a refusal may be English alone, and who reads it."""
MISTAKES_OF_OURS = {
    "criteria_invalid.no_criterion",
    "criteria_invalid.parts",
    "dataset_invalid.no_recipe",
    "invalid_amount.cents",
    "invalid_amount.currency",
    "invalid_deadline.form",
    "invalid_deadline.past",
    "not_found.no_lot",
    "not_found.no_organisation",
    "not_found.no_price_book",
    "price_missing.price",
}
"""Beside those: what nobody can bring about by a page."""


def test_what_a_page_may_show_has_every_language() -> None:
    """The operators' desk is a page: whatever its actions may be refused is said in the operator's language."""
    left_in_english = {
        (one.place, one.key)
        for one in raised()
        if one.key in refused.ENGLISH
        and one.key.partition(".")[0] not in refused.ON_PAGES
        and one.key not in MISTAKES_OF_OURS
        and not one.place.startswith(tuple(READ_BY_NO_PAGE))
    }
    assert left_in_english == set()
