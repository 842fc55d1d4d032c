from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.apps import AppConfig

from otai.tickets import erasure_hooks


class WebConfig(AppConfig):
    name = "otai.web"
    label = "web"
    verbose_name = "Studio"

    def ready(self) -> None:
        from allauth.account.signals import email_confirmed

        email_confirmed.connect(_address_confirmed)
        erasure_hooks.also_forget_files("uploads", _forget_uploads)


def _address_confirmed(**of_signal: Any) -> None:
    # Loads all of billing, so only when an address is confirmed.
    from otai.web.accounts.sign_up import address_confirmed

    address_confirmed(**of_signal)


def _forget_uploads(organisation: UUID, before: datetime) -> None:
    # Tables can be imported only once all apps are ready.
    from otai.db import utc_now
    from otai.tickets.arriving_uploads import forget_arriving
    from otai.tickets.waiting_uploads import forget_waiting

    forget_waiting(organisation, before=before)
    forget_arriving(organisation, before=before, now=utc_now())
