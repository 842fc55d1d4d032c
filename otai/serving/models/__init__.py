"""The tables of this room: models and their versions, feedback and tickets seen, labels
looked through, advice."""

from otai.serving.models.advice import Advice, AdviceCheck, AdviceKind, AdviceStatus
from otai.serving.models.feedback import ChangeKind, DataSetChange, Feedback, ObservedTicket
from otai.serving.models.review import LabelVerdict, ReviewItem
from otai.serving.models.versions import ARRIVALS, ModelEvent, ModelVersion, Move, TrainedModel

__all__ = [
    "ARRIVALS",
    "Advice",
    "AdviceCheck",
    "AdviceKind",
    "AdviceStatus",
    "ChangeKind",
    "DataSetChange",
    "Feedback",
    "LabelVerdict",
    "ModelEvent",
    "ModelVersion",
    "Move",
    "ObservedTicket",
    "ReviewItem",
    "TrainedModel",
]
