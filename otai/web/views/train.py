"""Train: tickets, attributes, and one matrix of modes and deliveries, with the price and the balance after it always in
view.

The address holds every choice: the page can be reloaded, sent to a colleague, and come back to from the credits page.
The order is sent with what the button said, and with a key, so that sending it twice orders once.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from otai.billing import queries as billing
from otai.billing.operations.orders import EqualOrder
from otai.db import utc_now
from otai.errors import Invalid, NotFound, OtaiError
from otai.jobs import operations as jobs
from otai.learning.evidence.expectation import Expectation, ModeExpectation
from otai.learning.finding import Finding
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.orgs.permissions import Action
from otai.pricing import quote as pricing
from otai.pricing.price_book import Delivery, Mode, PriceBook, Tier
from otai.runs import approval, expectations, operations, readiness, spending
from otai.runs import queries as runs
from otai.runs.forecast import Expected as Times
from otai.runs.models import Quote, Reason, Run
from otai.runs.operations import InsufficientCredits
from otai.serving import queries as serving
from otai.tickets import expected_quality
from otai.tickets import jobs as tickets_jobs
from otai.tickets import queries as tickets
from otai.tickets.columns import ColumnRoles, said
from otai.tickets.models import DataSet
from otai.web.access import MemberRequest, page
from otai.web.refusals import in_words
from otai.web.views import equal_orders
from otai.web.words import delivery_words
from otai.words.catalogue import ENGLISH, say_fact

REASONS: dict[str, str | Promise] = {
    Reason.NEW_MODEL: gettext_lazy("A new model"),
    Reason.LABELS_CHANGED: gettext_lazy("Labels were added, removed or renamed"),
    Reason.DRIFT: gettext_lazy("Tickets have changed"),
    Reason.NEW_LANGUAGE: gettext_lazy("Tickets in a new language"),
}

MODE_WORDS: dict[Mode, str | Promise] = {
    Mode.BASIC: gettext_lazy("a first working model"),
    Mode.BUSINESS: gettext_lazy("reads meaning, ready for production"),
    Mode.MAXIMUM: gettext_lazy("the strongest set-up"),
}


@dataclass(frozen=True, slots=True)
class AttributeChoice:
    """An attribute of the data set: what the person sees before choosing it."""

    name: str
    labels: int
    rare: int
    missing: int
    learnable: bool
    chosen: bool
    proposed: bool
    why: str
    """Why it was taken for an attribute, and proposed or not, in the reader's language."""


@dataclass(slots=True)
class Choices:
    """What the address says, made fit for these tickets: unknown values fall back to the first sensible one."""

    data_set: DataSet | None
    attributes: list[AttributeChoice] = field(default_factory=list)
    mode: Mode = Mode.BASIC
    delivery: Delivery = Delivery.STANDARD
    model: str = ""
    reason: str = Reason.NEW_MODEL

    @property
    def names(self) -> list[str]:
        """The attributes that are chosen."""
        return [attribute.name for attribute in self.attributes if attribute.chosen]

    @property
    def proposed(self) -> list[AttributeChoice]:
        """The attributes that are ticked when the page opens."""
        return [attribute for attribute in self.attributes if attribute.proposed]

    @property
    def further(self) -> list[AttributeChoice]:
        """Kept by the import without proposing them: they say little about where a ticket goes."""
        return [attribute for attribute in self.attributes if not attribute.proposed]

    @property
    def address(self) -> str:
        """The choices as a query."""
        assert self.data_set is not None
        return urlencode(
            [
                ("data_set", str(self.data_set.id)),
                ("chosen", "1"),
                *(("attribute", name) for name in self.names),
                ("choice", f"{self.mode.value}-{self.delivery.value}"),
                ("model", self.model),
                ("reason", self.reason),
            ]
        )


