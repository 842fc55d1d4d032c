"""All that is kept of an organisation as one zip, and all that is kept of a person (docs/export.md).

Written piece by piece to a file: neither tickets nor rows are ever whole in memory.
"""

from __future__ import annotations

import hashlib
import json
import logging
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import SpooledTemporaryFile, TemporaryDirectory
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db.models import QuerySet

from otai import __version__
from otai.billing.documents import invoice_pdf, invoice_xml
from otai.billing.models import Invoice
from otai.db import one_transaction
from otai.errors import NotFound, OtaiError, Refused
from otai.jobs.folders import arrivals_folder
from otai.ledger import queries as ledger
from otai.ledger.proof import statement_proof
from otai.orgs.actors import BY_HOUSEKEEPING
from otai.orgs.models import Invitation, Member, Organisation, TeamEvent, User
from otai.orgs.persons import replacement_of
from otai.outbound.notifications import choices_of
from otai.outbound.queries import notifications
from otai.privacy.export_tables import RESTORED, TOLD, file_of, lines, plain
from otai.privacy.models import Export, ExportState
from otai.runs.models import Run
from otai.serving.models import ModelVersion
from otai.tickets.erasing import let_go
from otai.tickets.files import file_store
from otai.tickets.models import DataSet

log = logging.getLogger(__name__)

FORMAT, VERSION = "otai-organisation", 1
kept_for = timedelta(days=7)
given_up_after = timedelta(hours=6)
"""An export that was begun and is not ready by then was ended with its process: it is begun anew."""
CHUNK_BYTES = 1 << 20
ROWS_AT_ONCE = 5_000
kept_in_memory_bytes = 8 << 20
"""Of what is kept of one person; what is longer lies in a file without a name."""
most_a_day = 3
most_kept = 2
"""Exports of one organisation: each holds everything once more, for a week, and counts for no bound of storage. Where
a newer one is ready, those before the last go."""


class TooManyExports(Refused):
    code = "too_many_exports"


class _Archive:
    """A zip that is being written, with what its manifest says of each file."""

    def __init__(self, file: IO[bytes]) -> None:
        self.zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=True)
        self.files: dict[str, dict[str, Any]] = {}

    def add(self, name: str, pieces: Iterable[bytes], *, packed: bool = False) -> None:
        """One file, piece by piece; `packed`: it is compressed already."""
        info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
        digest, size = hashlib.sha256(), 0
        with self.zip.open(info, "w", force_zip64=True) as target:
            for piece in pieces:
                target.write(piece)
                digest.update(piece)
                size += len(piece)
        self.files[name] = {"sha256": digest.hexdigest(), "bytes": size}

    def close(self, manifest: dict[str, Any]) -> None:
        """The manifest comes last: without it the export is not whole."""
        whole = {**manifest, "files": self.files}
        self.zip.writestr("manifest.json", json.dumps(whole, indent=1, ensure_ascii=False))
        self.zip.close()


def write_organisation(organisation: Organisation, path: Path, *, now: datetime) -> None:
    """Writes the export to `path`. Raises FileStoreUnavailable."""
    with path.open("wb") as file:
        archive = _Archive(file)
        for label, way in (*RESTORED, *TOLD):
            archive.add(file_of(label), lines(label, way, organisation))
        _add_tickets(archive, organisation)
        _add_models(archive, organisation)
        archive.add("ledger/statement.csv", (line.encode() for line in ledger.statement_csv(organisation.id)))
        archive.add("ledger/proof.txt", [statement_proof(organisation.id, now=now).encode()])
        for invoice in Invoice.objects.filter(organisation=organisation).order_by("issued_at", "number"):
            archive.add(f"invoices/{invoice.number}.pdf", [invoice_pdf(invoice)], packed=True)
            archive.add(f"invoices/{invoice.number}.xml", [invoice_xml(invoice)])
        archive.close(_manifest(organisation, now=now))


def _manifest(organisation: Organisation, *, now: datetime) -> dict[str, Any]:
    balance = ledger.balance(organisation.id)
    return {
        "format": FORMAT,
        "version": VERSION,
        "made_by": f"otai {__version__}",
        "made_at": now.isoformat(),
        "organisation": {
            "id": str(organisation.id),
            "slug": organisation.slug,
            "name": organisation.name,
            "time_zone": organisation.time_zone,
            "created_at": organisation.created_at.isoformat(),
        },
        "credits": {"available": balance.available, "held": balance.held, "spent": balance.spent},
    }


def _add_tickets(archive: _Archive, organisation: Organisation) -> None:
    for data_set in DataSet.objects.filter(organisation=organisation, deleted_at=None).order_by("name", "version"):
        archive.add(f"tickets/{data_set.id}.parquet", _pieces(data_set.file), packed=True)
        archive.add(f"tickets/{data_set.id}.csv", _as_csv(file_store().local_path(data_set.file)))


