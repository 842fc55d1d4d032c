"""Members choose what they are told, and are told: by mails that are written as rows here and sent as all others
(`billing.operations.notices`), once each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from otai.billing.operations.events import notify_people
from otai.db import new_id, one_transaction
from otai.errors import Invalid
from otai.orgs.models import Member
from otai.outbound.models import MailTiming, Notification, NotificationChoice, NotificationKind
from otai.outbound.notifications import ChosenNotification, choices_of, page_of
from otai.units import MAX_CREDITS

DIGEST = "digest"
"""What a link to unsubscribe from names instead of a kind: all that the daily mail holds."""
mails_at_once = 500


class InvalidNotification(Invalid):
    code = "invalid_notification"


@one_transaction
def choose(
    *,
    member: Member,
    kind: str,
    mail: str | None = None,
    in_browser: bool | None = None,
    above_credits: int | None = None,
    now: datetime,
) -> ChosenNotification:
    """Changes what is given, from now on; mails of this kind that wait for the digest are dropped where there is to be
    none. Raises InvalidNotification."""
    if kind not in NotificationKind.values:
        raise InvalidNotification("kind", kind=kind, known=list(NotificationKind.values), field="kind")
    if mail is not None and mail not in MailTiming.values:
        raise InvalidNotification("mail", mail=mail, known=list(MailTiming.values), field="mail")
    if above_credits is not None and not 0 <= above_credits <= MAX_CREDITS:
        raise InvalidNotification("credits", most=MAX_CREDITS, field="above_credits")
    chosen = choices_of([member])[member.id][NotificationKind(kind)]
    given: dict[str, Any] = {
        "mail": mail and MailTiming(mail),
        "in_browser": in_browser,
        "above_credits": above_credits,
    }
    chosen = replace(chosen, **{name: value for name, value in given.items() if value is not None})
    _keep([(member.id, chosen)], now=now)
    return chosen


def _keep(chosen: Sequence[tuple[UUID, ChosenNotification]], *, now: datetime) -> None:
    rows = [
        NotificationChoice(
            id=new_id(),
            member_id=member,
            kind=choice.kind,
            mail=choice.mail,
            in_browser=choice.in_browser,
            above_credits=choice.above_credits,
            changed_at=now,
        )
        for member, choice in chosen
    ]
    NotificationChoice.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["member", "kind"],
        update_fields=["mail", "in_browser", "above_credits", "changed_at"],
    )
    for member, choice in chosen:
        if choice.mail == MailTiming.OFF:
            waiting = Notification.objects.filter(member=member, kind=choice.kind, mailed_at__isnull=True)
            waiting.filter(mail_due_at__isnull=False).update(mail_due_at=None, in_digest=False)


@one_transaction
def unsubscribe(*, member: Member, what: str, now: datetime) -> None:
    """No more mails of the kind, or, for `digest`, of all kinds that come with the daily mail. What is shown in
    browsers stays."""
    found = choices_of([member])[member.id]
    off = [
        replace(one, mail=MailTiming.OFF)
        for kind, one in found.items()
        if kind.value == what or (what == DIGEST and one.mail == MailTiming.DAILY)
    ]
    _keep([(member.id, one) for one in off], now=now)


def mail_due(*, now: datetime) -> int:
    """Writes the mails that are due; returns how many. Safe at any time and from any number of processes: each
    notification is in one mail."""
    due = Notification.objects.filter(mail_due_at__lte=now, mailed_at__isnull=True)
    rows = due.order_by("id").values_list("id", "member_id", "in_digest")[:mails_at_once]
    singles: list[list[UUID]] = []
    digests: dict[UUID, list[UUID]] = {}
    for id, member, in_digest in rows:
        if in_digest:
            digests.setdefault(member, []).append(id)
        else:
            singles.append([id])
    return sum(_mail(ids, now=now) for ids in (*singles, *digests.values()))


def _mail(ids: Iterable[UUID], *, now: datetime) -> int:
    with transaction.atomic():
        taken = Notification.objects.select_for_update(of=("self",), no_key=True).filter(
            id__in=list(ids), mailed_at__isnull=True, mail_due_at__isnull=False
        )
        told = list(taken.select_related("message", "member__user", "member__organisation").order_by("id"))
        if not told:
            return 0
        first = told[0]
        template = "news_digest" if first.in_digest else "news"
        notify_people(
            organisation=first.member.organisation,
            people=[first.member.user],
            template=template,
            key=f"{template}:{first.id}",
            context={
                "news": [
                    {"event": one.message.event, "data": one.message.payload["data"], "page": page_of(one.message)}
                    for one in told
                ],
                "unsubscribe": {"member": str(first.member_id), "what": DIGEST if first.in_digest else first.kind},
            },
            now=now,
        )
        Notification.objects.filter(id__in=[one.id for one in told]).update(mailed_at=now)
    return 1
