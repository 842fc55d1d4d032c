"""What mails say of one and of several, where counts are written already as the language writes them."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def counted(written: object, forms: str) -> str:
    """Of two forms with a comma between, the first after the count 1, the second after any other: `{{ credits }}
    credit{{ credits|counted:",s" }}`. Django's `pluralize` takes the German 1.000 for one."""
    of_one, of_more = forms.split(",")
    return of_one if str(written) == "1" else of_more
