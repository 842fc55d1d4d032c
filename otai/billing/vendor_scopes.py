"""What a key of the vendor's own systems may do. Pure."""

from __future__ import annotations

from enum import StrEnum


class VendorScope(StrEnum):
    """A vendor key is given some of these, and never does more. None of them reads tickets, models or runs."""

    ORGANISATIONS_READ = "organisations:read"
    ORGANISATIONS_PROVISION = "organisations:provision"
    ORGANISATIONS_SUSPEND = "organisations:suspend"
    CREDITS_GRANT = "credits:grant"
    PRICES_READ = "prices:read"
    PRICES_SET = "prices:set"
