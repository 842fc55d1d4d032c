"""Under which name the Studio is offered, for pages and mails of every room: `{% load vendor %}`."""

from __future__ import annotations

import hashlib

from django import template
from django.conf import settings
from django.urls import reverse

register = template.Library()


@register.simple_tag
def studio_name() -> str:
    """`OTAI Studio`, or as the vendor calls it."""
    return str(settings.OTAI_NAME)


@register.simple_tag
def logo_address() -> str:
    """The address of the vendor's logo; empty where it is ours."""
    if settings.OTAI_LOGO_PICTURE is None:
        return ""
    return reverse("web:logo", args=[settings.OTAI_LOGO_PICTURE.digest])


@register.simple_tag
def colours_address() -> str:
    """The address of the style sheet with the vendor's colours; empty where they are ours."""
    sheet = settings.OTAI_COLOUR_SHEET
    return reverse("web:colours", args=[digest_of(sheet)]) if sheet else ""


def digest_of(text: str) -> str:
    """12 signs that name a content in its address."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