def read_choices(organisation: Organisation, data: QueryDict, *, tier: Tier, book: PriceBook) -> Choices:
    """Raises NotFound for a data set that is named and not the organisation's."""
    newest = sorted(
        tickets.data_sets(organisation, newest_only=True).defer("profile", "roles"),
        key=lambda found: found.imported_at,
        reverse=True,
    )
    if asked := data.get("data_set"):
        try:
            data_set: DataSet | None = tickets.data_set_with_id(organisation, UUID(asked))
        except ValueError:
            raise NotFound("data_set") from None
    else:
        data_set = newest[0] if newest else None
    if data_set is None:
        return Choices(None)
    choices = Choices(data_set)
    before = _tickets_before(organisation, data)
    choices.attributes = _offered(data_set, _picked(data, data_set, before))
    mode, _dash, delivery = data.get("choice", "").partition("-")
    if mode in tuple(Mode) and delivery in tuple(Delivery):
        choices.mode, choices.delivery = Mode(mode), Delivery(delivery)
    if choices.mode not in book.tiers[tier].modes or not readiness.is_installed(choices.mode):
        choices.mode = Mode.BASIC
    choices.model = data.get("model", "").strip()
    came_by_itself = before is not None and choices.model == model_name_for(before.name)
    if not choices.model or came_by_itself:
        choices.model = model_name_for(data_set.name)
    choices.reason = data.get("reason", "")
    if choices.reason not in REASONS or before is not None:
        choices.reason = Reason.DRIFT if choices.model in trained_models(organisation) else Reason.NEW_MODEL
    return choices


def _tickets_before(organisation: Organisation, data: QueryDict) -> DataSet | None:
    """The data set that the page showed when another one was chosen on it; None where it is the same."""
    shown = data.get("of", "")
    if shown in ("", data.get("data_set")):
        return None
    try:
        return tickets.data_set_with_id(organisation, UUID(shown))
    except (ValueError, NotFound):
        return None


def _picked(data: QueryDict, data_set: DataSet, before: DataSet | None) -> set[str] | None:
    """The attributes that were picked; None: those that are proposed, as for tickets of another name."""
    if "pick" in data:
        wanted = data["pick"] == "all"
        return {one.name for one in tickets.profile(data_set).attributes} if wanted else set()
    if "chosen" not in data or (before is not None and before.name != data_set.name):
        return None
    return set(data.getlist("attribute"))


def _offered(data_set: DataSet, picked: set[str] | None) -> list[AttributeChoice]:
    """The attributes of the tickets, those chosen that are `picked`; None: those that are proposed."""
    proposed, kept = set(tickets.proposed_attributes(data_set)), tickets.not_proposed(data_set)
    language = get_language() or ENGLISH
    reasons = {one.name: one.reason for one in ColumnRoles.from_dict(data_set.roles).attributes}
    return [
        AttributeChoice(
            found.name,
            found.label_count,
            rare=found.rare_labels,
            missing=found.missing,
            learnable=found.is_learnable,
            chosen=found.is_learnable and found.name in (proposed if picked is None else picked),
            proposed=found.name in proposed or found.name not in kept,
            why=said(reasons.get(found.name, ""), language=language),
        )
        for found in tickets.profile(data_set).attributes
    ]


def trained_models(organisation: Organisation) -> list[str]:
    """Names of the models that completed runs made."""
    return serving.model_names(organisation)


def model_name_for(data_set: str) -> str:
    """The data set's name as a model may be called: letters without marks, no slashes."""
    plain = unicodedata.normalize("NFKD", data_set).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9 ._-]+", "-", plain).strip(" ._-")[:100]
    return name or "model"


@dataclass(frozen=True, slots=True)
class Cell:
    """One mode in one delivery. `why_not` says why it cannot be ordered; empty when it can. `left`: the balance after
    it, below zero where credits are missing. `is_sold`: it can be trained here at all. `is_no_dearer`: Fast, at the
    price of Standard."""

    offer: pricing.Offer
    chosen: bool
    why_not: str
    left: int
    is_sold: bool
    is_no_dearer: bool

    @property
    def value(self) -> str:
        """What the form sends for this cell: mode-delivery."""
        return f"{self.offer.price.mode.value}-{self.offer.price.delivery.value}"

    @property
    def missing(self) -> int:
        """How many credits it costs more than there are."""
        return max(0, -self.left)


def cells_of(
    offers: Sequence[pricing.Offer], choices: Choices, *, tier: Tier, available: int, here: Collection[Mode]
) -> list[tuple[Delivery, list[Cell]]]:
    """The matrix: a row for each delivery, a cell for each mode. `here`: the modes that can be trained here."""
    standard = {one.price.mode: one.credits for one in offers if one.price.delivery is Delivery.STANDARD}

    def cell(offer: pricing.Offer) -> Cell:
        mode, delivery = offer.price.mode, offer.price.delivery
        return Cell(
            offer,
            chosen=mode is choices.mode and delivery is choices.delivery,
            why_not=_not_in_tier(offer, tier) if mode in here else _("Not installed here"),
            left=available - offer.credits,
            is_sold=mode in here,
            is_no_dearer=delivery is Delivery.FAST and offer.credits == standard[mode],
        )

    return [(row, [cell(one) for one in offers if one.price.delivery is row]) for row in Delivery]


