from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "otai.ledger"
    label = "ledger"
    verbose_name = "Credits"

    def ready(self) -> None:
        """Checkpoints are signed with keys that hang on the secret key."""
        from otai import keyring
        from otai.ledger import checkpoint

        keyring.add_kind(keyring.Hanging("checkpoint_keys", checkpoint.by_key, checkpoint.rewrap))
