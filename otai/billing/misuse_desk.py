"""The operator's desk: misuse of the vendor's keys, as events with their address, and all of them as JSON lines."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from otai.billing.desk import Desk, word
from otai.db import utc_now
from otai.orgs.access_events import AccessKind, about_said, access_events, json_lines
from otai.orgs.models import AccessEvent
from otai.words.catalogue import ENGLISH

HAPPENED: dict[str, str | Promise] = {
    AccessKind.KEY_WRONG: _("Wrong key"),
    AccessKind.KEY_REVOKED: _("Revoked key"),
    AccessKind.KEY_EXPIRED: _("Expired key"),
    AccessKind.REFUSED: _("Not in the key's scopes"),
}


@admin.register(AccessEvent)
class MisuseDesk(Desk):
    """Of the vendor's own keys alone: what concerns an organisation, its owners read."""

    change_list_template = "billing/desk/misuse_list.html"
    list_display = ("at", "happened", "who", "about_what", "address", "times")
    fields = ("first_at", "at", "happened", "who", "about_what", "address", "browser", "times")
    search_fields = ("who", "address", "about")
    ordering = ("-at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccessEvent]:
        return super().get_queryset(request).filter(organisation=None)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.lines)
        return [path("lines/", view, name="orgs_accessevent_lines"), *super().get_urls()]

    def lines(self, request: HttpRequest) -> StreamingHttpResponse:
        """All that is kept, as JSON lines. Raises PermissionDenied for whoever may not read the table."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        lines = json_lines(access_events(None).iterator())
        response = StreamingHttpResponse(lines, content_type="application/jsonl; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="vendor-keys-{utc_now().date()}.jsonl"'
        return response

    @admin.display(description=word("about"))
    def about_what(self, row: AccessEvent) -> str:
        """The same."""
        return about_said(row, language=get_language() or ENGLISH)

    @admin.display(description=word("what"), ordering="what")
    def happened(self, row: AccessEvent) -> str:
        """In the operator's language."""
        return str(HAPPENED.get(row.what, row.what))
