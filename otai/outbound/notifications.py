"""Which members hear of a piece of news, and how: by each one's choices, or as it is without one.

A training, and an import, is told to whoever asked for it, in person or with a key of theirs; a colleague's order and
what happens to a model to whoever chose to hear of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID

from django.conf import settings

from otai.orgs.models import Member, Organisation
from otai.orgs.permissions import Action
from otai.outbound.events import News
from otai.outbound.models import MailTiming, Message, Notification, NotificationChoice, NotificationKind

ON_BY_DEFAULT = frozenset(
    {NotificationKind.TRAINING_READY, NotificationKind.TRAINING_FAILED, NotificationKind.TRAINING_LATE}
)
ONES_OWN = ON_BY_DEFAULT | {NotificationKind.IMPORT_ENDED}
"""Told to whoever caused it; of the others, a colleague's order is told to everybody but whoever ordered."""
digest_at = time(7)
"""Where the organisation is: before the day's work begins."""
usual_limit = 10
"""Credits of a colleague's order, where a member named no other: the dearest Basic or Business training of up to 20
attributes costs less."""


@dataclass(frozen=True, slots=True)
class ChosenNotification:
    """How a member is told of one kind."""

    kind: NotificationKind
    mail: MailTiming
    in_browser: bool
    above_credits: int = usual_limit

    @property
    def is_on(self) -> bool:
        """Whether it is told at all."""
        return self.in_browser or self.mail != MailTiming.OFF


def default(kind: NotificationKind) -> ChosenNotification:
    """As it is for whoever chose nothing."""
    is_on = kind in ON_BY_DEFAULT
    return ChosenNotification(kind, MailTiming.AT_ONCE if is_on else MailTiming.OFF, in_browser=is_on)


def choices_of(members: Iterable[Member]) -> dict[UUID, dict[NotificationKind, ChosenNotification]]:
    """Each member's choice of every kind, in the order in which pages list them; one query."""
    found = {member.id: {kind: default(kind) for kind in NotificationKind} for member in members}
    for row in NotificationChoice.objects.filter(member__in=list(found)):
        kind = NotificationKind(row.kind)
        found[row.member_id][kind] = ChosenNotification(kind, MailTiming(row.mail), row.in_browser, row.above_credits)
    return found


@dataclass(frozen=True, slots=True)
class Listener:
    """A member who is told, and how."""

    member: Member
    choice: ChosenNotification

    def notification(self, message: Message, *, now: datetime) -> Notification:
        """The row that tells it; not saved."""
        in_digest = self.choice.mail == MailTiming.DAILY
        due_at = next_digest(self.member.organisation, now=now) if in_digest else now
        mails = self.choice.mail != MailTiming.OFF and bool(self.member.user.email)
        return Notification(
            message=message,
            member=self.member,
            kind=self.choice.kind,
            in_browser=self.choice.in_browser,
            in_digest=mails and in_digest,
            made_at=now,
            mail_due_at=due_at if mails else None,
        )


def next_digest(organisation: Organisation, *, now: datetime) -> datetime:
    """When the next daily mail of the organisation is due, in UTC if `now` is."""
    here = now.astimezone(organisation.zone)
    day = here.date() if here.time() < digest_at else here.date() + timedelta(days=1)
    return datetime.combine(day, digest_at, tzinfo=organisation.zone).astimezone(now.tzinfo)


def listeners(news: Sequence[News]) -> dict[str, list[Listener]]:
    """By the key of each piece of news, the members who are told of it. Two queries, however many there are."""
    concerning = [each for each in news if each.concerns is not None]
    if not concerning:
        return {}
    organisations = {each.organisation for each in concerning}
    found = Member.objects.filter(organisation__in=organisations, user__is_active=True)
    members: dict[UUID, list[Member]] = {}
    for member in found.select_related("user", "organisation").order_by("id"):
        members.setdefault(member.organisation_id, []).append(member)
    choices = choices_of(member for several in members.values() for member in several)
    return {each.key: _told(each, members.get(each.organisation, []), choices) for each in concerning}


def _told(
    news: News, members: Sequence[Member], choices: Mapping[UUID, Mapping[NotificationKind, ChosenNotification]]
) -> list[Listener]:
    assert news.concerns is not None
    told = (Listener(member, choices[member.id][news.concerns]) for member in members)
    return [each for each in told if each.choice.is_on and _concerns(news, each)]


def _concerns(news: News, listener: Listener) -> bool:
    member = listener.member
    if member.joined_at > news.happened_at:
        return False
    is_own = member.user.email.casefold() == news.caused_by.casefold()
    if news.concerns in ONES_OWN:
        return is_own
    if news.concerns == NotificationKind.ORDER_ABOVE_LIMIT:
        # Whoever may approve an order is asked for it by a mail of its own.
        is_asked = news.event == "run.approval_needed" and member.may(Action.APPROVE)
        return not is_own and not is_asked and int(news.data["credits"]) > listener.choice.above_credits
    return True


def page_of(message: Message) -> str:
    """The path of the page that a message is about, `/acme/runs/3/`."""
    data = message.payload["data"]
    slug = data["organisation"]
    noun = message.event.partition(".")[0]
    if noun == "run":
        return f"/{slug}/runs/{data['run']}/"
    if noun == "model" or noun == "advice":
        return f"/{slug}/models/{data['model_id']}/" if "model_id" in data else f"/{slug}/models/"
    if message.event == "import.completed":
        return f"/{slug}/tickets/{data['data_set']}/"
    return f"/{slug}/jobs/{data['job']}/" if "job" in data else f"/{slug}/"


def mail_is_on() -> bool:
    """Whether mails leave this installation: a mail server is set up (OTAI_EMAIL_HOST)."""
    return bool(settings.EMAIL_HOST)


def is_mailed(member: Member, kind: NotificationKind) -> bool:
    """Whether the member gets a mail of this kind, at once or with the day's others."""
    return mail_is_on() and bool(member.user.email) and choices_of([member])[member.id][kind].mail != MailTiming.OFF