def _add_models(archive: _Archive, organisation: Organisation) -> None:
    versions = ModelVersion.objects.filter(model__organisation=organisation)
    for file, sha256 in sorted(set(versions.values_list("bundle_file", "bundle_sha256"))):
        archive.add(f"models/{sha256}.otai", _pieces(file), packed=True)
    runs = Run.objects.filter(organisation=organisation, report_card__isnull=False).order_by("number")
    for number, card in runs.values_list("number", "report_card").iterator(chunk_size=20):
        archive.add(f"report-cards/run-{number}.json", [json.dumps(card, ensure_ascii=False, indent=1).encode()])


def _pieces(path: str) -> Iterator[bytes]:
    with file_store().reading(path) as file:
        while piece := file.read(CHUNK_BYTES):
            yield piece


def _as_csv(path: Path) -> Iterator[bytes]:
    """The tickets as CSV, some thousand at a time; several labels of one attribute are joined by ` | `."""
    is_first = True
    for batch in pq.ParquetFile(path).iter_batches(batch_size=ROWS_AT_ONCE):
        table = pa.Table.from_batches([batch])
        columns = [_flat(table.column(name)) for name in table.column_names]
        sink = pa.BufferOutputStream()
        flat = pa.table(columns, names=table.column_names)
        pa_csv.write_csv(flat, sink, pa_csv.WriteOptions(include_header=is_first))
        is_first = False
        yield sink.getvalue().to_pybytes()


