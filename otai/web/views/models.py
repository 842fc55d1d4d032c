"""Models: which version is live and how good it is, two versions beside each other, trying one, taking it away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from otai.db import utc_now
from otai.errors import NotFound
from otai.learning.estimate import Estimate
from otai.learning.evidence.card_answer import answer_of
from otai.learning.evidence.report_card import ReportCard
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.orgs.permissions import Action
from otai.pricing.price_book import Mode
from otai.serving import advice, deletion, feedback, queries
from otai.serving import jobs as serving_jobs
from otai.serving import versions as serving_versions
from otai.serving.models import ModelVersion, TrainedModel
from otai.serving.operations import register_completed_runs
from otai.web import formats
from otai.web.access import MemberRequest, page
from otai.web.job_waiting import waited
from otai.web.lists import first_of
from otai.web.views.advice import advice_for
from otai.web.views.jobs import working
from otai.web.views.report_card import card_of, summaries, suspected
from otai.web.views.runs import predictions

models_shown, versions_shown, events_shown = 100, 20, 30
"""The newest; a page stays quick after years of training."""

longest_text = 20_000
"""Characters of a try-it text; a ticket of any helpdesk fits several times."""


@dataclass(frozen=True, slots=True)
class NamedModel:
    model: TrainedModel
    live: ModelVersion
    versions: int
    first: Any
    attributes: list[str]


@require_safe
@page(Action.VIEW)
def models(request: MemberRequest) -> HttpResponse:
    """The organisation's models with the version in use."""
    register_completed_runs(now=utc_now(), organisation=request.organisation, among_newest=100)
    named = []
    counted = queries.versions_counted(request.organisation)
    for live in queries.answering_versions(request.organisation, models_shown):
        if live.run.report_card:
            # Only the first attribute is shown here, and to read a whole card takes some milliseconds.
            live.run.report_card |= {"attributes": live.run.report_card["attributes"][:1]}
        card = card_of(live.run)
        rows = summaries(card, earlier=[]) if card else []
        names = [one["name"] for one in live.run.attributes]
        named.append(NamedModel(live.model, live, counted[live.model_id], rows[0] if rows else None, names))
    return render(request, "web/models/list.html", {"models": named, "may_train": request.member.may(Action.TRAIN)})


def live_of(model: TrainedModel, versions: list[ModelVersion]) -> ModelVersion:
    """The version that answers; the newest where none was made live yet."""
    return next((version for version in versions if version.id == model.live_id), versions[0])


def _model(organisation: Organisation, id: UUID) -> tuple[TrainedModel, list[ModelVersion]]:
    """The model and its newest versions, newest first, the live one among them. Raises NotFound, also for another
    organisation's."""
    found = TrainedModel.objects.filter(organisation=organisation, id=id).first()
    if found is None:
        raise NotFound("model")
    of_model = (
        queries.versions(organisation)
        .filter(model=found)
        .select_related("run__data_set")
        .defer("run__data_set__profile", "run__data_set__roles")
    )
    versions = list(of_model[:versions_shown])
    if found.live_id is not None and found.live_id not in {version.id for version in versions}:
        versions += of_model.filter(id=found.live_id)
    return found, versions


@require_safe
@page(Action.VIEW)
def model(request: MemberRequest, model: UUID) -> HttpResponse:
    """One model: its versions, their quality, and what it advises."""
    shown, versions = _model(request.organisation, model)
    if not versions:
        raise Http404
    live = live_of(shown, versions)
    events, all_events = first_of(serving_versions.events(shown).reverse(), events_shown)
    is_cut = len(versions) >= versions_shown
    card = card_of(live.run)
    rows = summaries(card, earlier=_cards_before(versions, live)) if card else []
    context = {
        "model": shown,
        "versions": [(version, _first_figure(version)) for version in versions],
        "live": live,
        "version": live,
        "run": live.run,
        "mode": Mode(live.run.mode),
        "card": card,
        "answer": answer_of(card) if card else [],
        "summaries": rows,
        "suspected": suspected(rows),
        "snippets": snippets(request, live),
        "undecided": [one for one in versions if one.number > live.number],
        "events": events,
        "all_events": all_events,
        "all_versions": queries.versions_counted(request.organisation)[shown.id] if is_cut else len(versions),
        "may_roll_back": request.member.may(Action.MANAGE_MODELS) and serving_versions.may_roll_back(live),
        "may_manage": request.member.may(Action.MANAGE_MODELS),
        "advice": advice_for(live, request.organisation, reads_tickets=request.member.may(Action.READ_TICKETS)),
        "balance": ledger.balance(request.organisation.id),
        "offer": feedback.offer(request.organisation, shown.name),
        "going": deletion.what_goes(shown),
        "may_give": request.member.may(Action.GIVE_FEEDBACK),
        "last_look": advice.checks(live).first(),
        "compares": len(versions) > 1,
        "may_train": request.member.may(Action.TRAIN),
    }
    return render(request, "web/models/model.html", context)


