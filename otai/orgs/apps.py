from django.apps import AppConfig


class OrgsConfig(AppConfig):
    name = "otai.orgs"
    label = "orgs"
    verbose_name = "Customers"

    def ready(self) -> None:
        """Keys of organisations, and of links that end mails, hang on the secret key."""
        from otai import keyring
        from otai.orgs import data_keys, unsubscribing

        keyring.add_kind(keyring.Hanging("data_keys", data_keys.by_key, data_keys.rewrap))
        keyring.add_kind(keyring.Hanging("unsubscribe_keys", unsubscribing.by_key, unsubscribing.rewrap))
