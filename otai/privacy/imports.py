"""An organisation's export becomes an organisation of this installation (docs/export.md).

The file is a stranger's: its names are held against a list, its sizes against what it says of them, its hashes against
its rows, and each value against its column. Paths are made here, never taken from it; a model is a bundle, which holds
no code.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from otai.billing.models import OperatorRequest
from otai.billing.operations import second_operator, sign_up
from otai.errors import Invalid, Refused
from otai.jobs.folders import arrivals_folder
from otai.learning.bundle import Bundle
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation, TeamEvent
from otai.orgs.operations.organisations import IMPORTED
from otai.pricing.price_book import Tier
from otai.privacy.export_tables import RESTORED, file_of, model_of
from otai.privacy.exports import FORMAT, VERSION
from otai.runs.operations.erasing import MODEL_DELETED
from otai.runs.status import ENDED
from otai.serving.models import TrainedModel
from otai.tickets.files import file_store
from otai.words.sentences import Fact

most_bytes = 200 * (1 << 30)
most_files = 200_000
most_ratio = 200
"""Text of tickets packs ten to one; what packs better by far was made to fill a disk."""
ratio_counts_from = 64 << 20
most_line_bytes = 64 << 20
CHUNK_BYTES = 1 << 20
NAMES = re.compile(
    r"manifest\.json|tables/[a-z_]{1,60}\.jsonl|tickets/[0-9a-f-]{36}\.(parquet|csv)|models/[0-9a-f]{64}\.otai"
    r"|report-cards/run-\d{1,9}\.json|ledger/(statement\.csv|proof\.txt)|invoices/[\w.-]{1,60}\.(pdf|xml)"
)
NOT_TAKEN_OVER: dict[str, dict[str, Any]] = {
    "tickets_data_set": {"deleted_by": ""},
    "runs_run": {"guarantee_id": None, "funding_lot": None, "tickets_file": "", "checkpoint_file": ""},
}
"""Columns that speak of what stays where the organisation was."""


class InvalidExport(Invalid):
    """The file is no export, is not whole, or was made to harm."""

    code = "invalid_export"


class AlreadyHere(Refused):
    """Something of this export is in the installation already."""

    code = "already_here"


@dataclass(frozen=True, slots=True)
class ImportedOrganisation:
    """What came: rows by table, files, and the credits of the opening grant; `waits` where that is for a second
    operator to approve, and nothing of it is granted yet."""

    organisation: Organisation
    rows: dict[str, int]
    files: int
    credits: int
    waits: OperatorRequest | None = None


def import_organisation(
    path: Path, *, who: str, now: datetime, slug: str = "", credits: int | None = None
) -> ImportedOrganisation:
    """Makes the organisation, in Community, with its data sets, models, runs, feedback and history. `slug`: another
    short name than it had. `credits`: what is available after it; None: what was available there. As any gift, a large
    one waits for a second operator. People and keys do not come: invite them.

    Raises InvalidExport, AlreadyHere, OrganisationExists; nothing is left of it then.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, NotImplementedError):
        raise InvalidExport("zip") from None
    stored: list[str] = []
    try:
        with archive:
            return _import(archive, who=who, now=now, slug=slug, credits=credits, stored=stored)
    except BaseException as failed:
        for path_there in stored:
            file_store().delete(path_there)
        if isinstance(failed, zipfile.BadZipFile | EOFError | RuntimeError | NotImplementedError):
            raise InvalidExport("zip") from None
        raise


