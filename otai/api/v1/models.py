from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import FileResponse
from django.http.response import HttpResponseBase
from ninja import Query, Schema
from pydantic import Field

from otai.api.access import Caller, CallerRequest
from otai.api.cursors import PageQuery, page_of
from otai.api.endpoints import Noun
from otai.api.v1.shapes import Name, Number, TicketText
from otai.errors import Unavailable
from otai.learning.errors import BundleInvalid
from otai.orgs.permissions import Action
from otai.serving import queries
from otai.serving.models import ModelVersion
from otai.tickets.files import file_store

noun = Noun("Models")


class ModelVersionOut(Schema):
    """The outcome of one completed run: a model file, known by its checksum."""

    model: str
    version: int
    run: int
    mode: str
    attributes: list[str]
    created_at: datetime
    bytes: int
    sha256: str


class ModelVersionsOut(Schema):
    items: list[ModelVersionOut]
    next: str | None


class PredictIn(Schema):
    """Up to 1 000 tickets, each as one text: subject, a line break, body."""

    texts: Annotated[list[TicketText], Field(min_length=1, max_length=1_000)]


class LikelyLabelOut(Schema):
    label: str
    confidence: float


class PredictedAttributeOut(Schema):
    """`confidence` is the calibrated probability of the least certain of the labels."""

    labels: list[str]
    confidence: float
    runners_up: list[LikelyLabelOut]


class PredictedTicketOut(Schema):
    attributes: dict[str, PredictedAttributeOut]


class PredictionsOut(Schema):
    """One item for each text, in the same order."""

    model: str
    version: int
    items: list[PredictedTicketOut]


VERSION = {
    "model": "support",
    "version": 3,
    "run": 4,
    "mode": "business",
    "attributes": ["queue", "priority"],
    "created_at": "2026-11-02T09:36:00Z",
    "bytes": 5242880,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}
PREDICTIONS = {
    "model": "support",
    "version": 3,
    "items": [
        {
            "attributes": {
                "queue": {
                    "labels": ["network"],
                    "confidence": 0.97,
                    "runners_up": [{"label": "accounts", "confidence": 0.02}],
                }
            }
        }
    ],
}


@noun.get("/models", Action.VIEW, ModelVersionsOut, example={"items": [VERSION], "next": None})
def list_models(request: CallerRequest, page: PageQuery) -> Any:
    """All models by name, the newest version first"""
    found = queries.versions(request.auth.organisation).defer("run__report_card")
    return page_of(found, request.auth, page, of="models", by=["model__name", "-number"], shown=_version)


@noun.get("/models/{model}", Action.VIEW, ModelVersionOut, example=VERSION)
def get_model(request: CallerRequest, model: Name) -> Any:
    """The newest version of a model"""
    return _version(version_of(request.auth, model))


@noun.get("/models/{model}/versions/{int:version}", Action.VIEW, ModelVersionOut, example=VERSION)
def get_model_version(request: CallerRequest, model: Name, version: Number) -> Any:
    """One version of a model"""
    return _version(version_of(request.auth, model, version))


@noun.post(
    "/models/{model}/predict",
    Action.PREDICT,
    PredictionsOut,
    example=PREDICTIONS,
    body_example={"texts": ["VPN drops every minute\nIt began this morning."]},
    errors=[503],
)
def predict(
    request: CallerRequest,
    model: Name,
    asked: PredictIn,
    version: Annotated[Number | None, Query(description="The newest, if left out.")] = None,
) -> Any:
    """What does the model say of these tickets?

    Free of charge. The first request after a while takes longer, since the model is loaded.
    """
    found = version_of(request.auth, model, version)
    try:
        predictions = queries.predict(found, asked.texts)
    except BundleInvalid as damaged:
        # Nothing is wrong with what was asked.
        raise Unavailable(f"{found} cannot be loaded: {damaged.message}", code="model_unavailable") from damaged
    return {
        "model": found.model.name,
        "version": found.number,
        "items": [{"attributes": dict(prediction.attributes)} for prediction in predictions],
    }


@noun.get(
    "/models/{model}/versions/{int:version}/bundle",
    Action.VIEW,
    produces=["application/octet-stream"],
    errors=[503],
)
def download_bundle(request: CallerRequest, model: Name, version: Number) -> HttpResponseBase:
    """Download the model

    One file that predicts anywhere with the Python package, without a database. `ETag` is its SHA-256.
    """
    found = version_of(request.auth, model, version)
    path = file_store().local_path(found.bundle_file)
    name = f"{found.model.name.replace(' ', '-')}-v{found.number}.otai"
    response = FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="application/octet-stream")
    response["ETag"] = f'"{found.bundle_sha256}"'
    return response


def version_of(caller: Caller, name: str, number: int | None = None) -> ModelVersion:
    """Raises NotFound, also for another organisation's."""
    return queries.version(caller.organisation, name, number)


def _version(version: ModelVersion) -> dict[str, Any]:
    return {
        "model": version.model.name,
        "version": version.number,
        "run": version.run.number,
        "mode": version.run.mode,
        "attributes": [attribute["name"] for attribute in version.run.attributes],
        "created_at": version.created_at,
        "bytes": version.bundle_bytes,
        "sha256": version.bundle_sha256,
    }