@require_POST
@page(Action.MANAGE_MODELS)
def go_live(request: MemberRequest, model: UUID, number: int) -> HttpResponse:
    """Lets another version answer from now on."""
    found, _versions = _model(request.organisation, model)
    version = serving_versions.go_live(
        organisation=request.organisation, name=found.name, number=number, who=request.user.email, now=utc_now()
    )
    messages.success(request, _("%(version)s answers from now on.") % {"version": version})
    return redirect("web:model", slug=request.organisation.slug, model=found.id)


@require_POST
@page(Action.MANAGE_MODELS)
def roll_back(request: MemberRequest, model: UUID) -> HttpResponse:
    """Lets the version before answer again."""
    found, _versions = _model(request.organisation, model)
    version = serving_versions.roll_back(
        organisation=request.organisation, name=found.name, who=request.user.email, now=utc_now()
    )
    messages.success(request, _("%(version)s answers again.") % {"version": version})
    return redirect("web:model", slug=request.organisation.slug, model=found.id)


@require_POST
@page(Action.MANAGE_MODELS, asks_again=True)
def delete(request: MemberRequest, model: UUID) -> HttpResponse:
    """Deletes a model with its versions' files."""
    found, _versions = _model(request.organisation, model)
    deletion.delete_model(organisation=request.organisation, id=found.id, who=request.user.email, now=utc_now())
    messages.success(request, _("%(name)s is deleted.") % {"name": found.name})
    return redirect("web:models", slug=request.organisation.slug)


def _first_figure(version: ModelVersion) -> tuple[str, Estimate] | None:
    attributes = (version.run.report_card or {}).get("attributes", [])
    return (attributes[0]["name"], Estimate(**attributes[0]["accuracy"])) if attributes else None


def _cards_before(versions: list[ModelVersion], live: ModelVersion) -> list[dict[str, Any]]:
    """Report cards of the versions before `live`, oldest first."""
    earlier = [version.run.report_card for version in versions if version.number < live.number]
    return [card for card in earlier if card][::-1]


@dataclass(frozen=True, slots=True)
class Snippet:
    title: str
    id: str
    code: str


def snippets(request: MemberRequest, version: ModelVersion) -> list[Snippet]:
    """Ways to use the model from elsewhere; they name this installation and this model."""
    base = settings.OTAI_BASE_URL
    name = version.model.name
    text = "My invoice was charged twice"
    return [
        Snippet(
            _("From any program"),
            "snippet-curl",
            f"curl {base}/api/v1/models/{quote(name)}/predict \\\n"
            '  -H "Authorization: Bearer $OTAI_API_KEY" \\\n'
            '  -H "Content-Type: application/json" \\\n'
            f'  -d \'{{"texts": ["{text}"]}}\'',
        ),
        Snippet(
            _("In Python, from the downloaded file"),
            "snippet-python",
            "from otai.learning.bundle import Bundle\n\n"
            f'model = Bundle.load("{name.replace(" ", "-")}-v{version.number}.otai")\n'
            f'[ticket] = model.predict(["{text}"])\n'
            "for name, found in ticket.attributes.items():\n"
            "    print(name, found.labels, found.confidence)",
        ),
        Snippet(_("On the command line"), "snippet-cli", f"otai predict {_quoted(name)} '{text}'"),
    ]


def _quoted(name: str) -> str:
    return f"'{name}'" if " " in name else name


