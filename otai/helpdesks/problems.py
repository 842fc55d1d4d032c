"""What goes wrong with helpdesks, as refusals."""

from __future__ import annotations

from otai.errors import Invalid, Refused, Unavailable


class InvalidHelpdeskAddress(Invalid):
    code = "invalid_helpdesk_address"


class HelpdeskRefused(Refused):
    """The helpdesk answered and did not do what it was asked, or did not answer as such a helpdesk does."""

    code = "helpdesk_refused"


class HelpdeskUnavailable(Unavailable):
    """The helpdesk does not answer, or is too busy to."""

    code = "helpdesk_unavailable"


class NoTicketsThere(Refused):
    code = "no_tickets_at_helpdesk"


class InvalidHelpdeskToken(Invalid):
    code = "invalid_helpdesk_token"
