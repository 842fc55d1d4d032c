from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "otai.web.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from otai.web.accounts.desk import close_the_side_door

        close_the_side_door()
