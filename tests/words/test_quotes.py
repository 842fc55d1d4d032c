"""Evidence without what it quotes of tickets: figures, columns and labels stay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otai.words.quotes import QUOTING, without_quotes

pytestmark = pytest.mark.pure

NO_QUOTES = frozenset(
    {
        *("actual", "alike", "best", "label", "labels", "merged", "most", "named", "predicted", "worst"),
        "also",
        *(
            "attributes",
            "body",
            "column",
            "columns",
            "created",
            "left_out",
            "parent",
            "sheets",
            "files",
            "updated",
            "groups",
        ),
        *("encoder", "gpu", "languages", "network", "other", "since"),
    }
)
"""Texts in findings that no ticket's author wrote: labels, columns, files, languages, parts of a model, times."""


def names_of_texts(value: Any, name: str = "") -> Iterator[str]:
    """The name of each text in it; below a name that quotes, that name is enough."""
    if isinstance(value, str):
        yield name
    for one in value if isinstance(value, list) else ():
        yield from names_of_texts(one, name)
    for inner, one in value.items() if isinstance(value, dict) else ():
        yield from names_of_texts(one, name if name in QUOTING else inner)


def test_of_every_finding_it_is_known_what_quotes_a_ticket() -> None:
    made = json.loads((Path(__file__).parent / "findings_made.json").read_text())
    undecided = {name for _, _, values in made for name in names_of_texts(values)} - NO_QUOTES - QUOTING
    assert undecided == set(), "does it quote a ticket? Then it belongs to QUOTING, else to NO_QUOTES"


def test_quotes_become_an_ellipsis_and_figures_stay() -> None:
    evidence = {
        "findings": [
            {"code": "text_was_cut", "values": {"texts": 7, "examples": {"quoted": ["On Monday Ann wrote:"]}}}
        ],
        "attributes": [{"label": "billing", "excerpts": ["My IBAN", ""], "tickets": 3, "ticket_ids": ["4711"]}],
    }
    assert without_quotes(evidence) == {
        "findings": [{"code": "text_was_cut", "values": {"texts": 7, "examples": {"quoted": ["…"]}}}],
        "attributes": [{"label": "billing", "excerpts": ["…", ""], "tickets": 3, "ticket_ids": ["4711"]}],
    }
    assert evidence["attributes"][0]["excerpts"] == ["My IBAN", ""], "what it was given is as it was"
