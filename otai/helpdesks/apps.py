from __future__ import annotations

from django.apps import AppConfig

from otai import keyring


class HelpdesksConfig(AppConfig):
    name = "otai.helpdesks"
    label = "helpdesks"

    def ready(self) -> None:
        from otai.helpdesks import secrets

        keyring.add_kind(keyring.Hanging("helpdesk_tokens", secrets.by_key, secrets.rewrap))
