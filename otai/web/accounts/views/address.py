"""Another mail address: the present one stays until the new one is confirmed, and is told then."""

from __future__ import annotations

from allauth.account.views import EmailView
from django.http import HttpRequest


class AddressView(EmailView):
    """allauth's page, without its way to take an address that nobody confirmed."""

    def _action_primary(self, request: HttpRequest, *args: object, **kwargs: object) -> None:
        return None
