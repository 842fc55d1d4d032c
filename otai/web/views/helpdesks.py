"""Helpdesks that tickets are read from: connected, looked at, and imported."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from otai.db import utc_now
from otai.errors import OtaiError
from otai.helpdesks import jobs as helpdesk_jobs
from otai.helpdesks import operations, queries
from otai.helpdesks.connecting import ADAPTERS, System
from otai.helpdesks.models import HelpdeskConnection
from otai.helpdesks.operations import ToRead
from otai.jobs import operations as jobs
from otai.jobs.models import Job
from otai.orgs.permissions import Action
from otai.tickets import queries as tickets
from otai.tickets.columns import ColumnRoles
from otai.tickets.options import ImportOptions
from otai.web import once
from otai.web.access import MemberRequest, page
from otai.web.columns_form import role_words
from otai.web.job_waiting import wait_as_a_page
from otai.web.refusals import in_words
from otai.web.views.jobs import working
from otai.web.words import fact_words

QUEUES = ("group", "queue", "Group", "Queue")
"""The field of each system whose labels are queues."""
WISHES = ("keep_quotes", "mask", "add")


class ConnectForm(forms.Form):
    system = forms.ChoiceField(
        label=gettext_lazy("Helpdesk"), choices=[(each.value, ADAPTERS[each].name) for each in System]
    )
    address = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=2000,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
        help_text=gettext_lazy("Where you open it in the browser; https, reachable from the internet."),
    )
    token = forms.CharField(
        label=gettext_lazy("API token"),
        max_length=4000,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("It may read tickets, nothing else. We seal it and show it to nobody."),
    )
    name = forms.CharField(
        label=gettext_lazy("What to call it"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("The address's host, if left out."),
    )


class TokenForm(forms.Form):
    address = forms.CharField(label=gettext_lazy("Address"), max_length=2000, widget=forms.URLInput())
    token = forms.CharField(
        label=gettext_lazy("API token"), max_length=4000, widget=forms.PasswordInput(attrs={"autocomplete": "off"})
    )


class ToReadForm(forms.Form):
    created_since = forms.DateField(
        label=gettext_lazy("Tickets since"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )


class ChangedForm(forms.Form):
    changed_since = forms.DateField(
        label=gettext_lazy("Only tickets that changed since"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("In UTC. All of them, if left out."),
    )

    @property
    def since(self) -> datetime | None:
        """The beginning of the day (UTC) that the form, which is valid, says."""
        day = self.cleaned_data["changed_since"]
        return datetime.combine(day, time(), UTC) if day else None


@require_http_methods(["GET", "HEAD", "POST"])
@page(Action.UPLOAD_TICKETS, asks_again=True)
def helpdesks(request: MemberRequest) -> HttpResponse:
    """The organisation's helpdesks, and a form for another."""
    form = ConnectForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = _connect(request, form.cleaned_data)
                job = _look(request, made)
            except OtaiError as refused:
                form.add_error(None, in_words(refused))
            else:
                wait_as_a_page(job)
                return redirect("web:helpdesk", slug=request.organisation.slug, helpdesk=made.id)
    found = [(one, ADAPTERS[System(one.system)].name) for one in queries.connections(request.organisation)]
    context = {"helpdesks": found, "form": form, "once": once.token()}
    return render(request, "web/helpdesks/list.html", context, status=status)


def _connect(request: MemberRequest, said: dict[str, Any]) -> HelpdeskConnection:
    return operations.connect(
        organisation=request.organisation,
        name=said["name"],
        system=System(said["system"]),
        address=said["address"],
        token=said["token"],
        who=request.user.email,
        now=utc_now(),
        id=once.id_of(request, said),
    )


def _look(request: MemberRequest, connection: HelpdeskConnection) -> jobs.Asked:
    return helpdesk_jobs.ask_for_look(connection, who=request.user.email, now=utc_now())


@require_safe
@page(Action.UPLOAD_TICKETS)
def helpdesk(request: MemberRequest, helpdesk: UUID) -> HttpResponse:
    """One helpdesk: which labels exist, ten tickets as they will be understood, and their import."""
    connection = queries.connection(request.organisation, helpdesk)
    job = helpdesk_jobs.last_look(connection)
    if job is not None and not job.has_ended:
        return working(request, job)
    return _shown(request, connection, job)


def _shown(
    request: MemberRequest,
    connection: HelpdeskConnection,
    job: Job | None,
    *,
    refused: OtaiError | None = None,
    changed: ChangedForm | None = None,
) -> HttpResponse:
    look, problem = _found(job)
    names = tickets.data_sets(request.organisation, newest_only=True).values_list("name", flat=True)
    context = {
        "helpdesk": connection,
        "system": ADAPTERS[System(connection.system)].name,
        "problem": problem,
        "refused": refused,
        "form": ToReadForm(initial={"created_since": connection.created_since}),
        "changed_form": changed or ChangedForm(),
        "token_form": TokenForm(initial={"address": connection.address}),
        "known_names": names,
        "name": request.POST.get("name", "") or connection.name,
        **(_of_look(connection, look) if look else {}),
    }
    return render(
        request, "web/helpdesks/helpdesk.html", context, status=422 if refused or (changed and changed.errors) else 200
    )


