"""Amounts on pages of the desk, as the operator's language writes them."""

from __future__ import annotations

from django import template

from otai.billing.desk import cents_shown
from otai.units import Money

register = template.Library()


@register.filter
def money(amount: Money) -> str:
    """`EUR 360` in English, `360 EUR` in German."""
    return cents_shown(amount.cents, amount.currency)
