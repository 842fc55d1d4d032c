"""What histories keep is a code, and every code is said in each language."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import otai
from otai.billing.models.books import BankEntryState
from otai.billing.models.payments import RefundState, ReversalKind, ReversalState
from otai.billing.models.vat_ids import VatIdState
from otai.billing.occurrences import BillingOccurrence
from otai.billing.status import PurchaseStatus, SubscriptionStatus
from otai.runs.guarantee_status import GuaranteeOccurrence, GuaranteeStatus
from otai.runs.status import RunOccurrence, RunStatus
from otai.words.explained import Explained, Occurrence, arrow, as_text, kept
from otai.words.facts import sentences_of
from otai.words.named import WORDS
from otai.words.sentences import Fact
from tests.words.book import languages

pytestmark = pytest.mark.pure

ROOT = Path(otai.__file__).parent
OCCURRENCES: list[Occurrence] = [*RunOccurrence, *GuaranteeOccurrence, *BillingOccurrence]
STATUSES = [
    *(*RunStatus, *GuaranteeStatus, *PurchaseStatus, *SubscriptionStatus),
    *(*RefundState, *BankEntryState, *VatIdState),
    *(f"{kind} {state}" for kind in ReversalKind for state in ReversalState),
]
ROOMS_THAT_REMEMBER = (
    *("ledger", "orgs", "tickets", "jobs", "billing", "runs", "serving", "outbound", "privacy"),
    *("api", "web", "cli"),
)
SAID_TO_OPERATORS = {
    "billing/admin.py": "a form's help",
    "billing/desk.py": "a form's label",
    "web/views/demo.py": "the made-up operator of the demo",
    "ledger/queries/statements.py": "a mistake of ours",
    "runs/worker.py": "the worker's log",
    "privacy/imports.py": "the operator's reason, who brings an organisation over",
}
"""Where a why is a sentence of ours, and of what."""


KEPT = ("move", "why", "outcome", "about", "what", "made_as", "source_filename", "who", "by")
"""Arguments that a history keeps, or whatever else says what something is and who did it; a movement of credits keeps
its `reason` as well."""


class Line(Explained):
    """A row of a history, without a database."""

    def __init__(self, move: str, why: str | Fact = "") -> None:
        row = SimpleNamespace(**kept(why, {"credits": 3}))
        self.move, self.why, self.details = move, row.why, row.details


@pytest.mark.parametrize("language", languages())
def test_whatever_happened_is_said_in_each_language(language: str) -> None:
    for one in OCCURRENCES:
        english, said = Line(one).happened(), Line(one).happened(language=language)
        assert english != one.value or "_" not in one.value
        assert said != english or (language, said) in {("fr", "expliqué")}, one
    for status in STATUSES:
        assert status in WORDS["status"], status
    assert Line(arrow("", RunStatus.QUEUED)).happened(language="de") == "→ wartet"
    assert Line(arrow("open", "part_paid")).happened(language="de") == "offen → teilweise bezahlt"


def test_what_release_0_1_stored_as_words_is_said_as_well() -> None:
    for one in OCCURRENCES:
        assert [Line(stored).what for stored in one.stored_as] == [one, one]
    # Two words of before had a hyphen.
    assert Line("top-up set").happened(language="de") == Line(BillingOccurrence.TOP_UP_SET).happened(language="de")
    assert Line("low-balance notice set").what == BillingOccurrence.NOTICE_SET
    assert Line("nobody knows").happened(language="de") == "nobody knows"


def test_a_why_is_a_fact_or_a_persons_own_words() -> None:
    paid = Fact("billing.month_paid", {"tier": "pro", "reference": "OT-1"})
    known, told = Line("open -> paid", paid), Line("open -> paid", "statement 211")
    assert (known.why, known.details["credits"], as_text(paid)) == ("", 3, "billing.month_paid")
    assert known.said(language="de") == "Ein Monat Pro ist bezahlt (OT-1)."
    assert known.explained() == {"why": "A month of Pro is paid (OT-1).", "fact": paid.as_dict()}
    assert told.said(language="de") == told.why_as_text == "statement 211"
    assert told.explained() == {"why": "statement 211", "fact": None}


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for room in ROOMS_THAT_REMEMBER:
        for path in (ROOT / room).rglob("*.py"):
            if "migrations" not in path.parts:
                for node in ast.walk(ast.parse(path.read_text())):
                    if isinstance(node, ast.Call):
                        yield str(path.relative_to(ROOT)), node


def _moves_credits(call: ast.Call) -> bool:
    return ast.unparse(call.func).startswith(("ledger.", "resolve"))


def _is_a_sentence(value: Any) -> bool:
    """Of ours: words with a blank between them."""
    return any(
        isinstance(part, ast.Constant) and isinstance(part.value, str) and " " in part.value.strip()
        for part in ast.walk(value)
    )


def test_no_sentence_of_ours_is_stored_as_what_happened_or_why() -> None:
    """A sentence in the data would stand in English on a page of any language."""
    found = [
        f"{place}:{call.lineno} {keyword.arg}"
        for place, call in _calls()
        for keyword in call.keywords
        if keyword.arg in KEPT
        or (keyword.arg or "").endswith("_by")
        or (keyword.arg == "reason" and _moves_credits(call))
        if _is_a_sentence(keyword.value)
        if place not in SAID_TO_OPERATORS
    ]
    assert found == []
    codes = {
        str(call.args[0].value)
        for _, call in _calls()
        if isinstance(call.func, ast.Name) and call.func.id == "Fact" and call.args
        if isinstance(call.args[0], ast.Constant)
    }
    assert len(codes) > 40
    assert [code for code in sorted(codes) if not sentences_of(code)] == []
