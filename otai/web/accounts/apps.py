from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "otai.web.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from allauth.account.decorators import secure_admin_login
        from django.contrib import admin

        # Operators sign in where everybody does: with the same limits on guessing, and with their second factor.
        admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