@dataclass(frozen=True, slots=True)
class ModeColumn:
    """A mode, and what is expected of it by attribute. No entries: unknown."""

    mode: Mode
    words: str | Promise
    is_sold: bool
    expected: list[tuple[str, ModeExpectation]]
    unknown: list[str]

    @property
    def low(self) -> float:
        """The lowest accuracy that is expected of a chosen attribute."""
        return min(one.accuracy.value for _name, one in self.expected)

    @property
    def high(self) -> float:
        """The highest accuracy that is expected of a chosen attribute."""
        return max(one.accuracy.value for _name, one in self.expected)


def columns_of(choices: Choices, found: Mapping[str, Expectation] | None) -> list[ModeColumn]:
    """A column for each mode with what is expected of the chosen attributes."""
    columns, here = [], readiness.trainable(tuple(Mode))
    for mode in Mode:
        known: list[tuple[str, ModeExpectation]] = []
        unknown = []
        for name in choices.names if found is not None else []:
            one = found[name].modes.get(mode.value) if found and name in found else None
            if one is None:
                unknown.append(name)
            else:
                known.append((name, one))
        columns.append(ModeColumn(mode, MODE_WORDS[mode], mode in here, known, unknown))
    return columns


@require_safe
@page(Action.TRAIN)
def train(request: MemberRequest) -> HttpResponse:
    """The page on which a training is chosen and priced."""
    if "data_set" not in request.GET and (like := request.GET.get("like", "")).isdecimal():
        return _ask_for_other_tickets(request, runs.run(request.organisation, int(like[:18])))
    book = billing.price_book()
    tier = billing.tier_of(request.organisation)
    choices = read_choices(request.organisation, request.GET, tier=tier, book=book)
    if choices.data_set is None:
        return render(request, "web/train/nothing.html", {"may_upload": request.member.may(Action.UPLOAD_TICKETS)})
    return render(request, "web/train/page.html", context_of(request, choices, tier=tier, book=book, now=utc_now()))


def _ask_for_other_tickets(request: MemberRequest, run: Run) -> HttpResponse:
    """The tickets of `run` were deleted: which ones a training like it takes is the person's choice, never ours."""
    there = tickets.data_sets(request.organisation, newest_only=True).defer("profile", "roles")
    wanted = {attribute["name"] for attribute in run.attributes}
    kept = request.GET.copy()
    kept.pop("like")
    others = []
    for data_set in there.prefetch_related("attributes").order_by("-imported_at"):
        found = wanted & {attribute.name for attribute in data_set.attributes.all()}
        others.append((data_set, len(found), f"{urlencode({'data_set': data_set.id})}&{kept.urlencode()}"))
    context = {"run": run, "wanted": len(wanted), "others": others}
    return render(request, "web/train/others.html", context)


WAS_UNTRIED = "untried"
"""Said by a page that was made before its tickets were tried."""


@require_safe
@page(Action.TRAIN)
def quality(request: MemberRequest) -> HttpResponse:
    """The row of the matrix that says what quality to expect. It takes seconds the first time for a data set, so the
    page asks for it apart."""
    choices = read_choices(
        request.organisation, request.GET, tier=billing.tier_of(request.organisation), book=billing.price_book()
    )
    if choices.data_set is None:
        raise NotFound("data_set")
    expectations = expected_quality.stored(choices.data_set)
    is_at_work = is_trying_maximum = False
    if expectations is None:
        asked = tickets_jobs.ask_for_expected_quality(data_set=choices.data_set, who=request.user.email, now=utc_now())
        job = jobs.wait(asked, seconds=settings.OTAI_JOBS_WAIT_SECONDS)
        is_at_work = not job.has_ended
        # Where it came to nothing, nobody knows: that keeps nobody from training.
        expectations = expected_quality.stored(choices.data_set) or {}
    if choices.mode is Mode.MAXIMUM and expectations:
        trial = tickets_jobs.ask_for_maximum_trial(data_set=choices.data_set, who=request.user.email, now=utc_now())
        is_trying_maximum = trial is not None and not jobs.wait(trial, seconds=0).has_ended
        expectations = expected_quality.stored(choices.data_set) or {}
    context = {
        "columns": columns_of(choices, expectations),
        "is_tried": not is_at_work,
        "is_trying_maximum": is_trying_maximum,
        "is_at_work": is_at_work,
        # What nothing tells stands beside the attributes and the order, which the page made before it was known.
        "is_news": WAS_UNTRIED in request.GET and any(one.no_signal for one in expectations.values()),
        "choices": choices,
    }
    return render(request, "web/train/quality.html", context)


