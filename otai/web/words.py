"""The words of the rooms, in the reader's language: what the books and the queue are called on a page.

The rooms speak English and carry codes; a page translates by the code, and shows the room's own sentence where it knows
none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from otai.billing.models import PaymentMethod, Purchase, PurchaseKind
from otai.billing.packages import PackageOffer
from otai.ledger.queries import StatementLine
from otai.orgs.models import TeamEvent
from otai.pricing.price_book import Delivery, DeliveryPromise, Mode, PriceBook, Term, Tier
from otai.pricing.vat import Vat, VatTreatment
from otai.runs import readiness
from otai.runs.approval import RULE_CHANGED
from otai.serving.models import ModelEvent, Move
from otai.web.formats import credits, number
from otai.words.catalogue import ENGLISH, say_actor, say_fact
from otai.words.sentences import Fact

WordsByCode = Mapping[str, str | Promise]

SOURCES: WordsByCode = {
    "initial": _("Initial credits"),
    "monthly": _("Monthly credits"),
    "purchase": _("Bought credits"),
    "goodwill": _("Goodwill"),
    "guarantee": _("Guarantee"),
}

MOVEMENTS: WordsByCode = {
    "grant": _("Credits received"),
    "hold": _("Held for a training"),
    "capture": _("Spent on a training"),
    "release": _("Given back: nothing charged"),
    "credit_refund": _("Credits refunded"),
    "withdrawal": _("Credits withdrawn"),
}

DELIVERIES: WordsByCode = {Delivery.STANDARD: _("Standard"), Delivery.FAST: _("Fast")}

GATEWAYS: WordsByCode = {
    "bank_transfer": _("Invoice and bank transfer"),
    "stripe": _("Card, SEPA direct debit or wallet"),
}
PROVIDERS: WordsByCode = {"stripe": "Stripe"}
"""Whose pages they are; a name is the same in every language."""

METHODS: WordsByCode = {"sepa_debit": _("SEPA direct debit"), "card": _("Card"), "link": "Link", "paypal": "PayPal"}

MOVES: WordsByCode = {
    Move.LIVE: _("answers from now on"),
    Move.BACK: _("answers again"),
    Move.WAITS: _("waits for a decision"),
}
"""What happened to a model in use."""

INVOICES: WordsByCode = {"invoice": _("Invoice"), "credit_note": _("Credit note")}

DOCUMENT_STATES: WordsByCode = {
    "open": _("To be paid"),
    "paid": _("Paid"),
    "cancelled": _("Cancelled"),
    "refunded": _("Refunded"),
}


def delivery_words(delivery: str) -> str:
    """A delivery by its code, in the reader's language. Raises ValueError for none of the price book's."""
    return str(DELIVERIES[Delivery(delivery)])


def move_words(event: ModelEvent) -> str:
    """`answers from now on`, `keeps tickets for 30 days`."""
    if "days" in event.details:
        days = event.details["days"]
        return ngettext("keeps tickets for %(days)s day", "keeps tickets for %(days)s days", days) % {"days": days}
    return str(MOVES[event.what])


def who_words(who: str) -> str:
    """A person's mail address, a program by its key, an account on the machine, or which part of the Studio did it."""
    return say_actor(who, language=get_language() or ENGLISH)


def fact_words(fact: Fact | Mapping[str, Any] | str | None) -> str:
    """A fact in the reader's language; what a person wrote, or an earlier release stored, as it is."""
    if fact is None or isinstance(fact, str):
        return fact or ""
    return say_fact(fact, language=get_language() or ENGLISH)


SAID_BY_ITS_NAME = frozenset(
    {
        *("moved_why.initial", "moved_why.monthly", "moved_why.bought", "moved_why.payment_stays"),
        *("moved_why.ordered", "moved_why.settled", "moved_why.unsettled", "moved_why.run_completed"),
        *("moved_why.run_failed_system", "moved_why.run_failed_input", "moved_why.run_cancelled"),
        *("moved_why.business_answers", "moved_why.business_price"),
    }
)
"""Why credits moved where the movement's name and its training say as much on a page."""


