from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Query, Schema
from pydantic import ConfigDict, Field

from otai.api.access import Caller, CallerRequest
from otai.api.cursors import PageQuery, page_of
from otai.api.endpoints import Noun
from otai.api.shown import Who
from otai.api.v1.jobs import JobOut
from otai.api.v1.shapes import Name, PositiveNumber, Share, Text, TicketText, Whole
from otai.api.waiting import accepted, waited_for
from otai.db import utc_now
from otai.errors import Unavailable
from otai.learning.errors import BundleInvalid
from otai.orgs.permissions import Action
from otai.serving import cards, deletion, feedback, queries, versions
from otai.serving import jobs as serving_jobs
from otai.serving.models import ModelEvent, ModelVersion

if TYPE_CHECKING:
    from otai.learning.model.bundle import TicketPrediction
    from otai.learning.model.deciding import Thresholds

noun = Noun("Models")

CARD_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; sandbox"
)
"""The page carries its own styles and no script; it is a document to keep, not a page of the Studio."""


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
    live: bool = Field(description="It answers where no version is named.")


class ModelVersionsOut(Schema):
    items: list[ModelVersionOut]
    next: str | None


class PredictIn(Schema):
    """Up to 1 000 tickets, each as one text: subject, a line break, body. Another field than these is refused."""

    model_config = ConfigDict(extra="forbid")

    texts: Annotated[list[TicketText], Field(min_length=1, max_length=1_000)]
    precision: Annotated[
        Share | None, Field(description="0.9, 0.95 or 0.99: `decides_alone` then says which answers hold it.")
    ] = None


class LikelyLabelOut(Schema):
    label: str
    confidence: float


class PredictedAttributeOut(Schema):
    """`confidence` is the calibrated probability of the least certain of the labels. `decides_alone`: whether it
    reaches the threshold that held the precision asked for when the model was measured; null where none was."""

    labels: list[str]
    confidence: float
    runners_up: list[LikelyLabelOut]
    decides_alone: bool | None


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
    "live": True,
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
                    "decides_alone": True,
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
    """The version of a model that answers now"""
    return _version(version_of(request.auth, model))


@noun.get("/models/{model}/versions/{int:version}", Action.VIEW, ModelVersionOut, example=VERSION)
def get_model_version(request: CallerRequest, model: Name, version: PositiveNumber) -> Any:
    """One version of a model"""
    return _version(version_of(request.auth, model, version))


@noun.post(
    "/models/{model}/predict",
    Action.PREDICT,
    PredictionsOut,
    example=PREDICTIONS,
    body_example={"texts": ["VPN drops every minute\nIt began this morning."], "precision": 0.95},
    errors=[503],
)
def predict(
    request: CallerRequest,
    model: Name,
    asked: PredictIn,
    version: Annotated[PositiveNumber | None, Query(description="The live one, if left out.")] = None,
) -> Any:
    """What does the model say of these tickets?

    Free of charge. The first request after a while takes longer, since the model is loaded.
    """
    asked_version = version_of(request.auth, model, version)
    try:
        thresholds = None if asked.precision is None else queries.thresholds(asked_version, asked.precision)
        predictions = queries.predict(asked_version, asked.texts)
    except BundleInvalid as damaged:
        # Nothing is wrong with what was asked.
        raise Unavailable("model", found=asked_version, why=damaged, code="model_unavailable") from damaged
    feedback.keep(asked_version, asked.texts, now=utc_now())
    return {
        "model": asked_version.model.name,
        "version": asked_version.number,
        "items": [{"attributes": _answers(prediction, thresholds)} for prediction in predictions],
    }


def _answers(prediction: TicketPrediction, thresholds: Thresholds | None) -> dict[str, Any]:
    return {
        name: {
            "labels": found.labels,
            "confidence": found.confidence,
            "runners_up": found.runners_up,
            "decides_alone": None if thresholds is None else thresholds.decides_alone(name, found),
        }
        for name, found in prediction.attributes.items()
    }


@noun.get(
    "/models/{model}/versions/{int:version}/bundle",
    Action.DOWNLOAD_MODELS,
    produces=["application/octet-stream"],
    errors=[503],
)
def download_bundle(request: CallerRequest, model: Name, version: PositiveNumber) -> HttpResponseBase:
    """Download the model

    One file that predicts anywhere with the Python package, without a database, with the names that its labels have
    today. `ETag` is its SHA-256.
    """
    found = version_of(request.auth, model, version)
    name = f"{found.model.name.replace(' ', '-')}-v{found.number}.otai"
    try:
        file = queries.opened_file(found)
    except BundleInvalid as damaged:
        raise Unavailable("model", found=found, why=damaged, code="model_unavailable") from damaged
    response = FileResponse(file, as_attachment=True, filename=name, content_type="application/octet-stream")
    sha256, _bytes = queries.sha256_and_bytes(found)
    response["ETag"] = f'"{sha256}"'
    return response


class ModelEventOut(Schema):
    at: datetime
    move: str
    version: int | None
    who: Who
    why: str = Field(description="In English, or as a person wrote it.")
    fact: dict[str, Any] | None = Field(description="What `why` says, as a code with values; null: a person's words.")


class ModelEventsOut(Schema):
    items: list[ModelEventOut]


class GoLiveIn(Schema):
    why: Annotated[Text, Field(max_length=500)] = ""


class KeptTicketsIn(Schema):
    days: Whole = Field(ge=0, le=3_650, description="0: none is kept, and those that were are deleted.")


