"""The components of the Studio, as template tags: `{% load studio %}`. Each has a template in `web/parts/` and its
looks in css/parts.css.

{% card _("Now") %} ... {% endcard %}             {% icon "clock" %}
{% notice "warning" %} ... {% endnotice %}        {% badge "completed" %}
{% empty _("No tickets yet") "tickets" %} ... {% endempty %}
{% dialog "delete" _("Delete this model?") %} ... {% enddialog %}    (<a href="?dialog=delete" data-opens="delete">)
{% table_frame _("Ledger") %}<table class="table"> ... <td data-label="..."> ... </table>{% endtable_frame %}
{% chart _("Coverage against precision") "line" %}<table> ... </table>{% endchart %}
{% field form.name %}   {% figure "84.1" unit="%" label=_("right") %}   {% spend _("Train") credits=3 left=25 %}
{% pages newer older %}
{{ moment|stamp:organisation }}   {{ moment|day:organisation }}   {{ 3|credits }}   {{ money|money }}
{% if request.member|may:"manage_keys" %} ... {% endif %}    (a link to where somebody gets a 403 is worse than none)
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django import template
from django.forms import BoundField
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _

from otai.billing.months import Month
from otai.orgs.models import Member
from otai.pricing.vat import Vat
from otai.runs import readiness
from otai.runs.models import Run
from otai.tickets import own_ids
from otai.units import Money
from otai.web import refusals, words
from otai.web.formats import MINUS, credits, money, number, percent, percent_number, size
from otai.web.words import delivery_words, fact_words, move_words, who_words
from otai.words.catalogue import ENGLISH
from otai.words.catalogue import language_name as name_of_language
from otai.words.countries import country_name

register = template.Library()

for plain in (credits, money, number, percent, percent_number, size, delivery_words, fact_words, move_words, who_words):
    register.filter(plain.__name__, plain)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of icons.svg. Without a label it is decoration: a word has to stand beside it."""
    address = f"{static('web/icons.svg')}#{name}"
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="{}"/></svg>', label, address)
    return format_html('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}"/></svg>', address)


BADGES: dict[str, tuple[str, str, Any]] = {
    # what it is called in the rooms: (tone, icon, word)
    "awaiting_approval": ("warning", "clock", _("Waits for approval")),
    "queued": ("quiet", "held", _("Waiting")),
    "training": ("accent", "loader", _("Training")),
    "evaluating": ("accent", "loader", _("Evaluating")),
    "completed": ("good", "done", _("Completed")),
    "failed": ("bad", "failed", _("Failed")),
    "cancelled": ("quiet", "ban", _("Cancelled")),
    "live": ("good", "live", _("Live")),
    "held": ("quiet", "held", _("Held")),
    "captured": ("quiet", "check", _("Spent")),
    "released": ("good", "undo", _("Given back")),
    "refunded": ("good", "undo", _("Refunded")),
    "open": ("warning", "clock", _("To be paid")),
    "processing": ("quiet", "loader", _("With the bank")),
    "part_paid": ("warning", "clock", _("Part paid")),
    "paid": ("good", "done", _("Paid")),
    "disputed": ("bad", "alert", _("Disputed")),
    "reversed": ("bad", "undo", _("Taken back")),
    "late": ("bad", "alert", _("Late")),
    "on_time": ("good", "clock", _("On time")),
}


@register.inclusion_tag("web/parts/badge.html")
def badge(kind: str, word: str = "", tone: str = "", icon: str = "") -> dict[str, Any]:
    """A state as icon and word: of `BADGES`, or one of your own with word, tone (quiet, accent, good, warning, bad) and
    icon."""
    known_tone, known_icon, known_word = BADGES.get(kind, ("quiet", "info", kind))
    return {"tone": tone or known_tone, "icon": icon or known_icon, "word": word or known_word}


def _block(template_name: str, content: str, **context: Any) -> SafeString:
    return SafeString(render_to_string(template_name, {"content": content, **context}))


@register.simple_block_tag
def card(content: str, title: str = "", id: str = "", icon: str = "", wide: bool = False, more: str = "") -> SafeString:
    """A part of a page with a border. `more` is the address behind the title's arrow."""
    return _block("web/parts/card.html", content, title=title, id=id, icon=icon, wide=wide, more=more)


