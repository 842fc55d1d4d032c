"""What the address of an installation decides, and who is at the other end of a request: values in, values out."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from otai.environment import InvalidSetting

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """Where people reach an installation. `host` is as browsers name it: small letters, punycode, brackets around
    IPv6."""

    scheme: str
    host: str
    port: int | None

    @property
    def origin(self) -> str:
        """`https://studio.example`: as a browser's `Origin` header says it, without the scheme's own port."""
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port else "")

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the Studio by TLS: cookies are marked secure then."""
        return self.scheme == "https"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return self.host in LOOPBACK or self.host.endswith(".localhost")


def base_url(text: str) -> BaseUrl:
    """`OTAI_BASE_URL` as it is meant. Raises InvalidSetting for what is no web address, or one with a path: links begin
    with it."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except (ValueError, UnicodeError):
        raise _not_an_address(text) from None
    if parts.scheme not in DEFAULT_PORTS or not host or parts.username or parts.query or parts.fragment:
        raise _not_an_address(text)
    if parts.path.strip("/"):
        raise InvalidSetting(
            "base_url_path", text=text, instead=f"{parts.scheme}://{parts.netloc}", setting="OTAI_BASE_URL"
        )
    return BaseUrl(
        scheme=parts.scheme,
        host=f"[{host}]" if ":" in host else host,
        port=None if port == DEFAULT_PORTS[parts.scheme] else port,
    )


def _not_an_address(text: str) -> InvalidSetting:
    return InvalidSetting("base_url", text=text, setting="OTAI_BASE_URL")


def allowed_hosts(base: BaseUrl, more: str) -> list[str]:
    """The hosts that pages answer to: that of `base`, those in `more` (separated by commas), and on one machine all its
    own names."""
    named = [host.strip() for host in more.split(",") if host.strip()]
    own = [base.host, *(LOOPBACK if base.is_loopback else ())]
    return list(dict.fromkeys([*own, *named]))


def client_address(peer: str, forwarded_for: str, *, trusted_proxies: int) -> str:
    """The address of whoever asked: `peer`, or what the outermost of our `trusted_proxies` wrote into X-Forwarded-For.

    Each proxy adds at the end whom it saw, so what stands before the last `trusted_proxies` entries is the visitor's
    own invention. A header with fewer entries did not come through all of them, and one that holds no address proves
    nothing: `peer` then.
    """
    entries = [entry.strip() for entry in forwarded_for.split(",") if entry.strip()]
    if trusted_proxies < 1 or len(entries) < trusted_proxies:
        return peer
    return _address(entries[-trusted_proxies]) or peer


def forwarded_scheme(forwarded_proto: str, *, trusted_proxies: int) -> str:
    """The scheme by which the visitor came, in lower case, as the outermost of our `trusted_proxies` wrote it into
    X-Forwarded-Proto; "" where none did.

    A proxy writes it anew, passes it on, or adds at the end what it saw itself. So what stands before the last
    `trusted_proxies` entries is the visitor's own invention, and where there are fewer, the first is the outermost's.
    """
    entries = [entry.strip().lower() for entry in forwarded_proto.split(",") if entry.strip()]
    if trusted_proxies < 1 or not entries:
        return ""
    return entries[-min(trusted_proxies, len(entries))]


def _address(text: str) -> str | None:
    """Some proxies add the port: `203.0.113.7:4711`, `[2001:db8::7]:4711`."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
