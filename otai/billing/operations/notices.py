"""Mail to customers and operators: written as rows by those who have cause for it, sent from here, once each."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F, Q
from django.template.loader import render_to_string

from otai.billing.documents import invoice_pdf, order_confirmation_pdf
from otai.billing.gateways import gateway_named
from otai.billing.models import Invoice, Notice, Purchase
from otai.billing.seller import seller
from otai.links import absolute
from otai.orgs.languages import templates
from otai.orgs.unsubscribing import link_to_unsubscribe
from otai.words import mails, news
from otai.words.catalogue import say_actor
from otai.words.invoices import count, day, money

logger = logging.getLogger(__name__)

claim_holds = timedelta(minutes=10)
"""Longer than any mail takes to be handed over (`EMAIL_TIMEOUT`), so that no two sweeps send one."""

most_attempts = 10
"""After that an operator sees the notice at the desk; the mail server has refused it for hours."""


def send_notices(*, now: datetime) -> int:
    """Sends what waits, oldest first; returns how many went out. One that fails is tried again by the next sweep, and
    one whose sweep died by a sweep after `claim_holds`: a mail may then come twice, and none is lost."""
    waiting = Notice.objects.filter(_is_free(now), attempts__lt=most_attempts).order_by("made_at", "id")
    begun = monotonic()
    # The clock goes on in a long sweep: what is claimed at its end is held as long as what was at its beginning.
    return sum(
        _send(id, now=now + timedelta(seconds=monotonic() - begun)) for id in list(waiting.values_list("id", flat=True))
    )


def _is_free(now: datetime) -> Q:
    return Q(sent_at__isnull=True) & (Q(claimed_at__isnull=True) | Q(claimed_at__lte=now - claim_holds))


def _send(id: UUID, *, now: datetime) -> bool:
    # Claimed before it is sent: two sweeps must not send it twice.
    free = Notice.objects.filter(_is_free(now), id=id)
    if not free.update(claimed_at=now, attempts=F("attempts") + 1):
        return False
    notice = Notice.objects.select_related("organisation").get(id=id)
    try:
        compose(notice).send()
    except Exception as error:  # noqa: BLE001 -- whatever a mail backend raises, the notice waits for the next sweep
        logger.warning("Notice %s was not sent: %s", notice.key, type(error).__name__)
        Notice.objects.filter(id=id).update(claimed_at=None, problem=type(error).__name__)
        return False
    Notice.objects.filter(id=id).update(claimed_at=None, sent_at=now)
    return True


SAY_VAT = ("order_confirmed", "month_due", "payment_refunded")
"""Their amounts are said to include VAT, where there is any."""


def _is_untaxed(notice: Notice) -> bool:
    orders = Purchase.objects.filter(organisation=notice.organisation, reference=notice.context["reference"])
    return orders.filter(vat_permille=0).exists()


def compose(notice: Notice) -> EmailMessage:
    """The mail of a notice: the first line of its template is the subject."""
    context: dict[str, Any] = {**notice.context, "seller": seller(), "base_url": settings.OTAI_BASE_URL}
    currency = context.get("currency", "EUR")
    for name, value in notice.context.items():
        if name.endswith("_cents"):
            context[name.removesuffix("_cents")] = money(value, currency, notice.language)
        elif name.endswith(("_until", "_at")) and value:
            zone = notice.organisation.zone if notice.organisation else UTC
            at = datetime.fromisoformat(value).astimezone(zone)
            context[name] = day(at.date().isoformat(), notice.language)
        elif name in ("by", "decided_by", "asked_by"):
            context[name] = say_actor(value or "", language=notice.language)
        elif isinstance(value, int) and value:
            # None of something stays the number that a template can ask for.
            context[name] = count(value, notice.language)
        elif name == "bought":
            context["title"] = mails.bought(value, language=notice.language)
        elif name == "reasons":
            context["reasons"] = mails.reasons(value, language=notice.language)
        elif name == "problem" and isinstance(value, dict):
            # Those of before have a sentence of their own.
            context["problem"] = mails.problem(value, language=notice.language)
    context["untaxed"] = notice.template in SAY_VAT and _is_untaxed(notice)
    headers = _news_of(notice, context)
    text = render_to_string(templates(f"billing/mail/{notice.template}", notice.language), context)
    subject, _, body = text.partition("\n")
    mail = EmailMessage(
        subject=" ".join(subject.split()),
        # What a template leaves out leaves no gap.
        body=re.sub(r"\n{3,}", "\n\n", body.lstrip("\n")),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[notice.recipient],
        reply_to=[seller().email],
        headers=headers,
    )
    if (document := _document_of(notice)) is not None:
        mail.attach(*document, "application/pdf")
    return mail


def _news_of(notice: Notice, context: dict[str, Any]) -> dict[str, str]:
    """Puts what a mail of news says into `context`; returns the headers by which mail programs offer to end such mails
    with one click (RFC 2369, RFC 8058)."""
    if "news" not in notice.context:
        return {}
    assert notice.organisation is not None, "news are of an organisation"
    told, language = notice.context["news"], notice.language
    context["news"] = [
        {
            "title": news.title(one["event"], one["data"], language=language),
            "more": news.more(one["event"], one["data"], zone=notice.organisation.zone, language=language),
            "address": absolute(one["page"]),
        }
        for one in told
    ]
    context["subject"] = news.subject(told, organisation=notice.organisation.name, language=language)
    ends = notice.context["unsubscribe"]
    link = link_to_unsubscribe(ends["member"], ends["what"])
    context |= {"kind": news.kind(ends["what"], language=language), "unsubscribe": link}
    return {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def _document_of(notice: Notice) -> tuple[str, bytes] | None:
    """The file that a mail brings: an invoice or credit note by its number, or what confirms the order."""
    if number := notice.context.get("document"):
        invoice = Invoice.objects.get(organisation=notice.organisation, number=number)
        return f"{invoice.number}.pdf", invoice_pdf(invoice)
    if notice.template not in ("order_confirmed", "month_due"):
        return None
    purchase = Purchase.objects.get(organisation=notice.organisation, reference=notice.context["reference"])
    if not gateway_named(purchase.gateway).pays_by_invoice:
        return None
    return f"{purchase.reference}.pdf", order_confirmation_pdf(purchase)
