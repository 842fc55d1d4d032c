from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.apps import AppConfig

from otai.tickets import erasure_hooks


class ApiConfig(AppConfig):
    name = "otai.api"
    label = "api"

    def ready(self) -> None:
        from otai.api.rates import register

        erasure_hooks.also_forget("kept_answers", _forget_answers)
        register()


def _forget_answers(organisation: UUID, data_sets: Sequence[UUID]) -> int:
    # Tables can be imported only once all apps are ready.
    from otai.api.keys import forget_answers

    return forget_answers(organisation, data_sets)