class KeptTicketsOut(Schema):
    model: str
    days: int


@noun.get(
    "/models/{model}/events",
    Action.VIEW,
    ModelEventsOut,
    example={
        "items": [
            {
                "at": "2026-11-02T09:36:00Z",
                "move": "live",
                "version": 3,
                "who": "comparison",
                "why": "the first version",
                "fact": {"code": "version_first", "values": {}},
            }
        ]
    },
)
def list_model_events(request: CallerRequest, model: Name) -> Any:
    """Which version was live when, and why"""
    found = versions.events(version_of(request.auth, model).model).select_related("version")
    return {"items": [_event(event) for event in found]}


def _event(event: ModelEvent) -> dict[str, Any]:
    number = event.version.number if event.version else None
    return {
        "version": number,
        "move": event.what.value,
        "at": event.at,
        "who": event.who,
        **event.explained(),
    }


@noun.get("/models/{model}/versions/{int:version}/comparison", Action.VIEW, dict[str, Any], example={"goes_live": True})
def get_comparison(request: CallerRequest, model: Name, version: PositiveNumber) -> Any:
    """A version beside the one that was live before it

    On tickets that neither had learnt: per attribute which is better, and whether that is more than chance.
    """
    return versions.comparison_told(version_of(request.auth, model, version))


@noun.post(
    "/models/{model}/versions/{int:version}/go-live",
    Action.MANAGE_MODELS,
    ModelVersionOut,
    example=VERSION,
    body_example={"why": "The new queue matters more."},
    errors=[409],
)
def go_live(request: CallerRequest, model: Name, version: PositiveNumber, asked: GoLiveIn) -> Any:
    """Let a version answer from now on"""
    caller = request.auth
    versions.go_live(
        organisation=caller.organisation, name=model, number=version, who=caller.who, why=asked.why, now=utc_now()
    )
    return _version(version_of(caller, model, version))


@noun.post("/models/{model}/roll-back", Action.MANAGE_MODELS, ModelVersionOut, example=VERSION, errors=[409])
def roll_back(request: CallerRequest, model: Name) -> Any:
    """Let the version before answer again"""
    caller = request.auth
    version_of(caller, model)
    versions.roll_back(organisation=caller.organisation, name=model, who=caller.who, now=utc_now())
    return _version(version_of(caller, model))


@noun.put(
    "/models/{model}/kept-tickets",
    Action.MANAGE_MODELS,
    KeptTicketsOut,
    example={"model": "support", "days": 30},
    body_example={"days": 30},
)
def set_kept_tickets(request: CallerRequest, model: Name, asked: KeptTicketsIn) -> Any:
    """Keep the tickets that the model is asked about, for a while

    Only so can drift be seen in them. Nothing is kept unless you say so here.
    """
    caller = request.auth
    version_of(caller, model)
    kept = versions.keep_tickets(
        organisation=caller.organisation, name=model, days=asked.days, who=caller.who, now=utc_now()
    )
    return {"model": kept.name, "days": kept.keeps_tickets_days}


@noun.delete("/models/{model}", Action.MANAGE_MODELS, errors=[409, 503])
def delete_model(request: CallerRequest, model: Name) -> HttpResponse:
    """Delete a model with all its versions

    And with what was made from tickets along the way: feedback, kept tickets, advice, the words of tickets in its
    evidence. What stays is what the books need. It cannot be undone, and is refused while a training of it is under
    way.
    """
    caller = request.auth
    found = version_of(caller, model).model
    deletion.delete_model(organisation=caller.organisation, id=found.id, who=caller.who, now=utc_now())
    return HttpResponse(status=204)


@noun.get(
    "/models/{model}/versions/{int:version}/report-card.html",
    Action.VIEW,
    produces=["text/html"],
    later=JobOut,
    errors=[409, 503],
)
def get_report_card_page(
    request: CallerRequest,
    model: Name,
    version: PositiveNumber,
    with_texts: Annotated[
        bool, Query(description="With the beginnings of tickets as examples, for whoever has `tickets:read`.")
    ] = True,
) -> HttpResponse:
    """The report card as one HTML page that needs nothing else

    With the version before beside it. Where comparing the two takes longer than two seconds, the answer is 202 with a
    job: ask again when it is done.
    """
    caller = request.auth
    measured, compared = version_of(caller, model, version), None
    if (before := cards.version_before(measured)) is not None:
        begun = serving_jobs.ask_to_compare(older=before, newer=measured, who=caller.who, now=utc_now())
        job = waited_for(request, begun)
        if not job.has_ended:
            return accepted(job)
        compared = serving_jobs.comparison_of(job)
    with_texts = with_texts and caller.may(Action.READ_TICKETS)
    page = cards.card_page(measured, with_texts=with_texts, compared=compared)
    return HttpResponse(page, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": CARD_POLICY})


def version_of(caller: Caller, name: str, number: int | None = None) -> ModelVersion:
    """Raises NotFound, also for another organisation's."""
    return queries.version(caller.organisation, name, number)


def _version(version: ModelVersion) -> dict[str, Any]:
    sha256, size = queries.sha256_and_bytes(version)
    return {
        "model": version.model.name,
        "version": version.number,
        "run": version.run.number,
        "mode": version.run.mode,
        "attributes": [attribute["name"] for attribute in version.run.attributes],
        "created_at": version.created_at,
        "bytes": size,
        "sha256": sha256,
        "live": version.model.live_id == version.id,
    }
