"""Lists of invoices and credit notes: how each stands, with a sign, by month, and all of a month in one archive."""

from __future__ import annotations

import io
import zipfile
from enum import StrEnum

from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    DateTimeField,
    F,
    Max,
    OuterRef,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from otai.billing import queries
from otai.billing.documents import invoice_pdf
from otai.billing.models import Invoice, InvoiceKind
from otai.billing.months import Month
from otai.errors import Invalid, NotFound
from otai.orgs.models import Organisation
from otai.units import Money

most_in_an_archive = 500
"""A page draws about twenty in a second; nobody has as many in a month, and whoever has asks by number."""


class DocumentState(StrEnum):
    """How a document stands. A credit note is what it does: it cancels an invoice that nobody had paid, or it pays
    back."""

    OPEN = "open"
    PAID = "paid"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


def documents(
    organisation: Organisation, *, state: str = "", month: Month | None = None, purchase: str | None = None
) -> QuerySet[Invoice]:
    """Invoices and credit notes as `queries.invoices` has them, each with `state` and `credited_cents` (gross, of all
    its credit notes); narrowed to a state, to a month by the day of issue, or to a purchase. Raises Invalid for a state
    that does not exist."""
    if state and state not in set(DocumentState):
        raise Invalid("document_state", state=state[:40], known=list(DocumentState), code="invalid_request")
    notes = Invoice.objects.filter(corrects=OuterRef("pk")).order_by().values("corrects")
    listed = queries.invoices(organisation, purchase=purchase).annotate(
        credited_cents=Coalesce(
            Subquery(notes.annotate(cents=Sum("gross_cents")).values("cents"), output_field=BigIntegerField()), 0
        ),
        credited_at=Subquery(notes.annotate(at=Max("issued_at")).values("at"), output_field=DateTimeField()),
    )
    # What was credited before it was paid was cancelled, though the buyer may have paid after all, for a new invoice.
    was_paid = {"purchase__paid_at__isnull": False}
    listed = listed.annotate(
        state=Case(
            When(kind=InvoiceKind.CREDIT_NOTE, purchase__paid_at__lte=F("issued_at"), then=Value("refunded")),
            When(kind=InvoiceKind.CREDIT_NOTE, then=Value("cancelled")),
            When(credited_cents__gte=F("gross_cents"), purchase__paid_at__lte=F("credited_at"), then=Value("refunded")),
            When(credited_cents__gte=F("gross_cents"), then=Value("cancelled")),
            When(**was_paid, then=Value("paid")),
            default=Value("open"),
            output_field=CharField(),
        )
    )
    if state:
        listed = listed.filter(state=state)
    if month is not None:
        listed = listed.filter(issued_on__year=month.year, issued_on__month=month.number)
    return listed


def signed(document: Invoice, cents: int) -> Money:
    """An amount of the document as the books count it: what a credit note gives back is negative."""
    return Money(-cents if document.kind == InvoiceKind.CREDIT_NOTE else cents, document.currency)


def archive(documents: QuerySet[Invoice]) -> bytes:
    """Their PDFs as a zip, the same bytes for the same documents. Raises NotFound for none, Invalid for too many."""
    found = list(documents[: most_in_an_archive + 1])
    if not found:
        raise NotFound("documents")
    if len(found) > most_in_an_archive:
        raise Invalid("archive", most=most_in_an_archive, code="invalid_request")
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as pack:
        for document in sorted(found, key=lambda one: one.number):
            on = document.issued_on
            entry = zipfile.ZipInfo(f"{document.number}.pdf", date_time=(on.year, on.month, on.day, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            pack.writestr(entry, invoice_pdf(document))
    return written.getvalue()
