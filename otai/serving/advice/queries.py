"""The advice that was given, the weekly looks behind it, and what would raise a model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import QuerySet

from otai.billing import queries as billing
from otai.errors import NotFound
from otai.learning.evidence.report_card import ReportCard
from otai.orgs.models import Organisation
from otai.runs import readiness
from otai.serving import queries
from otai.serving.models import Advice, AdviceCheck, AdviceKind, AdviceStatus, ModelVersion

if TYPE_CHECKING:
    from otai.learning.evidence.improvement import Improvement


_URGENCY = {
    AdviceKind.LABELS_CHANGED: 0,
    AdviceKind.NEW_LANGUAGE: 1,
    AdviceKind.DRIFT: 2,
    AdviceKind.LABELS_RENAMED: 3,
    AdviceKind.NEW_ATTRIBUTE: 4,
}


def open_advice(version: ModelVersion) -> list[Advice]:
    """What is advised for the version now, most urgent first; empty when nothing is wrong."""
    found = Advice.objects.filter(version=version, status=AdviceStatus.OPEN).select_related(
        "version__model", "data_set"
    )
    return sorted(found, key=lambda one: _URGENCY[AdviceKind(one.kind)])


def all_advice(organisation: Organisation) -> QuerySet[Advice]:
    """Everything that was ever advised, newest first."""
    found = Advice.objects.filter(version__model__organisation=organisation)
    return found.select_related("version__model", "data_set", "run").order_by("-found_at", "-id")


def advice(organisation: Organisation, id: UUID) -> Advice:
    """Raises NotFound, also for another organisation's."""
    found = all_advice(organisation).filter(id=id).first()
    if found is None:
        raise NotFound("advice")
    return found


def checks(version: ModelVersion) -> QuerySet[AdviceCheck]:
    """The weekly looks at the version's tickets, newest first."""
    return AdviceCheck.objects.filter(version=version).order_by("-week")


def improvements(organisation: Organisation, name: str, number: int | None = None) -> dict[str, list[Improvement]]:
    """For each attribute what would most likely raise it, from the evidence of the version's training. Raises
    NotFound."""
    from otai.learning.evidence.expected_quality import gains_over_basic
    from otai.learning.evidence.improvement import improvements as from_evidence

    version = queries.version(organisation, name, number)
    card = ReportCard.from_json(json.dumps(version.run.report_card))
    profile = version.run.data_set.profile
    tier = billing.tier_of(organisation)
    allowed = [mode.value for mode in readiness.trainable(billing.price_book().tiers[tier].modes)]
    return {
        report.name: from_evidence(
            report,
            mode=version.run.mode,
            contradicting_duplicates=int(profile.get("contradicting_duplicates") or 0),
            languages=profile.get("languages") or {},
            gains_of_modes=gains_over_basic(),
            modes_allowed=allowed,
        )
        for report in card.attributes
    }