def _is_maximum_untried(choices: Choices) -> bool:
    assert choices.data_set is not None
    return choices.mode is Mode.MAXIMUM and expected_quality.is_maximum_untried(choices.data_set)


def _no_gain(choices: Choices) -> Finding | None:
    """That Maximum, which is chosen, is not expected to gain over Business; None where it is, or nobody knows."""
    if choices.data_set is None or choices.mode is not Mode.MAXIMUM:
        return None
    return expected_quality.no_gain_expected(choices.data_set, choices.names)


def context_of(
    request: MemberRequest, choices: Choices, *, tier: Tier, book: PriceBook, now: datetime
) -> dict[str, Any]:
    """What the page shows for these choices: prices, due times, expected quality, balance."""
    organisation = request.organisation
    assert choices.data_set is not None
    balance = ledger.balance(organisation.id)
    count = len(choices.names)
    too_many = count > book.most_attributes
    untold = expected_quality.warnings(choices.data_set, [one.name for one in choices.attributes])
    context: dict[str, Any] = {
        "choices": choices,
        "count": count,
        "too_many": too_many,
        "most": book.most_attributes,
        "data_sets": tickets.data_sets(organisation).order_by("name", "-version").defer("profile", "roles"),
        "tier": tier,
        "balance": balance,
        "reasons": REASONS,
        "models": trained_models(organisation),
        "may_buy": request.member.may(Action.BUY),
        "leaks": tickets.leaks(choices.data_set, choices.names),
        "personal": tickets.personal_labels(choices.data_set, choices.names),
        "may_cut": request.member.may(Action.UPLOAD_TICKETS) and tickets.is_newest(choices.data_set),
        "no_signal": [one for one in untold if one.attribute in choices.names],
        "untold": [one.attribute for one in untold],
        "untold_named": ", ".join(str(one.attribute) for one in untold if one.attribute in choices.names),
        "one_more": _one_more(book, choices),
        "approval": approval.rule(organisation),
        "may_still_order": spending.left_in_month(organisation, who=request.user.email, now=now),
    }
    if not count or too_many:
        return context
    offers = pricing.matrix(book, tier=tier, attributes=count, ordered_at=now, zone=organisation.zone)
    here = readiness.trainable(tuple(Mode))
    rows = cells_of(offers, choices, tier=tier, available=balance.available, here=here)
    known = expected_quality.stored(choices.data_set)
    chosen = next(cell.offer for _delivery, cells in rows for cell in cells if cell.chosen)
    credits = chosen.credits
    back = f"{reverse('web:train', args=[organisation.slug])}?{choices.address}"
    return context | {
        "rows": rows,
        "columns": columns_of(choices, known),
        "is_tried": known is not None,
        "is_trying_maximum": _is_maximum_untried(choices),
        "no_gain": _no_gain(choices),
        "offer": chosen,
        "band": pricing.band_for(book, count),
        "base": book.base_prices[choices.mode, choices.delivery].credits,
        "credits": credits,
        "left": balance.available - credits,
        "missing": max(0, credits - balance.available),
        "savings": [
            {"what": say_fact(one.fact, language=get_language() or ENGLISH), "saves": one.saves}
            for one in pricing.cheaper(book, chosen.price, tier=tier)
        ],
        "expected": _begins(organisation, choices, chosen, now=now),
        "button": _("Train %(mode)s, %(delivery)s")
        % {"mode": choices.mode.title, "delivery": delivery_words(choices.delivery)},
        "key": uuid4(),
        "buy": buying_address(organisation, credits - balance.available, back),
    }


def _one_more(book: PriceBook, choices: Choices) -> int | None:
    """What one more attribute adds to the price, in credits; None where there can be none."""
    count = len(choices.names)
    if count >= book.most_attributes:
        return None

    def credits(attributes: int) -> int:
        return pricing.price(book, mode=choices.mode, delivery=choices.delivery, attributes=attributes).credits

    return credits(count + 1) - (credits(count) if count else 0)


def _not_in_tier(offer: pricing.Offer, tier: Tier) -> str:
    if offer.available:
        return ""
    if offer.needs_tier is None:
        return _("In no tier at present")
    return _("Not in %(tier)s: needs %(needed)s") % {"tier": tier.title, "needed": offer.needs_tier.title}


