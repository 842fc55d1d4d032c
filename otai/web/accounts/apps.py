from typing import Any

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "otai.web.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from otai import keyring
        from otai.web.accounts import rewrapping as its
        from otai.web.accounts.desk import ask_again_before_it_is_done, close_the_side_door

        keyring.add_kind(
            keyring.Hanging("second_factors", its.second_factors_by_key, its.rewrap_second_factors),
        )
        keyring.add_kind(keyring.Hanging("sessions", its.sessions_by_key, its.rewrap_sessions))
        close_the_side_door()
        ask_again_before_it_is_done()
        _follow_sessions()


def _follow_sessions() -> None:
    # Tables and signals can be imported only once all apps are ready.
    from allauth.account.signals import email_changed, password_changed, password_reset, password_set
    from allauth.mfa.signals import (
        authentication_failed,
        authenticator_added,
        authenticator_removed,
        authenticator_reset,
    )
    from django.contrib.auth.signals import user_logged_in

    from otai.web.accounts.session_limits import begin, end_the_others, second_factor_failed

    user_logged_in.connect(begin)
    email_changed.connect(_keep_former_address)
    authentication_failed.connect(second_factor_failed)
    of_password = (password_changed, password_reset, password_set)
    for changed in (*of_password, authenticator_added, authenticator_removed, authenticator_reset):
        changed.connect(end_the_others)


def _keep_former_address(*, user: Any, from_email_address: Any, **_: object) -> None:
    from otai.db import utc_now
    from otai.orgs.persons import keep_former_address

    if from_email_address is not None:
        keep_former_address(user, from_email_address.email, now=utc_now())
