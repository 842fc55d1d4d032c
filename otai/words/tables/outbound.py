"""What is refused about webhooks and notifications."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said

TABLE: Mapping[str, Refusal] = {
    "invalid_notification.credits": said(
        "A limit is a number of credits from 0 to {most:n}.",
    ),
    "invalid_notification.kind": said(
        "There is no notification {kind:quoted}. There are: {known:words}.",
    ),
    "invalid_notification.mail": said(
        "A mail comes at once, in the daily mail, or not at all.",
    ),
    "not_found.notifications": said(
        "Whoever made this key is no member any more, and only members are told.",
    ),
    "invalid_webhook_endpoint.description": said(
        "A description has up to 200 printable characters.",
    ),
    "invalid_webhook_endpoint.event": said(
        "There is no event {event:quoted}. There are: {known:words}.",
    ),
    "invalid_webhook_url.form": said(
        "A webhook's address is a URL of up to 2000 ASCII characters without blanks.",
    ),
    "invalid_webhook_url.password": said(
        "Leave user and password out of the address: the signature proves who we are.",
    ),
    "invalid_webhook_url.private": said(
        "{host} is no public address, and messages go to public ones only.",
    ),
    "invalid_webhook_url.scheme": said(
        "A webhook's address begins with {scheme}:// and names a host.",
    ),
    "invalid_webhook_url.unreadable": said(
        "The address cannot be read: {error}.",
    ),
    "not_found.delivery": said(
        "There is no such delivery.",
    ),
    "not_found.webhook": said(
        "There is no such webhook endpoint.",
    ),
    "too_many_webhook_endpoints.endpoints": said(
        "There are {endpoints:n} endpoints already. Delete one that is not used.",
    ),
    "webhook_endpoint_disabled.off": said(
        "This endpoint is turned off. Turn it on first.",
    ),
}