@register.simple_block_tag
def notice(content: str, tone: str = "info", title: str = "") -> SafeString:
    """Something to know, in place: tone info, good, warning or bad, each with icon and word."""
    icons = {"info": "info", "good": "done", "warning": "alert", "bad": "error"}
    return _block("web/parts/notice.html", content, tone=tone, title=title, icon=icons[tone])


@register.simple_block_tag
def empty(content: str, title: str, icon: str = "info") -> SafeString:
    """An empty page teaches the next step."""
    return _block("web/parts/empty.html", content, title=title, icon=icon)


@register.simple_block_tag(takes_context=True)
def dialog(context: template.Context, content: str, id: str, title: str, opened: str = "") -> SafeString:
    """Opened by `<a href="?dialog=ID" data-opens="ID">`; Escape, the cross and `<a href="?" data-closes>` close it.

    `opened`: the id of the one that is open as the page comes. The address `?dialog=ID` shows what is in it as a page
    of its own, for browsers without scripts.
    """
    request = context.get("request")
    if request is not None and request.method in ("GET", "HEAD") and request.GET.get("dialog") == id:
        request.dialog_asked_for = (title, content)
        return SafeString("")
    return _block("web/parts/dialog.html", content, id=id, title=title, is_open=opened == id)


@register.simple_block_tag(takes_context=True)
def page_or_dialog(context: template.Context, content: str) -> SafeString:
    """Around what a page shows: the dialog that its address names alone, where the page has it."""
    title, asked_for = getattr(context.get("request"), "dialog_asked_for", ("", ""))
    return _block("web/parts/dialog_page.html", asked_for, title=title) if title else SafeString(content)


@register.simple_block_tag
def table_frame(content: str, label: str, tall: bool = False) -> SafeString:
    """Around a table: on a phone each row is a card, in which the words of a column's head stand beside its value: each
    cell has them as `data-label`. On a wide screen it scrolls by itself, by keyboard too, and its head stays."""
    return _block("web/parts/table_frame.html", content, label=label, tall=tall)


@register.simple_block_tag
def chart(
    content: str,
    title: str,
    kind: str = "line",
    x: str = "number",
    unit: str = "",
    y_min: str = "",
    y_max: str = "",
    hide_title: bool = False,
) -> SafeString:
    """A chart drawn from the table inside: first column x, each further column a line. The table stays, folded, behind
    it.

    A cell's `data-value` is drawn where it is there, else its text; numbers with a decimal point. `x` is number or time
    (ISO dates). charts.js draws; without scripts the table stands open.
    """
    return _block(
        "web/parts/chart.html",
        content,
        title=title,
        kind=kind,
        x=x,
        unit=unit,
        y_min=y_min,
        y_max=y_max,
        hide_title=hide_title,
    )


@register.inclusion_tag("web/parts/field.html")
def field(bound: BoundField, wide: bool = False) -> dict[str, Any]:
    """A form field with its label, help and errors, tied together for screen readers."""
    widget = type(bound.field.widget).__name__
    return {
        "field": bound,
        "wide": wide,
        "is_check": widget == "CheckboxInput",
        "is_choice": widget == "RadioSelect",
        "is_secret": widget == "PasswordInput",
    }


@register.inclusion_tag("web/parts/figure.html")
def figure(
    value: Any, unit: str = "", label: str = "", change: str = "", tone: str = "", more: str = ""
) -> dict[str, Any]:
    """A number as the hero: large, its unit beside it, what changed, and its source one click away."""
    return {"value": value, "unit": unit, "label": label, "change": change, "tone": tone, "more": more}


@register.inclusion_tag("web/parts/spend.html")
def spend(
    text: str, credits: int, left: int, disabled: bool = False, name: str = "", value: str = ""
) -> dict[str, Any]:
    """A button that spends says how much, and what remains."""
    return {"text": text, "credits": credits, "left": left, "disabled": disabled, "name": name, "value": value}


