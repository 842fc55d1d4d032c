"""A statement that its customer can check: every transfer of one organisation as it was chained, and where the chain
ends.

Whoever has the file can recompute the chain without the vendor (`docs/ledger.md` has the canonical form), and compare
it with any later statement, or with the ledger: what was in it must still be there, unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from otai.errors import Invalid
from otai.ledger.audit import MOST_PROBLEMS, one_snapshot
from otai.ledger.chain import FORM, START, pins_text, transfer_hash
from otai.ledger.models import Transfer
from otai.ledger.queries.balances import require_organisation
from otai.orgs.models import Organisation

FORMAT = "otai-statement-1"


class InvalidProof(Invalid):
    """Not a statement of ours, or one that cannot be read."""

    code = "invalid_proof"


@dataclass(frozen=True, slots=True)
class StatementReport:
    """`problems` say what of the statement does not fit. `is_known`: the ledger here has its organisation, and was
    compared; `transfers_since` were made after the statement."""

    organisation: UUID
    transfers: int
    head: str
    is_known: bool
    transfers_since: int
    problems: list[str]

    @property
    def clean(self) -> bool:
        """Whether the statement fits itself, and the ledger where that is known."""
        return not self.problems


def statement_proof(organisation: UUID, *, now: datetime) -> str:
    """The whole statement as a JSON document, with each row of the chain. Raises NotFound."""
    require_organisation(organisation)
    with one_snapshot():
        rows = [_row(transfer) for transfer in Transfer.objects.filter(organisation=organisation).order_by("seq")]
    document = {
        "format": FORMAT,
        "form": FORM,
        "organisation": str(organisation),
        "made_at": now.isoformat(),
        "transfers": rows,
        "head": {"seq": len(rows), "hash": rows[-1]["hash"] if rows else START.hex()},
    }
    return json.dumps(document, indent=1)


def _row(transfer: Transfer) -> dict[str, Any]:
    return {
        "seq": transfer.seq,
        "id": str(transfer.id),
        "at": transfer.at.isoformat(),
        "kind": transfer.kind,
        "source": transfer.source,
        "target": transfer.target,
        "credits": transfer.credits,
        "request_hash": bytes(transfer.request_hash).hex(),
        "hold": str(transfer.hold_id) if transfer.hold_id else None,
        "lots": transfer.lots,
        "available": transfer.available_after,
        "held": transfer.held_after,
        "spent": transfer.spent_after,
        "key": transfer.key,
        "reference": transfer.reference,
        "reason": transfer.reason,
        "hash": bytes(transfer.hash).hex(),
    }


def verify_statement(text: str) -> StatementReport:
    """Recomputes the statement's chain, and compares its end with the ledger, where that has the organisation.

    Raises InvalidProof for what is no statement.
    """
    try:
        document = json.loads(text)
        if document["format"] != FORMAT or document["form"] != FORM:
            raise InvalidProof("form")
        organisation = UUID(document["organisation"])
        problems = _own_problems(document, organisation)
        seq, head = int(document["head"]["seq"]), str(document["head"]["hash"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidProof("form") from None
    known = Transfer.objects.filter(organisation=organisation)
    last = known.order_by("-seq").values_list("seq", flat=True).first()
    if last is None and Organisation.objects.filter(id=organisation).exists():
        # It is here, and has no ledger: nothing was ever moved, or all of it is gone.
        last = 0
    if last is not None and seq:
        there = known.filter(seq=seq).values_list("hash", flat=True).first()
        if there is None:
            problems.append(f"the ledger ends at transfer {last}, before the statement's end")
        elif bytes(there).hex() != head:
            problems.append(f"transfer {seq} of the ledger is another one than the statement's")
    since = max(0, (last or 0) - seq)
    return StatementReport(organisation, seq, head, last is not None, since, problems[:MOST_PROBLEMS])


def _own_problems(document: Mapping[str, Any], organisation: UUID) -> list[str]:
    problems = []
    previous = START
    for place, row in enumerate(document["transfers"], start=1):
        if row["seq"] != place:
            problems.append(f"transfer {place} is missing")
            break
        found = _hash(previous, row, organisation)
        if found.hex() != row["hash"]:
            problems.append(f"transfer {place} is not the one that was chained")
        previous = bytes.fromhex(row["hash"])
    if (len(document["transfers"]), previous.hex()) != (document["head"]["seq"], document["head"]["hash"]):
        problems.append("the statement does not end where it says")
    return problems


def _hash(previous: bytes, row: Mapping[str, Any], organisation: UUID) -> bytes:
    return transfer_hash(
        previous,
        organisation=organisation,
        seq=row["seq"],
        id=UUID(row["id"]),
        at=datetime.fromisoformat(row["at"]),
        kind=row["kind"],
        source=row["source"],
        target=row["target"],
        credits=row["credits"],
        request_hash=bytes.fromhex(row["request_hash"]),
        hold=UUID(row["hold"]) if row["hold"] else None,
        lots=pins_text(row["lots"]),
        available=row["available"],
        held=row["held"],
        spent=row["spent"],
        key=row["key"],
        reference=row["reference"],
        reason=row["reason"],
    )
