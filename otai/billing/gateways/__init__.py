"""The ways to be paid that an installation offers: `OTAI_GATEWAYS`, a list of `module:Class`, the first one the
default."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from otai.billing.gateway import Gateway, GatewayUnknown, HostedCheckout


def gateways() -> dict[str, Gateway]:
    """By name, in the order of the setting."""
    return _load(tuple(settings.OTAI_GATEWAYS))


def gateway_named(name: str) -> Gateway:
    """The gateway of that name; the default one for "". Raises GatewayUnknown."""
    known = gateways()
    if not name:
        return next(iter(known.values()))
    if name not in known:
        raise GatewayUnknown("way", known=list(known), gateway=name)
    return known[name]


def hosted(name: str) -> HostedCheckout:
    """The gateway of that name, which has pages of its own. Raises GatewayUnknown."""
    way = gateway_named(name)
    if not isinstance(way, HostedCheckout):
        raise GatewayUnknown("no_checkout", gateway=way.title)
    return way


def hosted_gateways() -> list[HostedCheckout]:
    """Those that have pages of their own, in the order of the setting."""
    return [way for way in gateways().values() if isinstance(way, HostedCheckout)]


@lru_cache
def _load(names: tuple[str, ...]) -> dict[str, Gateway]:
    found: dict[str, Gateway] = {}
    for name in names:
        try:
            gateway: Gateway = import_string(name.replace(":", "."))()
        except ImportError as error:
            raise ImproperlyConfigured(f"OTAI_GATEWAYS names {name!r}, which cannot be loaded: {error}") from error
        found[gateway.name] = gateway
    if not found:
        raise ImproperlyConfigured("OTAI_GATEWAYS is empty: without a gateway nothing can be bought.")
    return found
