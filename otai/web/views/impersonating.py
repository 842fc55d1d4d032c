"""An operator looks at an organisation as one of its members: begun at the desk with a reason, ended by a button."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from otai.db import utc_now
from otai.orgs import impersonation
from otai.orgs.models import Member, Organisation, User
from otai.orgs.sessions import sender
from otai.web.access import IMPERSONATION, signed_in


class MemberChoice(forms.ModelChoiceField):
    """By mail address and role."""

    def label_from_instance(self, obj: Any) -> str:
        """As an operator reads it."""
        return f"{obj.user.email} ({obj.role})"


class BeginForm(forms.Form):
    member = MemberChoice(label=gettext_lazy("As whom"), queryset=Member.objects.none())
    why = forms.CharField(
        label=gettext_lazy("Why"), max_length=150, help_text=gettext_lazy("The organisation's owners read it.")
    )

    def __init__(self, organisation: Organisation, *args: Any) -> None:
        super().__init__(*args)
        cast(MemberChoice, self.fields["member"]).queryset = impersonation.members_to_look_as(organisation.id)


@require_http_methods(["GET", "HEAD", "POST"])
def begin(request: HttpRequest, organisation: UUID) -> HttpResponse:
    """Asks as whom and why; mounted behind the desk's own door. Raises PermissionDenied, Http404."""
    user = cast(User, request.user)
    if not user.has_perm("orgs.change_organisation"):
        raise PermissionDenied
    row = Organisation.objects.filter(id=organisation).first()
    if row is None:
        raise Http404
    form = BeginForm(row, request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = impersonation.begin(
            operator=user, **form.cleaned_data, now=utc_now(), address=sender(request)["address"]
        )
        request.session[IMPERSONATION] = str(made.id)
        return redirect("web:home", slug=row.slug)
    context = {**admin.site.each_context(request), "title": _("Look as a member"), "row": row, "form": form}
    return render(request, "web/desk/impersonate.html", context, status=422 if form.errors else 200)


@require_POST
@signed_in
def end(request: HttpRequest) -> HttpResponse:
    """Back to the desk."""
    kept = request.session.pop(IMPERSONATION, None)
    if kept:
        impersonation.end(id=kept, operator=cast(User, request.user), now=utc_now())
    messages.success(request, _("You look as yourself again."))
    return redirect("admin:index" if request.user.is_staff else "web:front_door")
