"""`otai ledger`: the audit and what else an operator or an accountant asks of the credit ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from otai.cli.output import JsonOption, OrgOption, jsonable, organisation_named, print_json, print_table, say
from otai.cli.presenters.credits import balance_in_words
from otai.db import utc_now
from otai.errors import Invalid
from otai.ledger import checkpoint as checkpoints
from otai.ledger import copies, operations, proof, queries
from otai.ledger.audit import audit as audit_ledger
from otai.runs import queries as runs

app = typer.Typer(help="The credit ledger: audit, balances, lots, checkpoints, revenue.", no_args_is_help=True)
checkpoint = typer.Typer(help="Signed checkpoints, kept elsewhere, that show a rewritten ledger.", no_args_is_help=True)
app.add_typer(checkpoint, name="checkpoint")


@app.command("audit")
def audit(
    org: Annotated[str | None, typer.Option("--org", help="Only this organisation; all if left out.")] = None,
    json: JsonOption = False,
) -> None:
    """Recompute every balance, lot, hold and hash from the transfers, and compare with the newest of the daily
    checkpoints, here and in the store elsewhere. Exit code 0 only if everything fits."""
    report = audit_ledger(organisation_named(org).id if org else None)
    kept = {} if org else _kept_checkpoints()
    cut_off = {
        name: [str(problem) for problem in checkpoints.verify_checkpoint(text).problems] for name, text in kept.items()
    }
    if json:
        since = sorted({problem for problems in cut_off.values() for problem in problems})
        print_json({**report.as_dict(), "checkpoints": list(kept), "since_checkpoint": since})
    else:
        counted = (
            f"{report.organisations} organisations, {report.transfers} transfers, {report.lots} lots, "
            f"{report.holds} holds"
        )
        if report.clean:
            say(f"Clean: {counted}. Every transfer is in its chain.")
        else:
            say(f"NOT CLEAN: {counted}.")
            for problem in report.problems:
                say(f"  {problem}")
            if report.is_cut_short:
                say("  ... and the audit stopped here.")
        for name, problems in cut_off.items():
            say(f"Checkpoint {name}: {'NOT CLEAN.' if problems else 'all of it is there.'}")
            for problem_since in problems:
                say(f"  {problem_since}")
    if not report.clean or any(cut_off.values()):
        raise typer.Exit(1)


def _kept_checkpoints() -> dict[str, str]:
    """The newest checkpoint beside the database, and the newest elsewhere: whoever takes this machine over may have
    changed the first."""
    kept = {}
    if here := checkpoints.newest_kept():
        kept[here.name] = here.read_text(encoding="utf-8")
    if copy := copies.newest_copy():
        kept[f"{copy[0]} (store)"] = copy[1]
    return kept


@app.command("verify")
def verify_statement(
    file: Annotated[Path, typer.Argument(help="A statement written by `otai statement --proof`, or from the API.")],
    json: JsonOption = False,
) -> None:
    """Recompute a statement's chain, and compare its end with the ledger where that has the organisation. Exit code 0
    only if everything fits."""
    report = proof.verify_statement(_text(file))
    if json:
        print_json({**jsonable(report), "clean": report.clean})
    elif report.clean:
        there = f"the ledger has it, and {report.transfers_since} transfers since" if report.is_known else ""
        say(f"All {report.transfers} transfers fit{': ' + there if there else ', this ledger does not know them'}.")
    else:
        say("NOT CLEAN:")
        for problem in report.problems:
            say(f"  {problem}")
    if not report.clean:
        raise typer.Exit(1)


@app.command("balance")
def balance(
    org: OrgOption = None,
    at: Annotated[datetime | None, typer.Option(help="A past instant, UTC; now if left out.")] = None,
    json: JsonOption = False,
) -> None:
    """What an organisation has: available, held and spent credits, now or at a past instant."""
    organisation = organisation_named(org)
    found = queries.balance(organisation.id, at=_in_utc(at))
    if json:
        print_json({"organisation": organisation.slug, "at": _in_utc(at), **_as_dict(found)})
    else:
        say(f"{organisation.name}: {balance_in_words(found)}")


@app.command("lots")
def lots(
    org: OrgOption = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only lots with unspent credits.")] = False,
    json: JsonOption = False,
) -> None:
    """Where an organisation's credits came from and what became of them, in spending order."""
    organisation = organisation_named(org)
    listed = queries.lots(organisation.id, open_only=open_only)
    if json:
        print_json({"organisation": organisation.slug, "lots": listed})
    else:
        numbers = ["credits", "unspent", "held", "spent", "withdrawn", "price"]
        print_table(
            ["granted", "from", *numbers, "reference"],
            [
                [
                    f"{lot.granted_at.astimezone(organisation.zone):%Y-%m-%d}",
                    lot.what,
                    lot.credits,
                    lot.unspent,
                    lot.held,
                    lot.spent,
                    lot.withdrawn,
                    lot.price or "",
                    lot.reference,
                ]
                for lot in listed
            ],
            right=numbers,
            title=f"Lots of {organisation.name}",
        )