def _import(
    archive: zipfile.ZipFile, *, who: str, now: datetime, slug: str, credits: int | None, stored: list[str]
) -> ImportedOrganisation:
    manifest = _manifest(archive)
    said = manifest["organisation"]
    opening = manifest["credits"]["available"] if credits is None else credits
    try:
        with transaction.atomic():
            organisation = sign_up(
                slug=slug or said["slug"],
                name=said["name"],
                time_zone=said["time_zone"],
                tier=Tier.COMMUNITY,
                now=now,
                who=who,
            )
            # Those that it is signed up with are among what it had.
            opening = max(opening - ledger.balance(organisation.id).available, 0)
            rows = _Rows(archive, organisation, stored)
            counts = {model_of(label)._meta.db_table: rows.write(label) for label, _ in RESTORED}
            rows.set_live()
            given: object = None
            if opening:
                given = second_operator.goodwill(
                    organisation=organisation,
                    credits=opening,
                    who=who,
                    why=Fact("moved_why.opening_balance", {"made_at": manifest["made_at"]}),
                    key=f"import:{organisation.id}",
                    now=now,
                )
            TeamEvent.objects.create(
                organisation=organisation, at=now, who=who[:200], what=IMPORTED,
                subject=organisation.slug, details={"made_at": manifest["made_at"], "credits": opening},
            )  # fmt: skip
    except IntegrityError as clash:
        raise AlreadyHere("rows") from clash
    waits = given if isinstance(given, OperatorRequest) else None
    written = {name: n for name, n in counts.items() if n}
    return ImportedOrganisation(organisation, written, len(stored), opening, waits)


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    """What the export says of itself, once nothing in it looks made to harm. Raises InvalidExport."""
    infos = archive.infolist()
    if len(infos) > most_files:
        raise InvalidExport("files", most=most_files)
    names = [info.filename for info in infos]
    if len(set(names)) < len(names):
        raise InvalidExport("twice")
    total = 0
    for info in infos:
        if (
            not NAMES.fullmatch(info.filename)
            or info.flag_bits & 1
            or (info.external_attr >> 16) & 0o170000 == 0o120000
        ):
            raise InvalidExport("name", name=info.filename[:100])
        total += info.file_size
        packed = max(info.compress_size, 1)
        if info.file_size > ratio_counts_from and info.file_size > most_ratio * packed:
            raise InvalidExport("bomb", name=info.filename)
    if total > most_bytes:
        raise InvalidExport("size", most=most_bytes)
    try:
        manifest = json.loads(_bounded(archive, "manifest.json", most_line_bytes))
        known = manifest["format"] == FORMAT and manifest["version"] == VERSION
        there = {"organisation": dict, "credits": dict, "files": dict, "made_at": str}
        known = known and all(isinstance(manifest[name], kind) for name, kind in there.items())
        known = known and all(isinstance(manifest["organisation"][name], str) for name in ("slug", "name", "time_zone"))
        known = known and type(manifest["credits"]["available"]) is int
    except (KeyError, ValueError, TypeError, RecursionError):
        raise InvalidExport("manifest") from None
    if not known:
        raise InvalidExport("manifest")
    if set(manifest["files"]) != set(names) - {"manifest.json"}:
        raise InvalidExport("whole")
    return dict(manifest)


