"""A model is deleted with all that was made from tickets: its files, what was said of it and with it, and the words of tickets in its evidence.

What stays is what the books need: that a training was ordered, what it cost, and its figures. The tickets themselves are a data set's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from otai.errors import NotFound, Refused
from otai.orgs.models import Organisation
from otai.runs import operations as runs
from otai.runs.guarantee.status import AFTER_THE_SECOND_MISS, GuaranteeStatus
from otai.runs.models import Guarantee, Run
from otai.runs.status import OPEN
from otai.serving.models import Advice, AdviceCheck, Feedback, ModelEvent, ModelVersion, ObservedTicket, TrainedModel
from otai.tickets.files import file_store


class ModelInUse(Refused):
    code = "model_in_use"


@dataclass(frozen=True, slots=True)
class Going:
    """How much of each goes with a model."""

    versions: int
    feedback: int
    kept_tickets: int
    advice: int


def what_goes(model: TrainedModel) -> Going:
    """To be shown before anybody says yes."""
    return Going(
        versions=ModelVersion.objects.filter(model=model).count(),
        feedback=Feedback.objects.filter(version__model=model).count(),
        kept_tickets=ObservedTicket.objects.filter(version__model=model).count(),
        advice=Advice.objects.filter(version__model=model).count(),
    )


def delete_model(*, organisation: Organisation, id: UUID, who: str, now: datetime) -> Going:
    """Deletes the model for good. Raises NotFound, and ModelInUse while a training of it is under way or a guarantee is decided by it."""
    with transaction.atomic():
        model = TrainedModel.objects.select_for_update().filter(organisation=organisation, id=id).first()
        if model is None:
            raise NotFound("There is no such model.")
        _require_unused(model)
        going = what_goes(model)
        files = set(ModelVersion.objects.filter(model=model).values_list("bundle_file", flat=True))
        TrainedModel.objects.filter(id=model.id).update(live=None)
        Feedback.objects.filter(version__model=model).delete()
        ObservedTicket.objects.filter(version__model=model).delete()
        AdviceCheck.objects.filter(version__model=model).delete()
        Advice.objects.filter(version__model=model).delete()
        ModelEvent.objects.filter(model=model).delete()
        made_by = list(ModelVersion.objects.filter(model=model).values_list("run", flat=True))
        ModelVersion.objects.filter(model=model).delete()
        model.delete()
        runs.forget_models(runs=made_by, who=who, now=now)
        still_used = set(Run.objects.filter(bundle_file__in=files).values_list("bundle_file", flat=True))
    # After the rows: a file without a row is waste, a row without its file is a model that breaks.
    for file in sorted(files - still_used):
        file_store().delete(file)
    return going


def _require_unused(model: TrainedModel) -> None:
    same_name = Run.objects.filter(organisation_id=model.organisation_id, model_name=model.name)
    if under_way := same_name.filter(status__in=sorted(OPEN)).order_by("number").first():
        raise ModelInUse(
            f"Run {under_way.number} is training {model.name} now. Wait for it, or cancel it first.",
            run=under_way.number,
        )
    decided = {GuaranteeStatus.MET, *AFTER_THE_SECOND_MISS}
    promised = Guarantee.objects.filter(run__in=same_name).exclude(status__in=sorted(decided)).first()
    if promised is not None:
        raise ModelInUse(
            f"The guarantee of {promised.tier.capitalize()} is decided by {model.name}. Let its improvement end first.",
            guarantee=str(promised.id),
        )
