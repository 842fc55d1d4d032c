"""All that others read of billing."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from otai.billing.models import Subscription, TierChange
from otai.errors import NotFound
from otai.orgs.models import Organisation
from otai.pricing.price_book import PriceBook, Tier


def price_book() -> PriceBook:
    """The price book in force: the one that `OTAI_PRICE_BOOK` names as `module:name`."""
    return _load(settings.OTAI_PRICE_BOOK)


@lru_cache
def _load(name: str) -> PriceBook:
    try:
        book = import_string(name.replace(":", "."))
    except (ImportError, ValueError) as error:
        raise ImproperlyConfigured(f"OTAI_PRICE_BOOK={name!r} cannot be loaded: {error}") from error
    if not isinstance(book, PriceBook):
        raise ImproperlyConfigured(f"OTAI_PRICE_BOOK={name!r} is a {type(book).__name__}, not a PriceBook.")
    return book


def tier_of(organisation: Organisation) -> Tier:
    """The tier in force. Raises NotFound for an organisation that never signed up."""
    return Tier(subscription_of(organisation).tier)


def subscription_of(organisation: Organisation) -> Subscription:
    """Raises NotFound for an organisation that never signed up."""
    try:
        return Subscription.objects.select_related("organisation").get(organisation=organisation)
    except Subscription.DoesNotExist:
        raise NotFound(f"{organisation.slug} has no subscription.", organisation=organisation.slug) from None


def tier_at(organisation: Organisation, at: datetime) -> Tier:
    """The tier that was in force at a time; before the first, the first."""
    changes = TierChange.objects.filter(organisation=organisation)
    last = changes.filter(effective_at__lte=at).order_by("-effective_at", "-id").first()
    found = last or changes.order_by("effective_at", "id").first()
    if found is None:
        return tier_of(organisation)
    return Tier(found.tier)


def tiers_reached(organisation: Organisation) -> list[Tier]:
    """Every tier that the organisation has been in, in the order it first came there."""
    seen = TierChange.objects.filter(organisation=organisation).order_by("effective_at", "id")
    return [Tier(tier) for tier in dict.fromkeys(seen.values_list("tier", flat=True))]