@register.inclusion_tag("web/parts/first_shown.html")
def first_shown(shown: int, all: int) -> dict[str, Any]:
    """That a list is cut off, where it is: `The first 200 of 1,340 are shown.`"""
    return {"shown": shown, "all": all, "is_cut": all > shown}


@register.inclusion_tag("web/parts/not_installed.html")
def not_installed() -> dict[str, Any]:
    """Which modes cannot be trained here, and what whoever runs the installation does about it; nothing where all
    can."""
    missing = readiness.missing()
    return {"modes": missing, "named": words.modes_words(missing), "install": readiness.install_commands()}


@register.inclusion_tag("web/parts/pages.html")
def pages(newer: str = "", older: str = "") -> dict[str, Any]:
    """Keyset pagination: addresses of the newer and of the older page, empty where there is none."""
    return {"newer": newer, "older": older}


@register.simple_tag
def address_of(page: str, *args: Any) -> str:
    """The address of a page; empty while there is no such page, so that nothing links into nowhere."""
    try:
        return reverse(page, args=args)
    except NoReverseMatch:
        return ""


@register.filter
def in_words(error: Any) -> str:
    """What a room refused, in the reader's language."""
    return refusals.in_words(error)


@register.filter
def why_failed(run: Any) -> str:
    """Why a run failed, in the reader's language."""
    return refusals.why_failed(run)


@register.filter
def what_the_machine_said(run: Any) -> str:
    """The technical detail of a failed run, in English; empty where our sentence says it all."""
    return refusals.what_the_machine_said(run)


@register.filter
def ticket_words(id: str) -> str:
    """A ticket's id; one that we gave it, in the reader's language."""
    return own_ids.said(id, language=get_language() or ENGLISH)


@register.filter
def may(member: Member, action: str) -> bool:
    """Whether the member's role allows the action."""
    return member.may(action)


@register.filter
def price_of(purchase_or_invoice: Any, which: str = "gross") -> str:
    """The net, vat or gross amount of a purchase or an invoice."""
    return money(Money(getattr(purchase_or_invoice, f"{which}_cents"), purchase_or_invoice.currency))


@register.filter
def minus(amount: Money) -> Money:
    """What is taken off, as it stands in a sum."""
    return Money(-amount.cents, amount.currency)


@register.filter
def vat_words(vat: Vat) -> str:
    """How a sale is taxed, in the reader's language."""
    return words.vat_words(vat)


@register.filter
def local(at: datetime | None, organisation: Any = None) -> datetime | None:
    """The time where the organisation is. Without one, as Django's current time zone has it."""
    if at is None:
        return None
    return timezone.localtime(at, organisation.zone if organisation is not None else None)


@register.filter
def stamp(at: datetime | None, organisation: Any = None) -> SafeString | str:
    """A time as people read it, with the exact one for machines: `22 Nov 2026, 14:05`."""
    if at is None:
        return ""
    there = at.astimezone(organisation.zone) if organisation is not None else timezone.localtime(at)
    text = formats.date_format(there, gettext("j M Y, H:i"))
    return format_html('<time datetime="{}">{}</time>', at.isoformat(timespec="seconds"), text)


@register.filter
def is_past(at: datetime | None) -> bool:
    """Whether a time that was expected is over: what is said of it then is another sentence."""
    return at is not None and at < timezone.now()


@register.filter
def soon(at: datetime | None, organisation: Any = None) -> SafeString | str:
    """A time that is near: `16:40` today, `Mon 0:00`, else the day: short enough for a table of promises."""
    if at is None:
        return ""
    zone = organisation.zone if organisation is not None else timezone.get_current_timezone()
    there, today = at.astimezone(zone), timezone.now().astimezone(zone).date()
    if there.time() == time.min:
        # Midnight belongs to the day that it ends.
        there_day, clock = there.date() - timedelta(days=1), "24:00"
    else:
        there_day, clock = there.date(), there.strftime("%H:%M")
    days = (there_day - today).days
    if days == 0:
        text = clock
    elif 0 < days < 7:
        text = f"{formats.date_format(there_day, 'D')} {clock}"
    else:
        text = f"{formats.date_format(there_day, gettext('j M'))} {clock}"
    return format_html('<time datetime="{}">{}</time>', at.isoformat(timespec="seconds"), text)