def why_moved(line: StatementLine) -> str:
    """What brought a movement about, in the reader's language, where its name does not say it; what a person wrote as
    it is."""
    if isinstance(line.why, str):
        return line.why
    return "" if line.why.code in SAID_BY_ITS_NAME else fact_words(line.why)


def package_title(offer: PackageOffer) -> str:
    """The package's name in the reader's language."""
    return ngettext("%(credits)s-credit package", "%(credits)s-credit package", offer.credits) % {
        "credits": offer.credits
    }


def purchase_title(purchase: Purchase) -> str:
    """What was bought, in the reader's language."""
    if purchase.kind == PurchaseKind.SUBSCRIPTION:
        return period_title(Tier(purchase.tier), Term(purchase.term))
    return ngettext("%(credits)s-credit package", "%(credits)s-credit package", purchase.credits) % {
        "credits": purchase.credits
    }


def period_title(tier: Tier, term: Term) -> str:
    """`Pro, one month` or `Pro, one year`, in the reader's language."""
    title = _now("%(tier)s, one year") if term is Term.YEAR else _now("%(tier)s, one month")
    return title % {"tier": tier.title}


def method_title(method: PaymentMethod) -> str:
    """`Visa •••• 4242, 12/2030`; `SEPA direct debit •••• 3000`."""
    name = method.brand.title() if method.kind == "card" and method.brand else METHODS.get(method.kind, method.kind)
    title = f"{name} •••• {method.last_four}" if method.last_four else str(name)
    if method.expires_year and method.expires_month:
        title += f", {method.expires_month:02}/{method.expires_year}"
    return title


def vat_words(vat: Vat) -> str:
    """How the sale is taxed, in the reader's language."""
    match vat.treatment:
        case VatTreatment.REVERSE_CHARGE:
            return _now("No VAT is added: reverse charge, the buyer owes it")
        case VatTreatment.OUTSIDE:
            return _now("No VAT is added outside the European Union's VAT territory")
        case VatTreatment.SMALL_BUSINESS:
            return _now("No VAT is added: the seller is a small business")
        case _:
            return _now("%(rate)s\u00a0%% VAT (%(country)s)") % {"rate": vat_rate(vat.permille), "country": vat.country}


def vat_rate(permille: int) -> str:
    """`19` or `25,5`, as the language writes it."""
    return number(Decimal(permille) / 10, 0 if permille % 10 == 0 else 1)


def promise_words(promise: DeliveryPromise) -> str:
    """The delivery promise, in the reader's language."""
    if promise.within is None:
        return _now("the same day")
    hours = int(promise.within.total_seconds() // 3600)
    return ngettext("within %(hours)s hour", "within %(hours)s hours", hours) % {"hours": hours}


def band_words(first: int, last: int) -> str:
    """The band's range, in the reader's language."""
    return _now("%(first)s to %(last)s attributes") % {"first": first, "last": last}


def tier_modes(book: PriceBook, tier: Tier) -> str:
    """`Basic and Business`: those of the tier that can be trained here."""
    return modes_words(readiness.trainable(book.tiers[tier].modes))


def modes_words(modes: Sequence[Mode]) -> str:
    """`Basic and Business`."""
    names = [mode.title for mode in modes]
    if len(names) < 2:
        return "".join(names)
    return _now("%(several)s and %(last)s") % {"several": ", ".join(names[:-1]), "last": names[-1]}


def change_words(event: TeamEvent) -> str:
    """Which limit, or whose approval, was changed from what to what."""
    before, after = (_amount(event.details.get(name)) for name in ("before", "after"))
    if event.what == RULE_CHANGED:
        what = _now("Approval of orders: from %(before)s to %(after)s")
    elif event.subject:
        what = _now("Limit of %(member)s: from %(before)s to %(after)s")
    else:
        what = _now("Limit for everybody else: from %(before)s to %(after)s")
    return what % {"member": event.subject, "before": before, "after": after}


def _amount(found: Any) -> str:
    if found is None:
        return _now("none")
    if isinstance(found, dict):
        above = credits(found["above_credits"])
        days = found["days"]
        said = ngettext("above %(credits)s, for %(days)s day", "above %(credits)s, for %(days)s days", days)
        return said % {"credits": above, "days": days}
    return credits(found)
