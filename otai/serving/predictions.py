"""What a version said of the tickets that it was measured on, before it had learnt any of them: for looking them up
among the tickets."""

from __future__ import annotations

from dataclasses import dataclass

from otai.orgs.models import Organisation
from otai.serving import queries
from otai.serving.models import ModelVersion
from otai.tickets.models import DataSet
from otai.tickets.ticket_index.reading import HeldOutPrediction


@dataclass(frozen=True, slots=True)
class HeldOutPredictions:
    """Of one attribute; `sure_of` of the tickets are those whose confidence a model keeps (2 000 at most)."""

    tickets: list[HeldOutPrediction]
    sure_of: int


def predictions_of(version: ModelVersion, attribute: str) -> HeldOutPredictions | None:
    """What the version said of each ticket that was kept aside, with the labels' names of today. None where it does
    not predict the attribute, or nothing was kept aside. Raises BundleInvalid, FileStoreUnavailable."""
    # The numerical libraries take half a second to load.
    import numpy as np

    from otai.learning.model.holdout import NO_LABEL, NOT_KNOWN

    bundle = queries.in_todays_words(version)
    names = [one.spec.name for one in bundle.attributes]
    if bundle.holdout is None or attribute not in names:
        return None
    number = names.index(attribute)
    labels = bundle.attributes[number].labels
    answers = bundle.holdout.attributes.get(attribute)
    if answers is None:
        return None
    confidence: dict[int, float] = {}
    if bundle.reference is not None:
        # In the order of their hashes, as `Reference.of` chose them.
        chosen = np.argsort(bundle.holdout.texts, kind="stable")[: len(bundle.reference)]
        confidence = dict(zip(chosen.tolist(), bundle.reference.confidence[:, number].tolist(), strict=True))
    said = [
        HeldOutPrediction(
            text.tobytes(),
            tuple(labels[label] for label in row.tolist() if label > NO_LABEL),
            confidence.get(at),
        )
        for at, (text, row) in enumerate(zip(bundle.holdout.texts, answers.predicted, strict=True))
        if row[0] != NOT_KNOWN
    ]
    return HeldOutPredictions(said, sum(one.confidence is not None for one in said))


def versions_on(organisation: Organisation, data_set: DataSet, *, also: str = "") -> list[ModelVersion]:
    """The newest version of each model that learnt from a data set of this name, the one trained last first; and the
    one with the id `also`, where it did."""
    rows = queries.versions(organisation).filter(run__data_set__name=data_set.name).order_by("-created_at", "-number")
    found: dict[str, ModelVersion] = {}
    for version in rows[:MOST_VERSIONS]:
        of_model = str(version.model_id)
        found.setdefault(str(version.id) if str(version.id) == also and of_model in found else of_model, version)
    return list(found.values())


def has_learnt(organisation: Organisation, data_set: DataSet) -> bool:
    """Whether any model learnt from a data set of this name."""
    return queries.versions(organisation).filter(run__data_set__name=data_set.name).exists()


MOST_VERSIONS = 200
"""Looked through, the newest first."""
