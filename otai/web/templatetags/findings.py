"""What stands out, in the reader's language: `{% load findings %}`, then `{{ finding|message }}`, `{{ finding|advice }}`, `{{ finding|card_message }}`."""

from __future__ import annotations

from django import template

from otai.web import finding_words

register = template.Library()

register.filter("message", finding_words.message)
register.filter("advice", finding_words.advice)
register.filter("card_message", finding_words.card_message)
