from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from otai.billing.models import Subscription
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
    """Raises NotFound for an organisation that never signed up."""
    try:
        return Tier(Subscription.objects.values_list("tier", flat=True).get(organisation=organisation))
    except Subscription.DoesNotExist:
        raise NotFound(f"{organisation.slug} has no subscription.", organisation=organisation.slug) from None
