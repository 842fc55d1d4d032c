"""The public path to a trained model: `from otai.learning.bundle import Bundle`. It stays, wherever the room keeps it
(`model/bundle.py`)."""

from __future__ import annotations

from otai.learning.model.bundle import AttributePrediction, Bundle, LabelScore, TicketPrediction

__all__ = ["AttributePrediction", "Bundle", "LabelScore", "TicketPrediction"]