def _bounded(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    with archive.open(name) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise InvalidExport("size", most=most)
    return content


def _fit(row: models.Model) -> None:
    """Each value as its column has it. Raises ValidationError, ValueError and TypeError for one that it cannot be."""
    for field in row._meta.concrete_fields:
        value = getattr(row, field.attname)
        if field.is_relation or isinstance(field, models.BigAutoField):
            continue
        if value is None:
            if not field.null:
                raise ValueError(field.name)
            continue
        value = field.to_python(value)
        if isinstance(field, models.CharField | models.TextField):
            value = str(value).replace("\0", "")
        if value not in field.empty_values:
            field.run_validators(value)
        setattr(row, field.attname, value)


class _Rows:
    """Writes rows under the ids that they had; files are stored as they are named by them."""

    def __init__(self, archive: zipfile.ZipFile, organisation: Organisation, stored: list[str]) -> None:
        self.archive, self.organisation, self.stored = archive, organisation, stored
        self.live: dict[str, str] = {}
        self.known: dict[str, set[str]] = {}
        self.bundles: dict[str, str] = {}
        self.names = frozenset(archive.namelist())

    def write(self, label: str) -> int:
        """All rows of one table; returns how many."""
        model = model_of(label)
        written: list[models.Model] = []
        count = 0
        keys = self.known.setdefault(model._meta.db_table, set())
        for values in self._lines(file_of(label)):
            row = self._row(model, values)
            if row is None:
                continue
            keys.add(str(values.get(model._meta.pk.attname)))
            written.append(row)
            if len(written) == 500:
                count += self._save(model, written)
        return count + self._save(model, written)

    def _save(self, model: type[models.Model], rows: list[models.Model]) -> int:
        count = len(rows)
        model._default_manager.bulk_create(rows)
        rows.clear()
        return count

    def _lines(self, name: str) -> Iterator[dict[str, Any]]:
        try:
            with self.archive.open(name) as file:
                while line := file.readline(most_line_bytes):
                    values = json.loads(line)
                    if not isinstance(values, dict):
                        raise InvalidExport("row", name=name)
                    yield values
        except KeyError:
            raise InvalidExport("whole") from None
        except (ValueError, RecursionError):
            raise InvalidExport("row", name=name) from None

    def _row(self, model: type[models.Model], values: dict[str, Any]) -> models.Model | None:
        """The row to be written; None for one that stays where it was, with whatever refers to it."""
        table = model._meta.db_table
        values = {**values, **NOT_TAKEN_OVER.get(table, {})}
        if table == "runs_run" and values.get("status") not in sorted(ENDED):
            return None
        kept: dict[str, Any] = {}
        for field in model._meta.concrete_fields:
            if isinstance(field, models.BigAutoField):
                continue
            if field.name == "organisation":
                kept[field.attname] = self.organisation.pk
                continue
            value = values.get(field.attname)
            if isinstance(field, models.ForeignKey) and value is not None:
                target = field.related_model._meta.db_table
                if table == "serving_model" and field.name == "live":
                    self.live[str(values.get(model._meta.pk.attname))] = str(value)
                    value = None
                elif str(value) not in self.known.get(target, set()):
                    if not field.null:
                        return None
                    value = None
            kept[field.attname] = value
        row = model(**kept)
        try:
            _fit(row)
        except (ValidationError, ValueError, TypeError, KeyError):
            raise InvalidExport("row", name=table) from None
        self._bring_files(table, row)
        return row

    def _bring_files(self, table: str, row: Any) -> None:
        """Stores what the row names, where it lies here from now on."""
        if table == "tickets_data_set":
            row.deleted_by = "" if row.deleted_at is None else "import"
            row.file = (
                ""
                if row.deleted_at
                else self._store(
                    f"tickets/{row.id}.parquet",
                    row.sha256,
                    f"tickets/{self.organisation.pk}/{UUID(str(row.id))}",
                    ".parquet",
                )
            )
        elif table in ("runs_run", "serving_model_version") and re.fullmatch("[0-9a-f]{64}", row.bundle_sha256 or ""):
            row.bundle_file = self._bundle(row.bundle_sha256)

    def _bundle(self, sha256: str) -> str:
        name = f"models/{sha256}.otai"
        if name not in self.names:
            # The model was deleted before the export was made.
            return MODEL_DELETED
        if sha256 not in self.bundles:
            self.bundles[sha256] = self._store(name, sha256, f"models/{self.organisation.pk}", ".otai", is_model=True)
        return self.bundles[sha256]

    def _store(self, name: str, sha256: str, folder: str, suffix: str, *, is_model: bool = False) -> str:
        digest = hashlib.sha256()
        with tempfile.NamedTemporaryFile(dir=arrivals_folder(), suffix=suffix) as target:
            try:
                with self.archive.open(name) as source:
                    while piece := source.read(CHUNK_BYTES):
                        digest.update(piece)
                        target.write(piece)
            except KeyError:
                raise InvalidExport("whole") from None
            target.flush()
            if digest.hexdigest() != sha256:
                raise InvalidExport("changed", name=name)
            if is_model:
                # It predicts here, or it does not come.
                Bundle.load(target.name)
            stored = file_store().put(Path(target.name), folder=folder, suffix=suffix)
        self.stored.append(stored.path)
        return stored.path

    def set_live(self) -> None:
        """Which version of each model answers."""
        for model, version in self.live.items():
            if version in self.known["serving_model_version"]:
                TrainedModel.objects.filter(id=model, organisation=self.organisation).update(live=version)