@require_safe
@page(Action.VIEW, costs=True)
def compare(request: MemberRequest, model: UUID) -> HttpResponse:
    """Two versions on the tickets that neither had learnt when it was measured."""
    trained, versions = _model(request.organisation, model)
    by_number = {version.number: version for version in versions}
    newer = by_number.get(_number(request.GET.get("newer")), versions[0] if versions else None)
    older = by_number.get(_number(request.GET.get("older")))
    if older is None and newer is not None:
        older = next((version for version in versions if version.number < newer.number), None)
    context: dict[str, Any] = {"model": trained, "versions": versions, "newer": newer, "older": older}
    if newer is not None and older is not None:
        if older.number > newer.number:
            older, newer = newer, older
        begun = serving_jobs.ask_to_compare(older=older, newer=newer, who=request.user.email, now=utc_now())
        job = waited(begun)
        if not job.has_ended:
            return working(request, job)
        beside = _beside(older, newer)
        compared = serving_jobs.comparison_of(job)
        context |= {"newer": newer, "older": older, "comparison": compared, "beside": beside}
        context["answer"] = compared.answer() if compared is not None else None
    return render(request, "web/models/compare.html", context)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 9 else 0


def _beside(*versions: ModelVersion) -> list[tuple[str, list[tuple[int, Estimate | None]]]]:
    cards = [(version.number, card_of(version.run)) for version in versions]
    names: list[str] = []
    for _number, card in cards:
        names += [one.name for one in card.attributes if one.name not in names] if card else []
    return [(name, [(number, _accuracy(card, name)) for number, card in cards]) for name in names]


def _accuracy(card: ReportCard | None, name: str) -> Estimate | None:
    return next((one.accuracy for one in card.attributes if one.name == name), None) if card else None


def _version(request: MemberRequest, model: UUID, number: int) -> ModelVersion:
    _found, versions = _model(request.organisation, model)
    for version in versions:
        if version.number == number:
            return version
    raise NotFound("version")


@require_safe
@page(Action.DOWNLOAD_MODELS, downloads=True)
def download(request: MemberRequest, model: UUID, number: int) -> HttpResponseBase:
    """The model as one file, with the names that its labels have today."""
    version = _version(request, model, number)
    filename = f"{version.model.name.replace(' ', '-')}-v{version.number}.otai"
    response = FileResponse(
        queries.opened_file(version),
        as_attachment=True,
        filename=filename,
        content_type="application/octet-stream",
    )
    response["X-Content-SHA256"], _bytes = queries.sha256_and_bytes(version)
    return response


@require_POST
@page(Action.PREDICT, costs=True)
def try_it(request: MemberRequest, model: UUID, number: int) -> HttpResponse:
    """What the version says of one text; nothing is kept."""
    version = _version(request, model, number)
    text = request.POST.get("text", "").replace("\x00", "")
    context: dict[str, Any] = {"version": version, "text": text}
    if not text.strip():
        context["problem"] = _("Write or paste a ticket first.")
    elif len(text) > longest_text:
        context["problem"] = _("This is longer than %(most)s characters. Paste the ticket without its history.") % {
            "most": formats.number(longest_text)
        }
    else:
        context["prediction"] = predictions(version, text)
        context["key"] = uuid4()
        context["may_give"] = request.member.may(Action.GIVE_FEEDBACK)
        context["choices"] = _choices(version) if context["may_give"] else []
        card = card_of(version.run)
        context["answers"] = [
            (name, found, _decides(card, name, found.confidence))
            for name, found in context["prediction"].attributes.items()
        ]
    part = "web/models/answer.html" if request.headers.get("HX-Request") else "web/models/try_page.html"
    return render(request, part, context)


def _choices(version: ModelVersion) -> list[tuple[str, list[str], bool]]:
    """Each attribute with the labels that a person may say instead, and whether a ticket has several."""
    return [
        (one.spec.name, sorted(one.labels, key=str.casefold), one.spec.is_multi)
        for one in queries.in_todays_words(version).attributes
    ]


def _decides(card: ReportCard | None, name: str, confidence: float) -> bool:
    """Whether this confidence is one at which 95 of 100 were right."""
    if card is None:
        return False
    report = next((one for one in card.attributes if one.name == name), None)
    if report is None:
        return False
    return any(
        abs(one.target_precision - 0.95) < 1e-9 and one.threshold is not None and confidence >= one.threshold
        for one in report.coverage
    )
