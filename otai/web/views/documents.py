"""Invoices and credit notes as a list: how each stands, narrowed by state and month, and a month as one archive; and
whether a document or statement that somebody was given is the one of the books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from otai.billing import queries
from otai.billing.document_check import InvalidDocument, check_document, largest_document_bytes
from otai.billing.document_lists import DocumentState, archive, documents, signed
from otai.billing.models import Purchase
from otai.billing.months import Month
from otai.billing.seller import seller
from otai.db import utc_now
from otai.errors import Invalid, NotFound
from otai.ledger.proof import InvalidProof, verify_statement
from otai.orgs.permissions import Action
from otai.units import Money
from otai.web import words
from otai.web.access import MemberRequest, page
from otai.web.refusals import in_words

months_offered = 24


@require_safe
@page(Action.VIEW)
def invoices(request: MemberRequest) -> HttpResponse:
    """Invoices and credit notes, newest first, a hundred at a time; orders that wait for a transfer stand above."""
    organisation = request.organisation
    state, month = request.GET.get("state", ""), _month(request)
    if state not in set(DocumentState):
        state = ""
    filtered = documents(organisation, state=state, month=month)
    last = request.GET.get("before", "")
    if last:
        edge = queries.invoice(organisation, last)
        filtered = filtered.filter(issued_at__lte=edge.issued_at).exclude(id=edge.id)
    shown = [DocumentShown(words.INVOICES.get(one.kind, one.kind), one) for one in filtered[:101]]
    kept = {name: value for name, value in (("state", state), ("month", str(month or ""))) if value}
    waiting = [] if month or state not in ("", DocumentState.OPEN) or last else queries.orders_to_transfer(organisation)
    context = {
        "invoices": shown[:100],
        "orders": [OrderShown(one) for one in waiting],
        "newer": "?" + urlencode(kept) if last else "",
        "older": "?" + urlencode(kept | {"before": shown[99].document.number}) if len(shown) > 100 else "",
        "state": state,
        "states": [(one.value, words.DOCUMENT_STATES[one.value]) for one in DocumentState],
        "month": month,
        "months": _months_with_documents(request),
        "is_narrowed": bool(kept),
    }
    return render(request, "web/credits/invoices.html", context)


def _month(request: HttpRequest) -> Month | None:
    asked = request.GET.get("month", "")
    return Month.parse(asked) if asked else None


def _months_with_documents(request: MemberRequest) -> list[Month]:
    """The newest months in which something was issued, and this one."""
    days = queries.invoices(request.organisation).order_by().dates("issued_on", "month", order="DESC")
    issued = [Month(day.year, day.month) for day in days[:months_offered]]
    return sorted({*issued, Month.at(utc_now(), seller().zone)}, reverse=True)


@dataclass(frozen=True, slots=True)
class DocumentShown:
    """`document` is one of `documents`, which says how it stands."""

    what: Any
    document: Any

    @property
    def gross(self) -> Money:
        """With its sign and currency."""
        return signed(self.document, self.document.gross_cents)

    @property
    def credited(self) -> Money | None:
        """What credit notes took back of an invoice that stands."""
        cents = self.document.credited_cents
        return Money(cents, self.document.currency) if 0 < cents < self.document.gross_cents else None


@dataclass(frozen=True, slots=True)
class OrderShown:
    """An order that a bank transfer is to pay."""

    purchase: Purchase

    @property
    def gross(self) -> Money:
        """With its currency."""
        return Money(self.purchase.gross_cents, self.purchase.currency)


@require_GET
@page(Action.VIEW, downloads=True)
def invoices_of_month(request: MemberRequest, month: str) -> HttpResponse:
    """All PDFs that were issued in a month, as a zip."""
    asked = Month.parse(month)
    response = HttpResponse(
        archive(documents(request.organisation, month=asked)),
        content_type="application/zip",
    )
    response["Content-Disposition"] = f'attachment; filename="invoices-{request.organisation.slug}-{asked}.zip"'
    return response


@require_http_methods(["GET", "POST"])
@page(Action.VIEW)
def check(request: MemberRequest) -> HttpResponse:
    """Holds a PDF, an XML or a statement against the books; nothing of the file is kept."""
    file = request.FILES.get("file")
    context: dict[str, Any] = {"limit": largest_document_bytes, "name": file.name if file else ""}
    try:
        if file is not None and file.size:
            if file.size > largest_document_bytes:
                raise InvalidDocument("too_large", most=largest_document_bytes)
            context |= _checked(request, file.read())
        elif request.method == "POST":
            raise InvalidDocument("no_file")
    except (Invalid, NotFound) as refused:
        context["problem"] = in_words(refused)
    return render(request, "web/credits/check.html", context, status=422 if "problem" in context else 200)


def _checked(request: MemberRequest, content: bytes) -> dict[str, Any]:
    """A statement is JSON, and begins so; everything else is a document."""
    if not content.lstrip().startswith(b"{"):
        return {"document": check_document(content, organisation=request.organisation)}
    try:
        statement = verify_statement(content.decode())
    except UnicodeDecodeError:
        raise InvalidProof("form") from None
    if statement.organisation != request.organisation.id:
        raise NotFound("statement")
    return {"statement": statement}
