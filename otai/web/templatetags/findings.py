"""What stands out, in the reader's language: `{% load findings %}`, then `{{ finding|message }}`, `{{ finding|advice
}}`, `{{ finding|card_message }}`, `{% if finding|is_headline %}`."""

from __future__ import annotations

from django import template
from django.utils.translation import get_language

from otai.learning.finding import Finding
from otai.words import findings as words
from otai.words.card_findings import HEADLINES
from otai.words.catalogue import ENGLISH

register = template.Library()


@register.filter
def message(found: Finding) -> str:
    """The finding in the reader's language."""
    return words.message(found, language=get_language() or ENGLISH)


@register.filter
def advice(found: Finding) -> str:
    """What would help, in the reader's language."""
    return words.advice(found, language=get_language() or ENGLISH)


@register.filter
def card_message(found: Finding) -> str:
    """A finding of a report card."""
    return words.message(found, of_card=True, language=get_language() or ENGLISH)


@register.filter
def is_headline(found: Finding) -> bool:
    """Whether it stands above everything else of a report card."""
    return found.code in HEADLINES
