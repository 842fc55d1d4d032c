from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from ninja import Query, Schema
from pydantic import Field

from otai.api.access import CallerRequest
from otai.api.cursors import Page, page_of
from otai.api.endpoints import Noun
from otai.api.v1.datasets import data_set_of
from otai.api.v1.shapes import Text
from otai.orgs.permissions import Action
from otai.tickets import queries

noun = Noun("Tickets")


class LabelOut(Schema):
    name: str
    count: int
    training_count: int


class AttributeOut(Schema):
    """Something a model can predict. `usable`: at least two labels with 5 or more tickets each.

    `proposed`: it sorts tickets, so a quote that names no attributes takes it. The others are kept, and cost nothing
    until they are named; `why` says it in words. `labels` are the most frequent of `label_count`; `next` is the path of
    the first page of all of them, null where none is left out.
    """

    name: str
    kind: str
    order: list[str]
    usable: bool
    proposed: bool
    why: str
    label_count: int
    labels: list[LabelOut]
    next: str | None


class AttributesOut(Schema):
    items: list[AttributeOut]


class LabelsOut(Schema):
    items: list[LabelOut]
    next: str | None


class LabelQuery(Page):
    attribute: Annotated[Text, Field(max_length=200)] = Field("", description="Whose labels; the first attribute's.")


@noun.get(
    "/data-sets/{uuid:data_set}/attributes",
    Action.VIEW,
    AttributesOut,
    errors=[409],
    example={
        "items": [
            {
                "name": "queue",
                "kind": "single",
                "order": [],
                "usable": True,
                "proposed": True,
                "why": "2 different values, 6,240 tickets each on average",
                "label_count": 2,
                "labels": [
                    {"name": "billing", "count": 7012, "training_count": 7012},
                    {"name": "network", "count": 5468, "training_count": 5468},
                ],
                "next": None,
            }
        ]
    },
)
def list_attributes(request: CallerRequest, data_set: UUID) -> Any:
    """What a model could predict from these tickets

    Attributes in the order of the source, each with its most frequent labels: up to 200 of one, and 1,000 of all
    together. Where there are more, `next` leads to all of them.
    """
    chosen_set = data_set_of(request.auth, data_set)
    chosen_set.require_tickets()
    known = {one.name: one for one in queries.profile(chosen_set).attributes}
    usable = [name for name, one in known.items() if one.is_learnable]
    proposed = set(queries.proposed_among(usable, chosen_set))
    why = {
        one["name"]: chosen_set.roles["why"].get(one["columns"][0], "")
        for one in chosen_set.roles.get("attributes", ())
    }
    labels_at = f"{request.path}/labels"
    return {
        "items": [
            {
                **attribute.as_dict(),
                "usable": attribute.name in usable,
                "proposed": attribute.name in proposed,
                "why": why.get(attribute.name, ""),
                "label_count": known[attribute.name].label_count,
                "labels": [asdict(label) for label in known[attribute.name].labels],
                "next": f"{labels_at}?{urlencode({'attribute': attribute.name})}"
                if known[attribute.name].label_count > len(known[attribute.name].labels)
                else None,
            }
            for attribute in queries.attributes(chosen_set)
        ]
    }


@noun.get(
    "/data-sets/{uuid:data_set}/attributes/labels",
    Action.VIEW,
    LabelsOut,
    errors=[409],
    example={"items": [{"name": "billing", "count": 7012, "training_count": 7012}], "next": None},
)
def list_labels(request: CallerRequest, data_set: UUID, asked: Annotated[LabelQuery, Query()]) -> Any:
    """All labels of one attribute, the most frequent first"""
    found = data_set_of(request.auth, data_set, without_profile=True)
    found.require_tickets()
    return page_of(
        queries.labels(found, asked.attribute),
        request.auth,
        asked,
        of=f"labels:{found.id}:{asked.attribute}",
        by=["-count", "name"],
        shown=lambda label: {name: getattr(label, name) for name in LabelOut.model_fields},
    )