def _found(job: Job | None) -> tuple[dict[str, Any] | None, OtaiError | None]:
    """What the last look found, or why it came to nothing."""
    if job is None:
        return None, None
    try:
        return helpdesk_jobs.look_of(job), None
    except OtaiError as problem:
        return None, problem


def _of_look(connection: HelpdeskConnection, look: dict[str, Any]) -> dict[str, Any]:
    exist: list[str] = next((look["labels"][field] for field in QUEUES if field in look["labels"]), [])
    roles = ColumnRoles.from_dict(look["preview"]["roles"]) if look["preview"] else ColumnRoles()
    return {
        "look": look,
        "shown": [{**one, "fields": _in_words(one["fields"])} for one in look["tickets"]],
        "queues": [(one, one in connection.queues) for one in dict.fromkeys([*exist, *connection.queues])],
        "fields": [(one, one in connection.fields) for one in dict.fromkeys([*look["fields"], *connection.fields])],
        "columns": [(column, role_words(roles, column), fact_words(why)) for column, why in roles.reasons.items()],
    }


def _in_words(fields: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, value if isinstance(value, str) else ", ".join(value)) for name, value in fields.items()]


@require_POST
@page(Action.UPLOAD_TICKETS, asks_again=True)
def look_again(request: MemberRequest, helpdesk: UUID) -> HttpResponse:
    """Keeps what is to be read, and looks there with it."""
    connection = queries.connection(request.organisation, helpdesk)
    form = ToReadForm(request.POST)
    since = form.cleaned_data.get("created_since") if form.is_valid() else connection.created_since
    try:
        if "chosen" in request.POST:
            connection = operations.change(
                organisation=request.organisation,
                connection=helpdesk,
                to_read=ToRead(request.POST.getlist("queue"), since, request.POST.getlist("field")),
                who=request.user.email,
                now=utc_now(),
            )
        wait_as_a_page(_look(request, connection))
    except OtaiError as refused:
        return _shown(request, connection, helpdesk_jobs.last_look(connection), refused=refused)
    return redirect("web:helpdesk", slug=request.organisation.slug, helpdesk=helpdesk)


@require_POST
@page(Action.UPLOAD_TICKETS, asks_again=True)
def change_helpdesk(request: MemberRequest, helpdesk: UUID) -> HttpResponse:
    """Another address or token; looks there with it."""
    connection = queries.connection(request.organisation, helpdesk)
    form = TokenForm(request.POST)
    if form.is_valid():
        try:
            connection = operations.change(
                organisation=request.organisation,
                connection=helpdesk,
                address=form.cleaned_data["address"],
                token=form.cleaned_data["token"],
                who=request.user.email,
                now=utc_now(),
            )
            wait_as_a_page(_look(request, connection))
        except OtaiError as refused:
            return _shown(request, connection, helpdesk_jobs.last_look(connection), refused=refused)
    return redirect("web:helpdesk", slug=request.organisation.slug, helpdesk=helpdesk)


@require_POST
@page(Action.UPLOAD_TICKETS)
def import_helpdesk(request: MemberRequest, helpdesk: UUID) -> HttpResponse:
    """Imports its tickets; the job's page says how far that is."""
    connection = queries.connection(request.organisation, helpdesk)
    wishes: dict[str, Any] = {wish: wish in request.POST for wish in WISHES}
    changed = ChangedForm(request.POST)
    if not changed.is_valid():
        return _shown(request, connection, helpdesk_jobs.last_look(connection), changed=changed)
    try:
        asked = helpdesk_jobs.ask_for_import(
            connection,
            name=request.POST.get("name", "").strip() or connection.name,
            options=ImportOptions(**wishes),
            changed_since=changed.since,
            who=request.user.email,
            now=utc_now(),
        )
    except OtaiError as refused:
        return _shown(request, connection, helpdesk_jobs.last_look(connection), refused=refused, changed=changed)
    wait_as_a_page(asked)
    return redirect("web:job", slug=request.organisation.slug, job=asked.job.id)


@require_POST
@page(Action.UPLOAD_TICKETS)
def disconnect_helpdesk(request: MemberRequest, helpdesk: UUID) -> HttpResponse:
    """Forgets a helpdesk with its token."""
    operations.disconnect(organisation=request.organisation, connection=helpdesk, who=request.user.email, now=utc_now())
    messages.success(request, _("The helpdesk is disconnected, and its token is gone. What was imported stays."))
    return redirect("web:helpdesks", slug=request.organisation.slug)
