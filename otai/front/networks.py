"""Whom a bound by network address counts for."""

from __future__ import annotations

import ipaddress

ipv6_prefix = 64
"""One line of an access provider has at least so much of IPv6 to itself (RFC 6177): each of its 2^64 addresses would be
a stranger of its own. allauth counts wrong passwords by the same (`RATE_LIMIT_IPV6_PREFIX`)."""


def network_of(address: str) -> str:
    """The network of IPv6 that the address lies in, `2001:db8:0:7::/64`; an address of IPv4 by itself, also where it is
    written as one of IPv6, and whatever is no address as it stands."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found), ipv6_prefix), strict=False))
