"""Where a webhook may go: to public addresses only, so that nobody can use us to reach what is behind our firewall.

The name is resolved once, each address is judged, and the connection goes to the very address that was judged: a name
server that answers differently the second time gains nothing. `OTAI_WEBHOOKS_ALLOW_PRIVATE=1` lifts the rule, for a
Studio and receivers in one private network; helpdesks have a switch of their own, and say what it says (`private`).
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from django.conf import settings

from otai.errors import Invalid
from otai.words.catalogue import say_fact
from otai.words.sentences import Fact

NAT64 = ipaddress.ip_network("64:ff9b::/96")
NOT_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        (
            # Clouds answer here to whoever is inside: Oracle's metadata among the protocol assignments, Azure's host.
            *("192.0.0.0/24", "168.63.129.16/32"),
            # Of the special purpose registries of IANA, as of 2025, what Python 3.11 does not know: relays to 6to4,
            # documentation (RFC 9637), segment routing, and site-local addresses, which some networks still use.
            *("192.88.99.0/24", "3fff::/20", "5f00::/16", "fec0::/10"),
        ),
    )
)
"""Beside what Python's `is_global` says."""
LOCAL_NAMES = ("localhost", "localhost.localdomain")
LOCAL_ENDINGS = (".localhost", ".local", ".internal", ".lan", ".home.arpa")


class InvalidWebhookUrl(Invalid):
    code = "invalid_webhook_url"


class AddressRefused(Exception):
    """The name has no address that we may connect to; `why` says so as a fact."""

    def __init__(self, why: Fact) -> None:
        super().__init__(say_fact(why))
        self.why = why


def allows_private() -> bool:
    """Whether messages may go to private addresses (OTAI_WEBHOOKS_ALLOW_PRIVATE)."""
    return bool(settings.OTAI_WEBHOOKS_ALLOW_PRIVATE)


def checked_url(url: str, *, private: bool | None = None) -> str:
    """The URL, if messages may go there as far as its writing tells. Raises InvalidWebhookUrl.

    `private`: whether private addresses and plain http are allowed; None: as `allows_private` says.
    A name is resolved when a message is sent, and judged then: today's answer says nothing about tomorrow's.
    """
    lifted = allows_private() if private is None else private
    url = url.strip()
    if len(url) > 2000 or not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidWebhookUrl("form", field="url")
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").rstrip(".")
    except ValueError as error:
        raise InvalidWebhookUrl("unreadable", error=error, field="url") from None
    schemes = ("https", "http") if lifted else ("https",)
    if parts.scheme not in schemes or not host or port == 0:
        raise InvalidWebhookUrl("scheme", scheme=schemes[0], field="url")
    if parts.username is not None or parts.password is not None:
        raise InvalidWebhookUrl("password", field="url")
    if not lifted and not _may_be_public(host):
        raise InvalidWebhookUrl("private", host=host, field="url")
    return url


def _may_be_public(host: str) -> bool:
    if host in LOCAL_NAMES or host.endswith(LOCAL_ENDINGS):
        return False
    try:
        # Also what only a resolver would read as an address: 127.1, 0x7f000001, 2130706433.
        return is_public(socket.inet_ntoa(socket.inet_aton(host)))
    except OSError:
        pass
    try:
        return is_public(host)
    except ValueError:
        # A name without a dot is one of the local network.
        return "." in host


def is_public(address: str) -> bool:
    """Raises ValueError for what is no address."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        # Teredo (2001::/32), which also wraps an IPv4 address, is not global whatever it wraps.
        inner = found.ipv4_mapped or found.sixtofour
        if found in NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    if any(found in network for network in NOT_PUBLIC):
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def resolved(host: str, port: int, *, private: bool | None = None) -> list[str]:
    """The host's addresses that we may connect to, in the resolver's order; `private` as for `checked_url`. Raises
    AddressRefused."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressRefused(Fact("try_unresolved", {"host": host, "error": str(error)})) from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if allows_private() if private is None else private:
        return addresses
    # One private address among public ones is an attack or a mistake; neither is a reason to try the others.
    if inside := [address for address in addresses if not is_public(address)]:
        raise AddressRefused(Fact("try_private", {"host": host, "address": inside[0]}))
    return addresses