def _begins(organisation: Organisation, choices: Choices, offer: pricing.Offer, *, now: datetime) -> Times | None:
    """When the chosen run would begin and be ready by the queue as it is now; None: no worker is there for it."""
    assert choices.data_set is not None
    as_if_quoted = Quote(
        organisation=organisation,
        data_set=choices.data_set,
        attributes=[{"name": name} for name in choices.names],
        mode=choices.mode.value,
        delivery=choices.delivery.value,
        due_at=offer.due_at,
    )
    return expectations.for_quote(as_if_quoted, now=now)


def buying_address(organisation: Organisation, missing: int, back: str) -> str:
    """The credits page, which offers the package that covers `missing` and leads back here."""
    query = urlencode({"need": max(missing, 1), "back": back})
    return f"{reverse('web:credits', args=[organisation.slug])}?{query}#packages"


@require_POST
@page(Action.TRAIN)
def order(request: MemberRequest) -> HttpResponse:
    """Orders what the button said. The same form sent twice leads to the same run."""
    organisation, now = request.organisation, utc_now()
    book = billing.price_book()
    tier = billing.tier_of(organisation)
    choices = read_choices(organisation, request.POST, tier=tier, book=book)
    page_address = f"{reverse('web:train', args=[organisation.slug])}"
    if choices.data_set is None:
        return redirect(page_address)
    back = f"{page_address}?{choices.address}"
    if f"{choices.mode.value}-{choices.delivery.value}" != request.POST.get("choice"):
        # The tier fell, or the mode went away, since the page was made: it shows what can be ordered now.
        messages.error(request, _("This mode cannot be ordered any more. Nothing was ordered."))
        return redirect(back)
    try:
        quote = operations.make_quote(
            organisation=organisation,
            data_set=choices.data_set,
            attributes=choices.names,
            mode=choices.mode,
            delivery=choices.delivery,
            model_name=choices.model,
            reason=Reason(choices.reason),
            now=now,
            key=_key_of(request, choices),
        )
        if str(quote.credits) != request.POST.get("credits"):
            messages.warning(request, _("The price has changed since the page was made. Nothing was ordered yet."))
            return redirect(back)
        if "knows_no_signal" not in request.POST:
            operations.refuse_no_signal(quote)
        run = operations.order_run(
            organisation=organisation,
            quote=quote.id,
            who=request.user.email,
            now=now,
            knows_no_gain="knows_no_gain" in request.POST,
            refuses_equal=not equal_orders.is_meant(request),
        )
    except EqualOrder as refused:
        return equal_orders.asked(request, refused)
    except InsufficientCredits as refused:
        messages.warning(request, _short_of(refused))
        buy = (
            buying_address(organisation, int(refused.details["missing"]), back)
            if request.member.may(Action.BUY)
            else ""
        )
        return HttpResponseRedirect(buy or back)
    except (Invalid, operations.QuoteExpired, operations.NoGainExpected, operations.NothingTells) as refused:
        messages.error(request, in_words(refused))
        return redirect(back)
    return redirect("web:run", slug=organisation.slug, number=run.number)


def _short_of(refused: OtaiError) -> str:
    missing = int(refused.details["missing"])
    return ngettext(
        "One credit is missing for this training. Your choices are kept.",
        "%(missing)s credits are missing for this training. Your choices are kept.",
        missing,
    ) % {"missing": missing}


def _key_of(request: MemberRequest, choices: Choices) -> UUID:
    """Of this form with these choices: the quote gets it as its id."""
    try:
        sent = UUID(request.POST.get("key", ""))
    except ValueError:
        sent = uuid4()
    return uuid5(sent, json.dumps([str(request.organisation.pk), choices.address, request.POST.get("credits")]))


def run_again_address(organisation: Organisation, run: Run, *, reason: Reason) -> str:
    """The Train page with the choices of `run`, on the newest version of its tickets. Where all of them were deleted it
    asks which others to take."""
    newest = tickets.data_sets(organisation).filter(name=run.data_set.name).order_by("-version").first()
    query = [
        ("data_set", str(newest.id)) if newest else ("like", str(run.number)),
        ("chosen", "1"),
        *(("attribute", attribute["name"]) for attribute in run.attributes),
        ("choice", f"{run.mode}-{run.delivery}"),
        ("model", run.model_name),
        ("reason", reason.value),
    ]
    return f"{reverse('web:train', args=[organisation.slug])}?{urlencode(query)}"