@app.command("sweep")
def sweep(json: JsonOption = False) -> None:
    """Release the holds whose deadline has passed and whose run has ended or vanished."""
    report = operations.sweep_stranded_holds(now=utc_now(), still_working=runs.still_working)
    if json:
        print_json(report)
    else:
        say(
            f"{report.released} stranded holds released; {report.still_working} left to runs that still work; "
            f"{report.resolved_meanwhile} resolved meanwhile."
        )


@app.command("revenue")
def revenue(
    month: Annotated[str, typer.Argument(help="The month, for example 2026-11.")],
    time_zone: Annotated[str, typer.Option(help="IANA name of the zone that the month is in.")] = "UTC",
    json: JsonOption = False,
) -> None:
    """What was earned in a month, and what had been paid for and not yet spent at its end."""
    year, number = _month(month)
    zone = _zone(time_zone)
    recognised = queries.revenue_recognised(year, number, zone=zone)
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone)
    deferred = queries.deferred_revenue(end)
    if json:
        print_json({"month": month, "recognised": recognised, "deferred": deferred})
        return
    print_table(
        ["currency", "earned", "deferred at the end"],
        [
            [currency, recognised.totals.get(currency, ""), deferred.totals.get(currency, "")]
            for currency in sorted({*recognised.totals, *deferred.totals})
        ],
        right=["earned", "deferred at the end"],
        title=f"Revenue of {month}",
    )


KeyFileOption = Annotated[
    Path | None,
    typer.Option(
        help="File with the key, at least 16 bytes; else OTAI_CHECKPOINT_KEY, else one made from the secret key."
    ),
]


@checkpoint.command("export")
def export(
    to: Annotated[Path, typer.Argument(help="The file to write. Keep it away from the database.")],
    key_file: KeyFileOption = None,
    json: JsonOption = False,
) -> None:
    """Write a signed checkpoint: where the chain of each organisation ends now."""
    document = checkpoints.export_checkpoint(now=utc_now(), key=_key(key_file))
    to.write_text(document, encoding="utf-8")
    if json:
        print_json({"file": to, "bytes": len(document.encode())})
    else:
        say(f"Checkpoint written to {to}.")


@checkpoint.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="A checkpoint written before.")],
    key_file: KeyFileOption = None,
    json: JsonOption = False,
) -> None:
    """Compare a checkpoint with the ledger. Exit code 0 only if everything that it names is still there."""
    report = checkpoints.verify_checkpoint(_text(file), key=_key(key_file))
    if json:
        print_json({"clean": report.clean, "made_at": report.made_at, "problems": [str(p) for p in report.problems]})
    elif report.clean:
        say(
            f"All {report.organisations} chains of {report.made_at} are still there; {report.transfers_since} "
            "transfers were added."
        )
    else:
        say(f"REWRITTEN since {report.made_at}:")
        for problem in report.problems:
            say(f"  {problem}")
    if not report.clean:
        raise typer.Exit(1)


def _key(file: Path | None) -> bytes | None:
    return _text(file).strip().encode() if file else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("file", file=file, error=error, code="file_unreadable") from None


def _in_utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _as_dict(found: queries.Balance) -> dict[str, int]:
    return {"available": found.available, "held": found.held, "spent": found.spent}


def _month(text: str) -> tuple[int, int]:
    try:
        found = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise Invalid("month", month=text, code="invalid_month") from None
    return found.year, found.month


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid("time_zone", name=name, code="invalid_time_zone") from None
