from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "otai.ledger"
    label = "ledger"
    verbose_name = "Credits"
