"""Credits: what there is, what is in flight, where it came from, how long it lasts, and every movement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from otai.billing import packages as packages_of
from otai.billing import queries as billing
from otai.billing.document_lists import signed
from otai.billing.outlook import Outlook, days_looked_back, outlook
from otai.billing.seller import seller
from otai.db import utc_now
from otai.ledger import queries as ledger
from otai.ledger.proof import statement_proof
from otai.ledger.queries import Balance, StatementLine
from otai.ledger.references import ReferredTo
from otai.orgs.models import Organisation
from otai.orgs.permissions import Action
from otai.pricing.price_book import Delivery, Mode, PriceBook, Tier
from otai.pricing.quote import price
from otai.runs import operations as runs_operations
from otai.runs import queries as runs
from otai.runs import readiness
from otai.runs.models import Run
from otai.runs.status import RunStatus
from otai.units import Money
from otai.web import words
from otai.web.access import MemberRequest, local_path, page
from otai.web.forms import LedgerFilter
from otai.words.catalogue import ENGLISH

lines_on_a_page = 50
trainings_shown = 8
lots_shown = 12
invoices_shown = 6


@require_safe
@page(Action.VIEW)
def credits(request: MemberRequest) -> HttpResponse:
    """The balance, what comes next, the latest movements, and what can be bought."""
    organisation, now = request.organisation, utc_now()
    book = billing.price_book()
    subscription = billing.subscription_of(organisation)
    balance = ledger.balance(organisation.id)
    latest = list(runs.recent(organisation, trainings_shown))
    sources = ledger.totals_by_source(organisation.id)
    context = {
        "balance": balance,
        "whole": max(1, balance.available + balance.held + balance.spent),
        "held_end": balance.available + balance.held,
        "reach": reach(book, Tier(subscription.tier), balance.available),
        "subscription": subscription,
        "terms": book.tiers[Tier(subscription.tier)],
        "tier_title": Tier(subscription.tier).title,
        "pace": pace_of(organisation, balance, monthly=book.tiers[Tier(subscription.tier)].monthly_credits, now=now),
        "in_flight": list(runs.unfinished(organisation)[:trainings_shown]),
        "trainings": [run for run in latest if run.has_ended],
        "sources": [(words.SOURCES.get(total.source, total.source), total) for total in sources],
        "has_withdrawn": any(total.withdrawn for total in sources),
        "lots": [
            (words.SOURCES.get(lot.source, lot.what), lot)
            for lot in ledger.lots(organisation.id, open_only=True)[:lots_shown]
        ],
        "offers": offers_of(organisation, need=_need(request), now=now),
        "need": _need(request),
        "back": local_path(request, request.GET.get("back", "")),
        "open_purchases": billing.purchases_to_pay(organisation),
        "invoices": [
            (words.INVOICES.get(invoice.kind, invoice.kind), invoice, signed(invoice, invoice.gross_cents))
            for invoice in billing.invoices(organisation)[:invoices_shown]
        ],
        "lines": read_lines(organisation, ledger.statement(organisation.id, newest_first=True, limit=10)),
        "may_buy": request.member.may(Action.BUY),
        "adds_no_vat": seller().small_business,
    }
    return render(request, "web/credits/credits.html", context)


@dataclass(frozen=True, slots=True)
class Reach:
    """What the credits are enough for: so many trainings of the best mode that the tier includes and that can be
    trained here."""

    trainings: int
    mode: str
    credits: int
    band: str


def reach(book: PriceBook, tier: Tier, available: int) -> Reach:
    """Counted in the tier's best mode, Standard, with the standard set of attributes that base prices assume."""
    mode = (readiness.trainable(book.tiers[tier].modes) or (Mode.BASIC,))[-1]
    band = next((band for band in book.bands if band.multiplier == 1), book.bands[0])
    costs = price(book, mode=mode, delivery=Delivery.STANDARD, attributes=band.first).credits
    return Reach(available // costs, mode.title, costs, words.band_words(band.first, band.last))


def pace_of(organisation: Organisation, balance: Balance, *, monthly: int, now: datetime) -> Outlook:
    """How long the credits last: what was spent or is held, against what there was before."""
    since = max(organisation.created_at, now - timedelta(days=days_looked_back))
    [before] = ledger.balances_at(organisation.id, [since])
    days = (now - since).days
    return outlook(
        available=balance.available,
        spent=max(0, balance.spent + balance.held - before.spent),
        days=days,
        monthly_credits=monthly,
        today=now.astimezone(organisation.zone).date(),
    )


@dataclass(frozen=True, slots=True)
class OfferShown:
    """A package as a card: what a credit costs in it, and what is saved against the dearest."""

    title: str
    offer: packages_of.PackageOffer
    cents_per_credit: Fraction
    saving_percent: int
    is_fitting: bool

    @property
    def each(self) -> Money:
        """The price of one credit, cents cut off."""
        return Money(int(self.cents_per_credit), self.offer.price.currency)


def _need(request: MemberRequest) -> int:
    """How many credits a training lacked that sent the buyer here; 0 if none did."""
    given = request.GET.get("need", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 7 else 0


def offers_of(organisation: Organisation, *, need: int = 0, now: datetime) -> list[OfferShown]:
    """The packages; the cheapest that covers what is lacking is marked."""
    offers = packages_of.packages_for(organisation, now=now)
    covering = [offer for offer in offers if offer.credits >= need]
    fitting = min(covering, key=lambda offer: offer.price.cents) if need and covering else None
    dearest = max(offer.cents_per_credit for offer in offers)
    return [
        OfferShown(
            words.package_title(offer),
            offer,
            offer.cents_per_credit,
            int((1 - offer.cents_per_credit / dearest) * 100),
            offer is fitting,
        )
        for offer in offers
    ]


@dataclass(frozen=True, slots=True)
class LineShown:
    """A movement as a row: its name, what it was for, and whether it shows that nothing was charged."""

    line: StatementLine
    what: Any
    run: Run | None
    order: str
    """The reference of the order that it is about; empty where it is about none."""
    note: str

    @property
    def is_given_back(self) -> bool:
        """Whether credits came back from a hold."""
        return self.line.kind == "release"


def read_lines(organisation: Organisation, lines: list[StatementLine]) -> list[LineShown]:
    """Rows in words; the runs that they are about come with one query."""
    about = [line.about for line in lines]
    ids = {at.id for at in about if at and at.to is ReferredTo.RUN and at.id}
    known = {run.id: run for run in runs.with_ids(organisation, ids)} if ids else {}
    shown = []
    for line, at in zip(lines, about, strict=True):
        run = known.get(at.id) if at and at.to is ReferredTo.RUN and at.id else None
        what = words.SOURCES.get(line.source, line.what) if line.kind == "grant" else words.MOVEMENTS[line.kind]
        order = at.name if at and at.to is ReferredTo.PURCHASE else ""
        shown.append(LineShown(line, what, run, order, words.why_moved(line)))
    return shown


@require_safe
@page(Action.VIEW)
def movements(request: MemberRequest) -> HttpResponse:
    """The whole ledger: filtered, searched, in pages. `before` and `after` are places in the chain, so pages never
    shift."""
    organisation = request.organisation
    form = LedgerFilter(request.GET)
    asked = form.given()
    text, kind = asked.get("q", "").strip(), asked.get("kind", "")
    narrowed = _narrowed(organisation, text=text, kind=kind)
    before, after = asked.get("before"), asked.get("after")
    if after is not None:
        lines = ledger.statement(organisation.id, after=after, limit=lines_on_a_page + 1, **narrowed)
        has_newer, has_older = len(lines) > lines_on_a_page, True
        lines = lines[:lines_on_a_page][::-1]
    else:
        lines = ledger.statement(
            organisation.id, before=before, newest_first=True, limit=lines_on_a_page + 1, **narrowed
        )
        has_newer, has_older = before is not None, len(lines) > lines_on_a_page
        lines = lines[:lines_on_a_page]
    kept = {name: value for name, value in (("q", text), ("kind", kind)) if value}
    part = request.headers.get("HX-Request") == "true" and not request.headers.get("HX-History-Restore-Request")
    download = reverse("web:ledger_csv", args=[organisation.slug])
    context = {
        "lines": read_lines(organisation, lines),
        "q": text,
        "kind": kind,
        "kinds": words.MOVEMENTS.items(),
        "newer": "?" + urlencode(kept | {"after": lines[0].seq}) if lines and has_newer else "",
        "older": "?" + urlencode(kept | {"before": lines[-1].seq}) if lines and has_older else "",
        "is_narrowed": bool(kept),
        "is_part": part,
        "download": f"{download}?{urlencode(kept)}" if kept else download,
        "chain": ledger.chain_end(organisation.id),
    }
    return render(request, "web/credits/ledger_rows.html" if part else "web/credits/ledger.html", context)


def _narrowed(organisation: Organisation, *, text: str, kind: str) -> dict[str, Any]:
    """What the ledger is asked for: the page and the file to download show the same movements."""
    narrowed: dict[str, Any] = {"kinds": [kind] if kind else None}
    number = _run_number(text)
    if run := runs.with_number(organisation, number) if number else None:
        narrowed["reference"] = runs_operations.hold_reference(run.id)
    elif text:
        narrowed["text"] = ledger.TextSearch(text, get_language() or ENGLISH)
    return narrowed


def _run_number(text: str) -> int | None:
    """`12`, `run 12`, `#12`: people look for a training by its number."""
    word = text.lower().removeprefix(_("training").lower()).removeprefix("run").strip().removeprefix("#")
    return int(word) if word.isascii() and word.isdigit() and len(word) < 9 else None


@require_safe
@page(Action.VIEW, downloads=True)
def movements_csv(request: MemberRequest) -> StreamingHttpResponse:
    """The movements that the page would show on all of its pages, for a spreadsheet. The ledger makes cells harmless
    that it would run as formulas."""
    organisation = request.organisation
    asked = LedgerFilter(request.GET).given()
    narrowed = _narrowed(organisation, text=asked.get("q", "").strip(), kind=asked.get("kind", ""))
    lines = ledger.statement_csv(organisation.id, **narrowed, language=get_language() or ENGLISH)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    day = utc_now().astimezone(organisation.zone).date()
    response["Content-Disposition"] = f'attachment; filename="credits-{organisation.slug}-{day}.csv"'
    return response


@require_safe
@page(Action.VIEW, downloads=True)
def statement_to_check(request: MemberRequest) -> HttpResponse:
    """The whole statement as `otai ledger verify` checks it: every movement as it was chained."""
    organisation = request.organisation
    response = HttpResponse(statement_proof(organisation.id, now=utc_now()), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="statement-{organisation.slug}.json"'
    return response


def is_free_of_charge(run: Run) -> bool:
    """Whether the run ended without costing anything."""
    return run.has_ended and run.status != RunStatus.COMPLETED
