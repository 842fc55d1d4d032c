from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from ninja import Query, Schema
from pydantic import Field

from otai.api.access import CallerRequest
from otai.api.cursors import Page, next_cursor, position
from otai.api.endpoints import Noun
from otai.api.v1.organisation import BalanceOut
from otai.api.v1.shapes import Moment, MoneyOut, Name, money
from otai.db import utc_now
from otai.ledger import queries as ledger
from otai.ledger.models import TransferKind
from otai.ledger.proof import statement_proof
from otai.orgs.permissions import Action

noun = Noun("Credits")


class LotOut(Schema):
    """The credits of one grant or purchase: `credits = unspent + held + spent + withdrawn`."""

    id: UUID
    source: str
    what: str
    credits: int
    unspent: int
    held: int
    spent: int
    withdrawn: int
    price: MoneyOut | None
    reference: str
    reason: str
    fact: dict[str, Any] | None
    granted_at: datetime


class LotsOut(Schema):
    items: list[LotOut]


class StatementLineOut(Schema):
    """One movement of credits, with the balance after it."""

    number: int
    at: datetime
    kind: TransferKind
    source: str
    what: str
    reference: str
    reason: str
    fact: dict[str, Any] | None
    credits: int
    credits_in: int
    credits_out: int
    available: int
    held: int
    spent: int
    transfer: UUID


class StatementOut(Schema):
    items: list[StatementLineOut]
    next: str | None


class Filters(Schema):
    since: Moment | None = Field(None, description="From this time on.")
    until: Moment | None = Field(None, description="Before this time.")
    kind: list[TransferKind] = Field([], max_length=6, description="Only these kinds; repeat the parameter.")
    reference: Name | None = Field(None, description="Only what refers to this, for example run:<id>.")

    def as_arguments(self) -> dict[str, Any]:
        """The filters as arguments of the statement's query."""
        kinds = [kind.value for kind in self.kind] or None
        return {"since": self.since, "until": self.until, "kinds": kinds}


class StatementQuery(Filters, Page):
    pass


LINE = {
    "number": 12,
    "at": "2026-11-02T09:30:00Z",
    "kind": "capture",
    "source": "",
    "what": "Credits spent",
    "reference": "run:019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6b",
    "reason": "Training 4: 3 credits spent",
    "fact": {"code": "moved_why.run_completed", "values": {"run": 4, "credits": 3}},
    "credits": 3,
    "credits_in": 0,
    "credits_out": 0,
    "available": 91,
    "held": 0,
    "spent": 9,
    "transfer": "019a4f0c-7a00-7000-8000-0123456789ab",
}


@noun.get("/balance", Action.VIEW, BalanceOut, example={"available": 91, "held": 3, "spent": 6})
def get_balance(
    request: CallerRequest,
    at: Annotated[Moment | None, Query(description="As it was at this time; now, if left out.")] = None,
) -> Any:
    """The balance, now or at any past moment"""
    return ledger.balance(request.auth.organisation.id, at)


@noun.get(
    "/lots",
    Action.VIEW,
    LotsOut,
    example={
        "items": [
            {
                "id": "019a4f0c-7a00-7000-8000-0123456789ab",
                "source": "purchase",
                "what": "Purchase",
                "credits": 50,
                "unspent": 44,
                "held": 0,
                "spent": 6,
                "withdrawn": 0,
                "price": {"cents": 45000, "currency": "EUR"},
                "reference": "K7RM2QXA",
                "reason": "50-credit package",
                "fact": {"code": "moved_why.bought", "values": {"credits": 50}},
                "granted_at": "2026-11-02T09:30:00Z",
            }
        ]
    },
)
def list_lots(
    request: CallerRequest,
    open_only: Annotated[bool, Query(description="Only those with unspent credits.")] = False,
) -> Any:
    """Where your credits came from

    In the order in which they are spent: included credits first, bought ones last.
    """
    found = ledger.lots(request.auth.organisation.id, open_only=open_only)
    names = [name for name in LotOut.model_fields if name != "price"]
    return {"items": [{**{name: getattr(lot, name) for name in names}, "price": money(lot.price)} for lot in found]}


@noun.get("/statement", Action.VIEW, StatementOut, example={"items": [LINE], "next": None})
def list_statement(request: CallerRequest, asked: Annotated[StatementQuery, Query()]) -> Any:
    """Every movement of credits, the newest first

    Each line carries the balance after it, filtered or not.
    """
    caller = request.auth
    last = position(caller, asked, of="statement")
    lines = ledger.statement(
        caller.organisation.id,
        **asked.as_arguments(),
        reference=asked.reference,
        newest_first=True,
        before=int(last[0]) if last else None,
        limit=asked.limit + 1,
    )
    shown = lines[: asked.limit]
    more = len(lines) > len(shown)
    names = [name for name in StatementLineOut.model_fields if name != "number"]
    return {
        "items": [{"number": line.seq, **{name: getattr(line, name) for name in names}} for line in shown],
        "next": next_cursor(caller, [shown[-1].seq], of="statement") if more else None,
    }


class ChainHeadOut(Schema):
    """Where a chain ends: its last number, and the hash that stands for all before it."""

    seq: int
    hash: str


class StatementProofOut(Schema):
    """The whole statement with each row of the chain; `form` says how a row is hashed."""

    format: str
    form: str
    organisation: UUID
    made_at: datetime
    transfers: list[dict[str, Any]]
    head: ChainHeadOut


PROOF = {
    "format": "otai-statement-1",
    "form": "v1",
    "organisation": "019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6b",
    "made_at": "2026-11-02T09:30:00Z",
    "transfers": [],
    "head": {"seq": 0, "hash": "00" * 32},
}


@noun.get("/statement/proof", Action.VIEW, StatementProofOut, example=PROOF)
def download_proof(request: CallerRequest) -> Any:
    """The statement that you can check

    Every transfer as it was chained, and where the chain ends: keep it, and check it later with `otai ledger verify`,
    or by the form in the documentation of the ledger.
    """
    organisation = request.auth.organisation
    response = HttpResponse(statement_proof(organisation.id, now=utc_now()), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="statement-{organisation.slug}.json"'
    return response


@noun.get("/statement.csv", Action.VIEW, produces=["text/csv"])
def download_statement(request: CallerRequest, asked: Annotated[Filters, Query()]) -> Any:
    """The statement as CSV, the oldest first

    Streamed, however long it is. A text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    organisation = request.auth.organisation
    # Asked for nothing first: what is wrong with the period is said before the file begins.
    ledger.statement(organisation.id, **asked.as_arguments(), limit=1)
    lines = ledger.statement_csv(organisation.id, **asked.as_arguments())
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="statement-{organisation.slug}.csv"'
    return response
