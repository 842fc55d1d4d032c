"""Form fields for numbers as people type them: plain digits, with one point before the cents of an amount.

Django's own read whatever Python reads: `1e3`, `1_000` and digits of other scripts, so that a slip of the hand is an
amount.
"""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError


class PlainIntegerField(forms.IntegerField):
    """A whole number in digits from 0 to 9."""

    def to_python(self, value: Any) -> int | None:
        """Refuses as Django's own field does what is no number: raises ValidationError."""
        if isinstance(value, str) and value.strip() and not re.fullmatch(r"[+-]?[0-9]+", value.strip()):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class PlainDecimalField(forms.DecimalField):
    """An amount such as 450, 450.5 or 450.50."""

    def to_python(self, value: Any) -> Any:
        """Refuses as Django's own field does what is no number: raises ValidationError."""
        if isinstance(value, str) and value.strip() and not re.fullmatch(r"[+-]?[0-9]+(\.[0-9]*)?", value.strip()):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)
