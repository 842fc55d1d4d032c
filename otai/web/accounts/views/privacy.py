"""Data that leaves and data that is erased: of a person, and of an organisation."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from allauth.core.exceptions import ReauthenticationRequired
from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from otai.db import utc_now
from otai.orgs.models import User
from otai.orgs.permissions import Action
from otai.orgs.sessions import is_recent
from otai.privacy import exports, organisations, persons, retention
from otai.web.access import MemberRequest, page, signed_in
from otai.web.refusals import in_words


class ConfirmForm(forms.Form):
    """What is erased is typed, so that no stray click does it."""

    typed = forms.CharField(max_length=254, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: object, expected: str, label: str, **named: object) -> None:
        super().__init__(*args, **named)  # type: ignore[arg-type]
        self.expected = expected
        self.fields["typed"].label = label

    def clean_typed(self) -> str:
        """As it stands above the field; case does not matter."""
        typed = str(self.cleaned_data["typed"]).strip()
        if typed.lower() != self.expected.lower():
            raise forms.ValidationError(_("This is not what stands above."))
        return typed


def _days(label: object) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=1, max_value=retention.most_days)  # type: ignore[arg-type]


class RetentionForm(forms.Form):
    tickets_days = _days(gettext_lazy("Tickets, days after their import"))
    feedback_days = _days(gettext_lazy("Feedback, days after it was given"))
    logs_days = _days(gettext_lazy("Logs, history of the team, sign-ins with their addresses, days"))
    uploads_hours = forms.IntegerField(
        label=gettext_lazy("Files that wait for their columns, hours"),
        required=False,
        min_value=1,
        max_value=retention.most_hours,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def erase_account(request: HttpRequest) -> HttpResponse:
    """Asks first; then the account is a number."""
    user = cast(User, request.user)
    form = ConfirmForm(
        request.POST if request.method == "POST" else None,
        expected=user.email,
        label=_("Your mail address, to confirm"),
    )
    owned = persons.only_owner_of(user)
    if request.method == "POST" and form.is_valid():
        if not is_recent(request, now=utc_now()):
            # allauth's middleware keeps what was sent, asks, and does it then.
            raise ReauthenticationRequired
        try:
            persons.erase_person(user=User.objects.get(pk=user.pk), now=utc_now())
        except (persons.OnlyOwner, persons.OperatorAccount) as refused:
            form.add_error(None, in_words(refused))
        else:
            logout(request)
            return redirect("web:account_erased")
    context = {"form": form, "owned": owned, "number": user.pk}
    return render(request, "accounts/erase_account.html", context, status=422 if form.errors else 200)


@require_safe
def account_erased(request: HttpRequest) -> HttpResponse:
    """Said to somebody whom nobody knows any more."""
    return render(request, "accounts/account_erased.html")


@require_safe
@signed_in(costs=True)
def export_account(request: HttpRequest) -> HttpResponseBase:
    """All that is kept of a person, as a zip of JSON; whoever signed in a while ago says who they are once more."""
    if not is_recent(request, now=utc_now()):
        raise ReauthenticationRequired
    file = exports.opened_person(cast(User, request.user), now=utc_now())
    return FileResponse(file, as_attachment=True, filename="otai-account.zip", content_type="application/zip")


@require_http_methods(["GET", "HEAD", "POST"])
@page(Action.ERASE_DATA, asks_again=True)
def data(request: MemberRequest) -> HttpResponse:
    """How long data is kept, its export, and deleting the organisation."""
    organisation = request.organisation
    found = retention.periods(organisation)
    form = RetentionForm(
        request.POST if request.method == "POST" else None,
        initial={name: getattr(found, name) for name in RetentionForm.base_fields},
    )
    if request.method == "POST" and form.is_valid():
        wanted = retention.Periods(**form.cleaned_data)
        retention.set_periods(organisation=organisation, wanted=wanted, who=request.user.email, now=utc_now())
        messages.success(request, _("Saved."))
        return redirect("web:organisation_data", slug=organisation.slug)
    return _data_page(request, form)


def _data_page(request: MemberRequest, form: RetentionForm, confirm: ConfirmForm | None = None) -> HttpResponse:
    organisation = request.organisation
    context = {
        "tab": "data",
        "form": form,
        "exports": exports.exports_of(organisation),
        "closes": organisations.what_closes(organisation),
        "confirm": confirm or _confirm(request, None),
        "grace_days": organisations.grace.days,
    }
    wrong = form.errors or (confirm is not None and confirm.errors)
    return render(request, "accounts/data.html", context, status=422 if wrong else 200)


def _confirm(request: MemberRequest, posted: object) -> ConfirmForm:
    return ConfirmForm(posted, expected=request.organisation.slug, label=_("Its short name, to confirm"))


@require_POST
@page(Action.ERASE_DATA, asks_again=True)
def delete_organisation(request: MemberRequest) -> HttpResponse:
    """From now on it only reads, for thirty days."""
    confirm = _confirm(request, request.POST)
    if not confirm.is_valid():
        return _data_page(request, RetentionForm(), confirm)
    organisations.ask_to_delete(organisation=request.organisation, who=request.user.email, now=utc_now())
    messages.success(request, _("The organisation is being deleted. Until then any owner can take it back, here."))
    return redirect("web:organisation_data", slug=request.organisation.slug)


@require_POST
@page(Action.ERASE_DATA)
def keep_organisation(request: MemberRequest) -> HttpResponse:
    """Takes the deletion back."""
    organisations.take_back(organisation=request.organisation, who=request.user.email, now=utc_now())
    messages.success(request, _("The organisation goes on. What was cancelled stays cancelled."))
    return redirect("web:organisation_data", slug=request.organisation.slug)


@require_POST
@page(Action.EXPORT_DATA, asks_again=True)
def ask_for_export(request: MemberRequest) -> HttpResponse:
    """Has the export made, beside what else goes on."""
    try:
        exports.ask_for_export(organisation=request.organisation, who=request.user.email, now=utc_now())
    except exports.TooManyExports as refused:
        messages.error(request, in_words(refused))
    else:
        messages.success(request, _("The export is being made. It is listed here once it is ready."))
    return redirect("web:organisation_data", slug=request.organisation.slug)


@require_safe
@page(Action.EXPORT_DATA, asks_again=True, downloads=True)
def download_export(request: MemberRequest, export: UUID) -> HttpResponseBase:
    """The zip, for owners and for a few days."""
    found, file = exports.opened(request.organisation, export, who=request.user.email, now=utc_now())
    name = f"{request.organisation.slug}-{found.ready_at:%Y-%m-%d}.zip"
    response = FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")
    response["Content-Length"] = str(found.bytes)
    return response
