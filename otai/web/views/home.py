"""Home: what happens now, what would help, and where credits went. One glance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from otai.billing import queries as billing
from otai.db import utc_now
from otai.ledger import queries as ledger
from otai.ledger.models import LotSource
from otai.orgs.models import Organisation
from otai.orgs.permissions import Action
from otai.pricing.price_book import Delivery, Mode
from otai.pricing.quote import price
from otai.runs import queries as runs
from otai.serving import advice as serving_advice
from otai.serving import queries as serving
from otai.serving.models import Advice, AdviceStatus, ModelVersion
from otai.tickets import queries as tickets
from otai.tickets.models import DataSet
from otai.web.access import MemberRequest, page
from otai.web.charts import Columns, stacked_columns
from otai.web.formats import credits, number
from otai.words import advice as words_of_advice
from otai.words.catalogue import ENGLISH

runs_shown = 5
models_shown = 4
attributes_shown = 3
advice_shown = 4
weeks_shown = 13


@require_safe
@page(Action.VIEW)
def home(request: MemberRequest) -> HttpResponse:
    """The first time there is nothing to show: then it is three steps to the first model."""
    organisation, now = request.organisation, utc_now()
    newest = tickets.newest_data_set(organisation)
    context = {
        "greeting": greeting(now.astimezone(organisation.zone).time()),
        "name": request.user.first_name or request.user.email.partition("@")[0],
        **happening(organisation),
    }
    if newest is None and not context["models"] and not context["runs"]:
        return render(request, "web/first_run.html", context | first_steps(organisation))
    history = credit_history(organisation, now=now)
    context |= {
        "advice": advice_for(organisation, newest, context["models"]),
        "history": history,
        "may_train": request.member.may(Action.TRAIN),
        "may_buy": request.member.may(Action.BUY),
    }
    return render(request, "web/home.html", context)


@require_safe
@page(Action.VIEW)
def happening_now(request: MemberRequest) -> HttpResponse:
    """The part of Home that lives: htmx asks for it while something is being trained."""
    return render(request, "web/home_now.html", happening(request.organisation) | {"is_part": True})


def greeting(at: time) -> str:
    """By the time of day where the organisation is."""
    if at.hour < 11:
        return _("Good morning")
    return _("Good afternoon") if at.hour < 18 else _("Good evening")


def happening(organisation: Organisation) -> dict[str, Any]:
    """What goes on: runs under way and models in use, a few of each."""
    return {
        "runs": list(runs.unfinished(organisation)[:runs_shown]),
        "models": [ModelShown.of(version) for version in serving.answering_versions(organisation, models_shown)],
    }


@dataclass(frozen=True, slots=True)
class ModelShown:
    """The newest version of a model, with how often it is right."""

    version: ModelVersion
    right: list[tuple[str, float]]

    @property
    def is_live(self) -> bool:
        """Whether it is the one that answers."""
        return bool(getattr(self.version.model, "live_id", None) == self.version.id)

    @classmethod
    def of(cls, version: ModelVersion) -> ModelShown:
        """The version with the accuracy of its first attributes."""
        attributes = (version.run.report_card or {}).get("attributes", [])[:attributes_shown]
        return cls(version, [(each["name"], each["accuracy"]["value"]) for each in attributes])


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something that would help, from the customer's own data, and where to do it."""

    text: str
    action: str
    address: str


def advice_for(organisation: Organisation, newest: DataSet | None, models: list[ModelShown]) -> list[Suggestion]:
    """What would help next, the most pressing first."""
    language = get_language() or ENGLISH
    open_ones = serving_advice.all_advice(organisation).filter(status=AdviceStatus.OPEN)
    suggestions = [
        Suggestion(
            " ".join(
                filter(
                    None,
                    [
                        f"{one.version}:",
                        words_of_advice.title(one, data_set=str(one.data_set or ""), language=language),
                        words_of_advice.gain(one, language=language),
                    ],
                )
            ),
            _look_at(one),
            reverse("web:model", args=[organisation.slug, one.version.model_id]),
        )
        for one in open_ones.select_related("version__model")[:advice_shown]
    ]
    train = _address("web:train", organisation)
    # What a newer version of tickets adds is for the advice to say, which compares them.
    if train and newest and not models:
        costs = price(billing.price_book(), mode=Mode.BASIC, delivery=Delivery.STANDARD, attributes=1).credits
        text = ngettext(
            "%(tickets)s ticket is ready, and no model has learnt from it yet.",
            "%(tickets)s tickets are ready, and no model has learnt from them yet.",
            newest.tickets,
        ) % {"tickets": number(newest.tickets)}
        suggestions.append(Suggestion(text, _("Train from %(credits)s") % {"credits": credits(costs)}, train))
    return suggestions


def _look_at(one: Advice) -> str:
    if serving_advice.has_tickets_first(one.evidence):
        return _("Look at it")
    return _("Look at it: %(credits)s") % {"credits": credits(one.credits)} if one.credits else _("Look at it: free")


def _address(page_name: str, organisation: Organisation) -> str:
    try:
        return reverse(page_name, args=[organisation.slug])
    except NoReverseMatch:
        return ""


def first_steps(organisation: Organisation) -> dict[str, Any]:
    """Sample tickets or an upload, then the first model: where to, and what it costs at the least."""
    book = billing.price_book()
    return {
        "tickets_page": _address("web:tickets", organisation),
        "train_page": _address("web:train", organisation),
        "costs": price(book, mode=Mode.BASIC, delivery=Delivery.STANDARD, attributes=1).credits,
        "promise": book.promises[Mode.BASIC, Delivery.FAST],
    }


@dataclass(frozen=True, slots=True)
class Week:
    """What came in and went out in seven days of the organisation's calendar."""

    first: date
    last: date
    included: int
    bought: int
    spent: int


@dataclass(frozen=True, slots=True)
class History:
    weeks: list[Week]
    drawing: Columns
    included: int
    bought: int
    spent: int

    @property
    def columns(self) -> list[tuple[Week, tuple[int, Any]]]:
        """The weeks with their columns in the drawing."""
        return list(zip(self.weeks, self.drawing.columns, strict=True))


def credit_history(organisation: Organisation, *, now: datetime) -> History:
    """The last 13 weeks, ending today: three queries, however many transfers there were."""
    zone = organisation.zone
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    edges = [tomorrow - timedelta(days=7 * back) for back in range(weeks_shown, -1, -1)]
    moments = [datetime.combine(edge, time.min, tzinfo=zone) for edge in edges]
    spent = [balance.spent for balance in ledger.balances_at(organisation.id, [*moments[:-1], max(now, moments[-2])])]
    included, bought = [0] * weeks_shown, [0] * weeks_shown
    for at, source, granted in ledger.granted_since(organisation.id, moments[0]):
        week = min(weeks_shown - 1, (at.astimezone(zone).date() - edges[0]).days // 7)
        (bought if source == LotSource.PURCHASE else included)[week] += granted
    weeks = [
        # A credit refund can give back more than a week spends; the week then counts as none.
        Week(edges[n], edges[n + 1] - timedelta(days=1), included[n], bought[n], max(0, spent[n + 1] - spent[n]))
        for n in range(weeks_shown)
    ]
    drawing = stacked_columns([(week.included, week.bought) for week in weeks], [(week.spent,) for week in weeks])
    return History(
        weeks,
        drawing,
        sum(week.included for week in weeks),
        sum(week.bought for week in weeks),
        sum(week.spent for week in weeks),
    )
