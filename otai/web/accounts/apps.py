from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "otai.web.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from otai import keyring
        from otai.web.accounts import rewrapping as its
        from otai.web.accounts.desk import close_the_side_door

        keyring.add_kind(
            keyring.Hanging("second_factors", its.second_factors_by_key, its.rewrap_second_factors),
        )
        keyring.add_kind(keyring.Hanging("sessions", its.sessions_by_key, its.rewrap_sessions))
        close_the_side_door()
