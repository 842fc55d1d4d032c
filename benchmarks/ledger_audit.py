"""One organisation with very many transfers that the audit must find clean, and how long and in how much memory it
does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

AUDIT = """
import json, time
import django; django.setup()
from django.db import connection
from otai.ledger.audit import audit
from otai.ledger.queries import balance
from uuid import UUID
from datetime import UTC, datetime
connection.ensure_connection()
organisation = UUID("{organisation}")
def peak_mb():
    # Not ru_maxrss, which a child inherits from the process that started it.
    (line,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024
def timed(call):
    found = []
    for _ in range(200):
        before = time.perf_counter(); call(); found.append(time.perf_counter() - before)
    return 1000 * sorted(found)[100]
past = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)
reads = {{"balance_ms": timed(lambda: balance(organisation)),
    "past_balance_ms": timed(lambda: balance(organisation, at=past))}}
base = peak_mb()
before = time.perf_counter()
report = audit(organisation)
seconds = time.perf_counter() - before
print(json.dumps(reads | {{"transfers": report.transfers, "clean": report.clean, "seconds": seconds, "base_mb": base,
    "peak_mb": peak_mb()}}))
"""


def audit_of_many(url: str, transfers: int, say: Callable[[str], None]) -> dict[str, Any]:
    from django.db import connection

    from otai.db import new_id
    from otai.ledger import chain
    from otai.orgs.operations import create_organisation

    say(f"  chaining {transfers} transfers ...")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    organisation = create_organisation(slug="audited", name="Audited", time_zone="UTC", now=start).id
    lot = new_id()
    pins = chain.pins_text([(str(lot), 10)])
    previous, available, held = chain.START, 0, 0
    connection.ensure_connection()
    driver: Any = connection.connection

    def grant_hash() -> bytes:
        return chain.request_hash("grant", 10, "monthly", None, "", "", "", reason="")

    with driver.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_transfer DISABLE TRIGGER USER")
        holds = []
        with cursor.copy(
            "COPY ledger_transfer (id, organisation_id, seq, at, kind, source, target, credits, key, request_hash, "
            "reference, reason, hold_id, lots, available_after, held_after, spent_after, hash) FROM STDIN"
        ) as copy:
            hold = None
            for seq in range(1, transfers + 1):
                id = new_id() if seq > 1 else lot
                at = start + timedelta(milliseconds=seq)
                if seq == 1:
                    kind, source, target, available = "grant", "monthly", "available", 10
                elif held == 0:
                    kind, source, target, available, held, hold = "hold", "available", "held", 0, 10, id
                    holds.append((id, at))
                else:
                    kind, source, target, available, held = "release", "held", "available", 10, 0
                request = grant_hash() if seq == 1 else bytes(32)
                previous = chain.transfer_hash(
                    previous,
                    organisation=organisation,
                    seq=seq,
                    id=id,
                    at=at,
                    kind=kind,
                    source=source,
                    target=target,
                    credits=10,
                    request_hash=request,
                    hold=hold,
                    lots=pins,
                    available=available,
                    held=held,
                    spent=0,
                    key=f"k{seq}",
                    reference="",
                    reason="",
                )
                copy.write_row(
                    (
                        id,
                        organisation,
                        seq,
                        at,
                        kind,
                        source,
                        target,
                        10,
                        f"k{seq}",
                        request,
                        "",
                        "",
                        hold,
                        pins,
                        available,
                        held,
                        0,
                        previous,
                    )
                )
        with cursor.copy("COPY ledger_hold FROM STDIN") as copy:
            for number, (id, at) in enumerate(holds):
                is_open = held and number == len(holds) - 1
                state, resolved_at = ("held", None) if is_open else ("released", at)
                copy.write_row((id, organisation, 10, pins, state, "", at, at + timedelta(hours=1), resolved_at))
        cursor.execute(
            "INSERT INTO ledger_account VALUES (%s, %s, %s, 0, 10, 0, %s, %s, %s)",
            (organisation, available, held, transfers, at, previous),
        )
        cursor.execute(
            "INSERT INTO ledger_lot VALUES (%s, %s, 'monthly', 1, 1, 10, %s, %s, 0, 0, %s, NULL, '', '', '', '', %s)",
            (lot, organisation, available, held, available > 0, start + timedelta(milliseconds=1)),
        )
        cursor.execute("ALTER TABLE ledger_transfer ENABLE TRIGGER USER")
        cursor.execute("VACUUM ANALYZE")
    environment = os.environ | {"OTAI_DATABASE_URL": url}
    code = AUDIT.format(organisation=organisation)
    out = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(out.stdout)
    say(f"  {found}")
    return found