def _flat(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if not pa.types.is_nested(kind) and not pa.types.is_binary(kind):
        return column
    written = [
        None if one is None else " | ".join(map(str, one)) if isinstance(one, list) else str(one)
        for one in column.to_pylist()
    ]
    return pa.chunked_array([pa.array(written, pa.string())])


@one_transaction
def ask_for_export(*, organisation: Organisation, who: str, now: datetime) -> Export:
    """The export that waits already, or a new one, which housekeeping makes. Raises TooManyExports."""
    Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
    waiting = Export.objects.filter(organisation=organisation, state=ExportState.WAITING).first()
    if waiting is not None:
        return waiting
    day = now - timedelta(days=1)
    # By the history: rows of exports go before their day is over.
    asked = TeamEvent.objects.filter(organisation=organisation, what="export_asked", at__gt=day).count()
    failed = Export.objects.filter(organisation=organisation, asked_at__gt=day, state=ExportState.FAILED).count()
    if asked - failed >= most_a_day:
        raise TooManyExports("exports", most=most_a_day)
    _told(organisation, "export_asked", who=who, now=now)
    return Export.objects.create(organisation=organisation, asked_by=who[:200], asked_at=now)


def export_of(organisation: Organisation, id: Any) -> Export:
    """Raises NotFound, also for another organisation's."""
    found = Export.objects.filter(organisation=organisation, id=id).first()
    if found is None:
        raise NotFound("export")
    return found


def exports_of(organisation: Organisation) -> list[Export]:
    """The newest first."""
    return list(Export.objects.filter(organisation=organisation).order_by("-asked_at", "-id"))


def make_exports(*, now: datetime) -> int:
    """Makes what waits and deletes what is over; returns how many became ready. For housekeeping; safe from any number
    of processes."""
    _forget_what_is_over(now=now)
    ready = 0
    for id in Export.objects.filter(state=ExportState.WAITING).order_by("asked_at").values_list("id", flat=True):
        if (export := _claimed(id, now=now)) is not None:
            ready += _made(export, now=now)
    return ready


@one_transaction
def _claimed(id: Any, *, now: datetime) -> Export | None:
    found = Export.objects.select_for_update(of=("self",), no_key=True).filter(id=id, state=ExportState.WAITING).first()
    if found is None or (found.begun_at is not None and found.begun_at > now - given_up_after):
        return None
    found.begun_at = now
    found.save(update_fields=["begun_at"])
    return found


def _made(export: Export, *, now: datetime) -> bool:
    with TemporaryDirectory(dir=arrivals_folder()) as folder:
        path = Path(folder) / "export.zip"
        try:
            write_organisation(export.organisation, path, now=now)
            stored = file_store().put(path, folder=f"exports/{export.organisation_id}/{export.id}", suffix=".zip")
        except OtaiError as error:
            log.warning("the export of %s failed: %s", export.organisation.slug, error.code)
            Export.objects.filter(id=export.id).update(state=ExportState.FAILED)
            return False
    _keep(export, stored.path, stored.sha256, stored.bytes, now=now)
    return True


@one_transaction
def _keep(export: Export, file: str, sha256: str, size: int, *, now: datetime) -> None:
    Export.objects.filter(id=export.id).update(
        state=ExportState.READY, file=file, sha256=sha256, bytes=size, ready_at=now, expires_at=now + kept_for
    )
    _told(export.organisation, "export_ready", who=BY_HOUSEKEEPING, now=now)
    there = Export.objects.filter(organisation=export.organisation_id, state=ExportState.READY)
    older = there.order_by("-ready_at", "-id").values_list("id", flat=True)[most_kept:]
    _forget(there.filter(id__in=list(older)), now=now)


@one_transaction
def _forget_what_is_over(*, now: datetime) -> None:
    _forget(Export.objects.filter(expires_at__lte=now), now=now)


def _forget(exports: QuerySet[Export], *, now: datetime) -> None:
    let_go(exports.values_list("file", flat=True), now=now)
    exports.delete()


def opened(organisation: Organisation, id: Any, *, who: str, now: datetime) -> tuple[Export, IO[bytes]]:
    """An export that is ready, and what is in its file, to be read once from its beginning; counts it; close it. Raises
    NotFound, also for another organisation's."""
    found = Export.objects.filter(organisation=organisation, id=id, state=ExportState.READY).first()
    if found is None or found.expires_at is None or found.expires_at <= now:
        raise NotFound("export")
    file = file_store().reading(found.file)
    Export.objects.filter(id=found.id).update(downloads=found.downloads + 1)
    _told(organisation, "export_downloaded", who=who, now=now)
    return found, file


def _told(organisation: Organisation, what: str, *, who: str, now: datetime) -> None:
    TeamEvent.objects.create(organisation=organisation, at=now, who=who[:200], what=what, subject=organisation.slug)


def opened_person(user: User, *, now: datetime) -> IO[bytes]:
    """What `write_person` writes, as a file at its beginning that whoever reads it closes."""
    file = SpooledTemporaryFile(max_size=kept_in_memory_bytes)  # noqa: SIM115
    write_person(user, cast(IO[bytes], file), now=now)
    file.seek(0)
    return cast(IO[bytes], file)


def write_person(user: User, file: IO[bytes], *, now: datetime) -> None:
    """All that is kept of a person, as a zip of JSON: the account, and every row that names them, by what it says of
    them; what an organisation keeps beside is the organisation's."""
    archive = _Archive(file)
    addresses = list(EmailAddress.objects.filter(user=user).values("email", "verified", "primary"))
    account = {
        "number": user.pk, "email": user.email, "name": user.get_full_name(), "language": user.language,
        "joined_at": plain(user.date_joined), "last_login": plain(user.last_login), "addresses": addresses,
        "former_addresses": list(user.former_addresses.order_by("-until").values_list("email", flat=True)),
        "signs_in_with": sorted(Authenticator.objects.filter(user=user).values_list("type", flat=True)),
    }  # fmt: skip
    members = Member.objects.filter(user=user).select_related("organisation")
    memberships = [
        {"organisation": one.organisation.slug, "role": one.role, "joined_at": plain(one.joined_at)} for one in members
    ]
    invitations = [
        {"organisation": one.organisation.slug, "role": one.role, "invited_at": plain(one.invited_at)}
        for one in Invitation.objects.filter(email__iexact=user.email).select_related("organisation")
    ]
    kept = {"account": account, "memberships": memberships, "invitations": invitations}
    for name, value in (kept | {"notifications": _told_to(members)}).items():
        archive.add(f"{name}.json", [json.dumps(value, ensure_ascii=False, indent=1).encode()])
    archive.add("where-you-are-named.jsonl", _named(user))
    archive.close({"format": "otai-person", "version": VERSION, "made_at": now.isoformat()})


def _told_to(members: Iterable[Member]) -> list[dict[str, Any]]:
    """By organisation what the person chose to be told, and what they were told in the last weeks."""
    chosen = choices_of(members)
    return [
        {
            "organisation": member.organisation.slug,
            "choices": [
                {"kind": one.kind, "mail": one.mail, "in_browser": one.in_browser, "above_credits": one.above_credits}
                for one in chosen[member.id].values()
            ],
            "told": [
                {
                    "kind": one.kind,
                    "event": one.message.event,
                    "at": plain(one.message.happened_at),
                    "mailed_at": plain(one.mailed_at),
                }
                for one in notifications(member)
            ],
        }
        for member in members
    ]


def _named(user: User) -> Iterator[bytes]:
    """Each row that names the person: which table, when, and which columns; no other person's words."""
    replacement = replacement_of(user)
    for model in apps.get_models():
        if model._meta.app_label in ("sessions", "ledger"):
            continue
        for row, changed in replacement.rows(model):
            said = {"table": model._meta.db_table, "id": str(row.pk), "columns": sorted(changed)}
            for name in ("at", "what", "move", "made_at", "asked_at", "ordered_at"):
                with suppress(AttributeError):
                    said[name] = plain(getattr(row, name))
            yield json.dumps(said, ensure_ascii=False, default=str).encode() + b"\n"