@register.filter
def done_share(run: Run) -> float:
    """How far a training is, by its steps."""
    return run.steps_done / run.steps_total if run.steps_total else 0.0


@register.filter
def in_hundred(share: Any) -> str:
    """How many times in 100: `84` of 0.841. What is not quite all is not rounded to all, nor hardly any to none."""
    value = float(share)
    count = round(value * 100)
    if count == 100 and value < 1:
        count = 99
    if count == 0 and value > 0:
        count = 1
    return str(count)


@register.filter
def hundredfold(share: Any) -> str:
    """A share in percent for a script: a decimal point, whatever the language."""
    return f"{float(share) * 100:.2f}"


@register.filter
def points(difference: Any) -> str:
    """A difference of shares in points, with its sign: `+1.3`."""
    value = round(float(difference) * 100, 1)
    sign = "+" if value > 0 else MINUS if value < 0 else "±"
    return sign + formats.number_format(abs(value), 1, use_l10n=True)


@register.filter
def timeuntil_of(now: datetime, until: datetime) -> str:
    """How long from one time to another, in two units at most: `2 h 10 min`."""
    minutes = max(0, int((until - now).total_seconds() // 60))
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    if days:
        return ngettext("%(days)s day %(hours)s\u00a0h", "%(days)s days %(hours)s\u00a0h", days) % {
            "days": days,
            "hours": hours,
        }
    return f"{hours}\u00a0h {rest}\u00a0min" if hours else f"{rest}\u00a0min"


@register.filter
def days_of(numbers: str) -> list[int]:
    """Numbers for a select: `"0,7,14"`."""
    return [int(number) for number in numbers.split(",")]


@register.filter
def live_dialog(number: int) -> str:
    """The id of the dialog that makes this version live."""
    return f"live-{number}"


@register.filter
def remove_dialog(number: int) -> str:
    """The id of the dialog that removes this payment method."""
    return f"remove-{number}"


@register.filter
def share_number(amount: Any) -> str:
    """A fraction as the language writes it: 5/2 is `2.5`."""
    value = float(amount)
    return formats.number_format(value, 0 if value == int(value) else 1, use_l10n=True)


@register.filter
def day(at: date | None, organisation: Any = None) -> SafeString | str:
    """A day as people read it: `22 Nov 2026`."""
    if at is None:
        return ""
    there = at
    if isinstance(at, datetime):
        there = at.astimezone(organisation.zone) if organisation is not None else timezone.localtime(at)
    text = formats.date_format(there, gettext("j M Y"))
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), text)


@register.filter
def month(of: Month | None) -> str:
    """A month as people read it: `November 2026`."""
    return formats.date_format(date(of.year, of.number, 1), "YEAR_MONTH_FORMAT") if of else ""


@register.filter
def country(code: str) -> str:
    """`DE` as its readers call it: `Germany`."""
    return country_name(code, get_language() or ENGLISH)


@register.filter
def language_name(code: str) -> str:
    """`German`, `Deutsch`, `allemand`: a language of tickets by its code, as the reader calls it."""
    return name_of_language(code, language=get_language() or ENGLISH)


@register.filter
def plain_day(on: date) -> str:
    """`22 Nov`: a day where the year is clear, without markup, for labels."""
    return formats.date_format(on, gettext("j M"))


@register.filter
def clock(at: datetime | None, organisation: Any = None) -> str:
    """`16:40` today, `Tue 16:40` within a week, else the day too: for promises."""
    if at is None:
        return ""
    zone = organisation.zone if organisation is not None else timezone.get_current_timezone()
    there, today = at.astimezone(zone), timezone.now().astimezone(zone).date()
    if there.date() == today:
        return formats.date_format(there, "H:i")
    if abs((there.date() - today).days) < 7:
        return formats.date_format(there, "D H:i")
    return formats.date_format(there, gettext("j M H:i"))


@register.filter
def unlocal(value: float) -> str:
    """A number for machines: SVG attributes know no decimal comma."""
    return f"{value:g}"
