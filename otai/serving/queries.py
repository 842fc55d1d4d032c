from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from otai.errors import Invalid, NotFound, OtaiError, Refused
from otai.learning.errors import BundleInvalid
from otai.orgs.models import Organisation
from otai.serving.models import ModelVersion, TrainedModel
from otai.tickets.files import file_store

if TYPE_CHECKING:
    from otai.learning.model.bundle import Bundle, TicketPrediction
    from otai.learning.model.deciding import Thresholds


def versions(organisation: Organisation) -> QuerySet[ModelVersion]:
    """All versions of all models, newest first."""
    return (
        ModelVersion.objects.filter(model__organisation=organisation)
        .select_related("model", "run")
        .order_by("model__name", "-number")
    )


def model_names(organisation: Organisation) -> list[str]:
    """The organisation's model names, in alphabetical order."""
    return list(TrainedModel.objects.filter(organisation=organisation).order_by("name").values_list("name", flat=True))


def answering_versions(organisation: Organisation, count: int) -> list[ModelVersion]:
    """Of each model the version that answers, the newest where none was made live yet; the model trained last first.

    Two queries, however many versions there are. Each carries its run.
    """
    newest = ModelVersion.objects.filter(model=OuterRef("pk")).order_by("-number")
    models = (
        TrainedModel.objects.filter(organisation=organisation)
        .annotate(
            answering=Coalesce(F("live_id"), Subquery(newest.values("id")[:1])),
            trained_at=Subquery(newest.values("created_at")[:1]),
        )
        .exclude(answering=None)
        .order_by("-trained_at", "name")
    )
    ids = list(models.values_list("answering", flat=True)[:count])
    found = ModelVersion.objects.select_related("model", "run").in_bulk(ids)
    return [found[id] for id in ids]


def versions_counted(organisation: Organisation) -> dict[UUID, int]:
    """How many versions each model has, by the model's id."""
    found = ModelVersion.objects.filter(model__organisation=organisation).values_list("model").annotate(Count("id"))
    return dict(found)


def version(organisation: Organisation, name: str, number: int | None = None) -> ModelVersion:
    """The version `number` of the model, or the one that is live. Raises NotFound."""
    found = versions(organisation).filter(model__name=name)
    live = found.filter(model__live=F("id")) if number is None else found.filter(number=number)
    # A model from before there were live versions, or whose only versions wait for a decision, answers with its newest.
    newest = live.first() or (found.first() if number is None else None)
    if newest is None:
        known = sorted(set(versions(organisation).values_list("model__name", flat=True)))
        if number is not None and name in known:
            raise NotFound("version_of", model=name, number=number)
        raise NotFound("model_of", model=name, known=known or None)
    return newest


def predict(version: ModelVersion, texts: Sequence[str]) -> list[TicketPrediction]:
    """What the version says of each text, in order. The bundle stays loaded in this process for the next call.

    Raises BundleInvalid if the stored file was changed since it was trained.
    """
    return in_todays_words(version).predict(list(texts))


def thresholds(version: ModelVersion, precision: float) -> Thresholds:
    """From which confidence the version decides alone at a precision. Raises PrecisionUnknown, BundleInvalid."""
    from otai.learning.model.deciding import Thresholds

    return Thresholds.at(bundle(version), precision)


def bundle(version: ModelVersion) -> Bundle:
    """The model itself, with the labels that it learnt; it stays loaded in this process. Raises BundleInvalid."""
    return _bundle(version.bundle_file, version.bundle_sha256)


def as_stored(version: ModelVersion, texts: Sequence[str]) -> list[str]:
    """The texts of new tickets as they may be kept: personal data is masked where the tickets that the model learnt
    from are."""
    rules = bundle(version).text_rules
    return list(texts) if rules is None else [rules.as_stored(text) for text in texts]


def in_todays_words(version: ModelVersion) -> Bundle:
    """The model, which answers with the names that people have given its labels since. Raises BundleInvalid."""
    found = bundle(version)
    return found.in_words(version.renamed) if version.renamed else found


@lru_cache(maxsize=4)
def _bundle(path: str, _sha256: str) -> Bundle:
    # The numerical libraries take half a second to load, and most commands and pages predict nothing.
    from otai.learning.model.bundle import Bundle

    return Bundle.load(file_store().local_path(path))


def opened_file(version: ModelVersion) -> IO[bytes]:
    """The model's file to be sent, open at its beginning: as it was trained, or with the names that people have given
    its labels since. Raises BundleInvalid and FileStoreUnavailable."""
    if version.renamed:
        return io.BytesIO(in_todays_words(version).to_bytes())
    return file_store().local_path(version.bundle_file).open("rb")


def sha256_and_bytes(version: ModelVersion) -> tuple[str, int]:
    """Of the file that is sent (`opened_file`): its SHA-256 in hex, and its size. A model whose file cannot be read is
    told by what was stored."""
    if version.renamed:
        try:
            return _of_renamed(version.bundle_file, version.bundle_sha256, json.dumps(version.renamed, sort_keys=True))
        except (BundleInvalid, OtaiError):
            pass
    return version.bundle_sha256, version.bundle_bytes


@lru_cache(maxsize=256)
def _of_renamed(path: str, sha256: str, renamed: str) -> tuple[str, int]:
    # The same model with the same names gives the same bytes.
    content = _bundle(path, sha256).in_words(json.loads(renamed)).to_bytes()
    return hashlib.sha256(content).hexdigest(), len(content)


class FileExists(Refused):
    code = "file_exists"


class NoSuchFolder(Invalid):
    code = "no_such_folder"


def export(version: ModelVersion, target: Path, *, overwrite: bool = False) -> Path:
    """Writes the bundle to `target` (a file, or a folder in which it gets a telling name): a copy of what was trained,
    or with the names that people have given its labels since. It is checked before it counts.

    Raises FileExists and NoSuchFolder.
    """
    if target.is_dir():
        target = target / f"{version.model.name.replace(' ', '-')}-v{version.number}.otai"
    if target.exists() and not overwrite:
        raise FileExists("file", path=str(target))
    if not target.parent.is_dir():
        raise NoSuchFolder("folder", parent=target.parent, path=str(target.parent))
    from otai.learning.model.bundle import Bundle

    part = target.with_name(target.name + ".part")
    try:
        if version.renamed:
            in_todays_words(version).save(part)
        else:
            shutil.copyfile(file_store().local_path(version.bundle_file), part)
        Bundle.load(part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target
