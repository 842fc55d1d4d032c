from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.apps import AppConfig

from otai import keyring
from otai.tickets import erasure_hooks


class OutboundConfig(AppConfig):
    name = "otai.outbound"
    label = "outbound"

    def ready(self) -> None:
        from otai.outbound import secrets

        erasure_hooks.also_forget("webhook_messages", _forget_failures)
        keyring.add_kind(keyring.Hanging("webhook_secrets", secrets.by_key, secrets.rewrap))


def _forget_failures(organisation: UUID, data_sets: Sequence[UUID]) -> int:
    # Tables can be imported only once all apps are ready.
    from otai.outbound.operations.collecting import forget_failures

    return forget_failures(organisation, data_sets)
