"""An order above what its organisation lets pass unasked waits for somebody else's yes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from otai.billing.models import Notice
from otai.billing.operations import suspend
from otai.billing.operations.notices import compose
from otai.errors import Invalid, NotAllowed, NotFound
from otai.ledger import queries as ledger
from otai.ledger.audit import audit
from otai.orgs.actors import by_key
from otai.orgs.models import TeamEvent, User
from otai.orgs.operations import create_api_key, remove_member, revoke_api_key, set_language
from otai.orgs.permissions import Role, Scope
from otai.orgs.suspension import OrganisationSuspended
from otai.runs import approval, operations, queries, queue, spending
from otai.runs.approval import Approver, InvalidApprovalRule, OwnOrder
from otai.runs.models import ApprovalRule, Run
from otai.runs.operations import ApprovalDecided
from otai.runs.operations.approvals import _lapse as lapsed_meanwhile
from otai.serving.deletion import delete_tickets
from otai.units import MAX_CREDITS
from tests import stories
from tests.orgs.people import has_another_address, joins, person
from tests.runs.guarantees import agreed

pytestmark = pytest.mark.django_db


class Team:
    """Acme: Alice is its owner, Bob trains, Olivia pays the invoices; what costs more than 0 credits waits."""

    def __init__(self, now: datetime, folder: Path) -> None:
        self.acme = stories.acme(now)
        self.now = now
        self.members = {
            name: joins(self.acme, person(name), role, now)
            for name, role in (("alice", Role.OWNER), ("bob", Role.TRAINER), ("olivia", Role.BILLING))
        }
        self.support = stories.tickets_of(self.acme, folder, now)
        self.sets_rule(0)

    def sets_rule(self, above: int | None, **more: Any) -> None:
        approval.set_rule(organisation=self.acme, above_credits=above, who=email("alice"), now=self.now, **more)

    def orders(self, who: str = "bob", at: datetime | None = None) -> Run:
        quote = stories.quote_for(self.acme, self.support, at or self.now)
        who = email(who) if who in self.members else who
        return operations.order_run(organisation=self.acme, quote=quote.id, who=who, now=at or self.now)

    def by(self, name: str) -> Approver:
        return Approver(email(name), member=self.members[name].id)

    def approves(self, run: Run, name: str, at: datetime | None = None) -> Run:
        return operations.approve_run(
            organisation=self.acme, number=run.number, by=self.by(name), now=at or self.now + timedelta(hours=1)
        )

    def declines(self, run: Run, name: str, why: str = "not this month") -> Run:
        return operations.decline_run(
            organisation=self.acme, number=run.number, by=self.by(name), why=why, now=self.now + timedelta(hours=1)
        )

    def mails(self, template: str) -> list[str]:
        return sorted(Notice.objects.filter(template=template).values_list("recipient", flat=True))

    @property
    def balance(self) -> tuple[int, int, int]:
        found = ledger.balance(self.acme.id)
        return found.available, found.held, found.spent


def email(name: str) -> str:
    return f"{name}@acme.example"


def why_ended(run: Run) -> Any:
    last = queries.events(run).last()
    return last and last.details["why"]


@pytest.fixture
def team(db: None, now: datetime, tmp_path: Path) -> Team:
    return Team(now, tmp_path)


def test_an_order_above_it_waits_with_its_credits_held(team: Team) -> None:
    available, _, _ = team.balance
    run = team.orders()
    assert (run.status, run.approval) == ("awaiting_approval", "waiting")
    assert team.balance == (available - run.credits, run.credits, 0)
    assert queue.claim(worker="w", hardware="", now=team.now, run=run.id) is None, "nobody trains it"
    assert team.mails("approval_asked") == [email("alice"), email("olivia")]
    until = {notice.context["approval_until"] for notice in Notice.objects.filter(template="approval_asked")}
    assert until == {(team.now + timedelta(days=7)).isoformat()}
    assert [event.move for event in queries.events(run)] == ["-> awaiting_approval"]
    assert audit().clean


def test_an_order_up_to_it_and_an_order_without_a_rule_pass_unasked(team: Team) -> None:
    team.sets_rule(team.orders().credits)
    assert team.orders().status == "queued"
    team.sets_rule(None)
    assert (team.orders().status, ApprovalRule.objects.count()) == ("queued", 0)


def test_approved_it_is_queued_at_its_price_and_due_from_then_on(team: Team, settings: Any) -> None:
    run = team.orders()
    before = team.balance
    settings.OTAI_PRICE_BOOK = "tests.races.world:MANY_ORDERS"
    later = team.now + timedelta(days=6)
    approved = team.approves(run, "olivia", at=later)
    assert (approved.status, approved.approval, approved.approval_by) == ("queued", "approved", email("olivia"))
    assert (approved.queued_at, approved.credits, team.balance) == (later, run.credits, before)
    assert (approved.due_at, approved.approval_at) == (datetime(2026, 11, 8, 23, tzinfo=UTC), later)
    why = queries.events(run)[1].details["why"]
    assert why == {"code": "run.approved", "values": {"credits": run.credits}}
    assert team.mails("approval_approved") == [email("bob")]
    assert queue.claim(worker="w", hardware="", now=later, run=run.id) is not None
    assert [one.came_from for one in queries.events(run)] == ["", "awaiting_approval", "queued"]


def test_declined_it_gives_its_credits_back_and_says_why(team: Team) -> None:
    before = team.balance
    run = team.declines(team.orders(), "alice", why="  wait for\nnew tickets ")
    assert (run.status, run.ending, run.approval_why) == ("cancelled", "cancelled", "wait for new tickets")
    assert team.balance == before
    assert why_ended(run) == {"code": "run.declined", "values": {"credits": run.credits, "reason": run.approval_why}}
    assert Notice.objects.get(template="approval_declined").context["why"] == "wait for new tickets"
    for why in ("  ", "x" * 501):
        with pytest.raises(Invalid, match="at most 500 characters") as found:
            team.declines(team.orders(), "alice", why=why)
        assert (found.value.code, found.value.details["field"]) == ("reason_missing", "why")
    assert team.declines(Run.objects.latest("number"), "alice", why="x" * 500).approval_why == "x" * 500


def test_withdrawn_and_lapsed_give_the_credits_back(team: Team) -> None:
    before = team.balance
    withdrawn, lapsed = team.orders(), team.orders()
    operations.cancel_run(organisation=team.acme, number=withdrawn.number, who=email("bob"), now=team.now)
    almost, then = team.now + timedelta(days=7, seconds=-1), team.now + timedelta(days=7)
    assert operations.lapse_approvals(now=almost) == 0
    with pytest.raises(ApprovalDecided, match="could be approved until") as late:
        team.approves(lapsed, "alice", at=then)
    assert late.value.details == {"number": lapsed.number, "until": then.isoformat()}
    assert operations.lapse_approvals(now=then) == 1
    assert operations.lapse_approvals(now=then) == 0
    kinds = Run.objects.order_by("number").values_list("approval", flat=True)
    assert (list(kinds), team.balance) == (["withdrawn", "lapsed"], before)
    assert why_ended(lapsed) == {"code": "run.lapsed", "values": {"credits": lapsed.credits}}
    assert team.mails("approval_lapsed") == [email("bob")]
    assert audit().clean


def test_only_what_is_late_lapses(team: Team) -> None:
    team.sets_rule(0, days=30)
    waits = team.orders()
    team.sets_rule(0, days=1)
    late = team.orders()
    assert operations.lapse_approvals(now=team.now + timedelta(days=1)) == 1
    assert list(Run.objects.order_by("number").values_list("number", "approval")) == [
        (waits.number, "waiting"),
        (late.number, "lapsed"),
    ]


def test_what_was_decided_stays_decided(team: Team) -> None:
    run = team.approves(team.orders(), "alice")
    for again in (team.approves, team.declines):
        with pytest.raises(ApprovalDecided, match="decided before, by alice") as decided:
            again(run, "olivia")
        assert decided.value.details == {"number": run.number, "decided_by": email("alice")}
    assert lapsed_meanwhile(run.id, now=team.now + timedelta(days=8)) is False
    team.sets_rule(None)
    run = team.orders()
    with pytest.raises(ApprovalDecided, match="waits for nobody") as unasked:
        team.approves(run, "alice")
    assert unasked.value.details == {"number": run.number, "status": "queued"}


def test_nobody_approves_their_own_order_but_the_only_owner(team: Team, now: datetime) -> None:
    zoe = joins(team.acme, person("zoe"), Role.OWNER, now)
    own = team.orders("alice")
    with pytest.raises(OwnOrder, match="ordered by you"):
        team.approves(own, "alice")
    assert team.declines(team.orders("alice"), "alice").status == "cancelled", "one's own is declined alone"
    has_another_address(User.objects.get(email=email("alice")), email("alicia"), now)
    with pytest.raises(OwnOrder):
        team.approves(own, "alice")
    remove_member(organisation=team.acme, member=zoe.id, who=email("zoe"), now=now)
    assert team.approves(own, "alice").status == "queued"


def test_the_owner_of_another_organisation_is_nobody_else_who_could(team: Team, now: datetime) -> None:
    joins(stories.globex(now), person("carol"), Role.OWNER, now)
    run = team.orders("alice")
    assert team.mails("approval_asked") == [email("olivia")]
    assert team.approves(run, "alice").status == "queued"


def test_a_page_offers_it_to_whoever_may(team: Team, now: datetime) -> None:
    joins(team.acme, person("zoe"), Role.OWNER, now)
    run = team.orders("alice")
    offered = {name: approval.may_approve(run, team.by(name)) for name in team.members}
    assert offered == {"alice": False, "bob": False, "olivia": True}


def test_an_operator_decides_at_the_command_line_but_not_of_their_own(team: Team, now: datetime) -> None:
    olga = Approver("olga " * 50)
    own, run = team.orders("Olga"), team.orders()
    with pytest.raises(OwnOrder) as refused:
        operations.approve_run(organisation=team.acme, number=own.number, by=Approver("olga"), now=now)
    assert refused.value.details == {"number": own.number}
    approved = operations.approve_run(organisation=team.acme, number=run.number, by=olga, now=now)
    declined = operations.decline_run(organisation=team.acme, number=own.number, by=olga, why="mine", now=now)
    assert [one.approval_by for one in (approved, declined)] == [olga.who[:200]] * 2
    assert [one.approval_at for one in (approved, declined)] == [now] * 2


def test_a_key_of_another_organisation_decides_nothing_and_nobody_is_taken_for_its_maker(
    team: Team, now: datetime
) -> None:
    globex = stories.globex(now)
    carol = joins(globex, person("carol"), Role.OWNER, now)
    made = create_api_key(
        organisation=globex, name="nightly", scopes=[Scope.RUNS_APPROVE], who=carol.user.email, now=now
    ).key
    run = team.orders(f"nightly (API key {made.prefix})")
    assert approval.orderer(run) == run.ordered_by
    with pytest.raises(NotAllowed, match="An owner or a member for billing"):
        operations.approve_run(organisation=team.acme, number=run.number, by=Approver("nightly", key=made.id), now=now)


def test_ones_own_key_is_oneself(team: Team, now: datetime) -> None:
    joins(team.acme, person("zoe"), Role.OWNER, now)
    made = create_api_key(
        organisation=team.acme,
        name="nightly",
        scopes=[Scope.RUNS_ORDER, Scope.RUNS_APPROVE],
        who=email("alice"),
        now=now,
    ).key
    program = by_key("nightly", made.prefix)
    by_program, in_person = team.orders(program), team.orders("alice")
    for run, by in (
        (by_program, team.by("alice")),
        (by_program, Approver(program, key=made.id)),
        (in_person, Approver(program, key=made.id)),
    ):
        with pytest.raises(OwnOrder):
            operations.approve_run(organisation=team.acme, number=run.number, by=by, now=now)
    operations.approve_run(
        organisation=team.acme, number=team.orders().number, by=Approver(program, key=made.id), now=now
    )
    assert team.approves(by_program, "olivia").status == "queued"
    revoke_api_key(organisation=team.acme, key=made.id, who=email("alice"), now=now)
    with pytest.raises(NotAllowed):
        operations.approve_run(
            organisation=team.acme, number=team.orders().number, by=Approver(program, key=made.id), now=now
        )


def test_a_key_decides_by_its_own_scopes_and_not_by_anothers(team: Team, now: datetime) -> None:
    scopes = {"nightly": [Scope.RUNS_APPROVE], "reports": [Scope.RUNS_ORDER]}
    keys = {
        name: create_api_key(organisation=team.acme, name=name, scopes=may, who=email("alice"), now=now).key
        for name, may in scopes.items()
    }
    run = team.orders()
    assert [approval.may_approve(run, Approver(name, key=key.id)) for name, key in keys.items()] == [True, False]


def test_who_is_no_approver_any_more_decides_nothing(team: Team, now: datetime) -> None:
    run = team.orders()
    with pytest.raises(NotAllowed, match="An owner or a member for billing"):
        team.approves(run, "bob")
    remove_member(organisation=team.acme, member=team.members["olivia"].id, who=email("alice"), now=now)
    for decide in (team.approves, team.declines):
        with pytest.raises(NotAllowed):
            decide(run, "olivia")
    carol = joins(stories.globex(now), person("carol"), Role.OWNER, now)
    with pytest.raises(NotAllowed):
        operations.approve_run(
            organisation=team.acme, number=run.number, by=Approver("carol", member=carol.id), now=now
        )
    with pytest.raises(NotFound) as nobodys:
        operations.approve_run(
            organisation=carol.organisation, number=run.number, by=Approver("carol", member=carol.id), now=now
        )
    assert (nobodys.value.case, nobodys.value.details) == ("run", {"number": run.number})


def test_an_order_of_somebody_who_left_can_still_be_decided(team: Team, now: datetime) -> None:
    run = team.orders()
    remove_member(organisation=team.acme, member=team.members["bob"].id, who=email("alice"), now=now)
    assert team.approves(run, "alice").status == "queued"
    assert team.mails("approval_approved") == [], "who left is told nothing any more"
    joins(stories.globex(now), User.objects.get(email=email("bob")), Role.TRAINER, now)
    team.declines(team.orders(), "alice")
    assert team.mails("approval_declined") == [], "also where they work now"


def test_what_waits_counts_in_its_month_and_a_limit_refuses_first(team: Team) -> None:
    price = team.orders().credits
    spending.set_limit(
        organisation=team.acme, member=email("bob"), monthly_credits=price, who=email("alice"), now=team.now
    )
    with pytest.raises(spending.SpendLimitReached):
        team.orders()
    team.declines(Run.objects.get(), "alice")
    assert team.orders().status == "awaiting_approval"


def test_tickets_that_an_order_waits_for_are_not_deleted(team: Team) -> None:
    run = team.orders()
    with pytest.raises(Exception, match=str(run.number)):
        delete_tickets(organisation=team.acme, data_sets=[team.support], who=email("alice"), now=team.now)
    team.declines(run, "alice")
    delete_tickets(organisation=team.acme, data_sets=[team.support], who=email("alice"), now=team.now)


def test_an_included_run_costs_nothing_and_waits_for_nobody(team: Team, tmp_path: Path) -> None:
    many = stories.write_tickets(tmp_path / "many.csv", tickets=300)
    enough = stories.import_tickets(organisation=team.acme, name="many", source=many, now=team.now)
    agreed(team.acme, enough, team.now)
    quote = stories.quote_for(team.acme, enough, team.now)
    run = operations.order_included_run(organisation=team.acme, quote=quote.id, who=email("bob"), now=team.now)
    assert (run.status, run.approval) == ("queued", "")


def test_who_changed_the_rule_from_what_to_what_is_remembered(team: Team, now: datetime) -> None:
    team.sets_rule(20, days=3)
    team.sets_rule(20, days=3)
    team.sets_rule(None)
    found = spending.changes(team.acme).order_by("at", "id").values_list("who", "details__before", "details__after")
    rule = {"above_credits": 20, "days": 3}
    first = {"above_credits": 0, "days": 7}
    assert [(before, after) for _, before, after in found] == [(None, first), (first, rule), (rule, None)]
    assert {who for who, _, _ in found} == {email("alice")}
    spending.set_limit(organisation=team.acme, member="", monthly_credits=9, who=email("olivia"), now=now)
    event = TeamEvent.objects.filter(what="spend_limit_changed").get()
    assert (event.who, event.subject, event.details) == (email("olivia"), "", {"before": None, "after": 9})


@pytest.mark.parametrize(("above", "days"), [(-1, 7), (10**12, 7), (5, 0), (5, 31)])
def test_what_is_no_rule_is_refused(team: Team, above: int, days: int) -> None:
    with pytest.raises(InvalidApprovalRule) as refused:
        team.sets_rule(above, days=days)
    bounds = (
        {"least": 1, "most": 30, "field": "days"} if above == 5 else {"most": MAX_CREDITS, "field": "above_credits"}
    )
    assert (refused.value.case, refused.value.details) == ("days" if above == 5 else "credits", bounds)
    assert ApprovalRule.objects.get().above_credits == 0
    team.sets_rule(MAX_CREDITS, days=30)
    found = ApprovalRule.objects.get()
    assert (found.above_credits, found.days, found.set_by, found.set_at) == (
        MAX_CREDITS,
        30,
        email("alice"),
        team.now,
    )


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("approval = 'perhaps'", "trains_only_where_approved_if_asked|approval_is_decided"),
        ("status = 'queued'", "trains_only_where_approved_if_asked"),
        ("approval = ''", "trains_only_where_approved_if_asked|waits_for_approval_until"),
        ("approval_until = NULL", "waits_for_approval_until_a_time"),
        ("status = 'queued', approval = 'approved'", "approval_is_decided_by_somebody"),
        ("approval_by = 'bob'", "approval_is_decided_by_somebody"),
        ("approval_why = 'because'", "says_why_exactly_when_declined"),
    ],
)
def test_the_database_lets_nothing_train_that_nobody_approved(team: Team, change: str, rule: str) -> None:
    team.orders()
    with pytest.raises(IntegrityError, match=rule), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE runs_run SET {change}")


def test_the_database_knows_no_rule_that_holds_credits_for_ever(team: Team) -> None:
    with (
        pytest.raises(IntegrityError, match="holds_credits_for_1_to_30_days"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE runs_approval_rule SET days = 31")


def test_an_organisation_has_one_rule(team: Team, now: datetime) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ApprovalRule.objects.create(organisation=team.acme, above_credits=1, days=1, set_by="alice", set_at=now)


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_each_mail_says_which_order_and_where_in_its_readers_language(team: Team, language: str) -> None:
    for member in team.members.values():
        set_language(user=member.user, language=language)
    team.approves(team.orders(), "alice")
    team.declines(team.orders(), "alice", why="nicht <jetzt> & nie")
    operations.cancel_run(organisation=team.acme, number=team.orders().number, who=email("alice"), now=team.now)
    team.orders()
    operations.lapse_approvals(now=team.now + timedelta(days=8))
    written = {notice.template: compose(notice) for notice in Notice.objects.filter(template__startswith="approval")}
    assert sorted(written) == [f"approval_{what}" for what in ("approved", "asked", "declined", "lapsed", "withdrawn")]
    for number, what in ((1, "approved"), (2, "declined"), (3, "withdrawn"), (4, "lapsed")):
        mail = written[f"approval_{what}"]
        assert mail.subject.rstrip().endswith(str(number)) and f"/acme/runs/{number}/" in mail.body
    assert "nicht <jetzt> & nie" in written["approval_declined"].body
    asked = written["approval_asked"].body
    assert email("bob") in asked and "{" not in asked
    assert email("alice") in written["approval_approved"].body and email("alice") in written["approval_declined"].body


def test_a_suspended_organisation_approves_nothing(team: Team, now: datetime) -> None:
    run = team.orders()
    suspend(organisation=team.acme, who="olga", why="unpaid for months", now=now)
    with pytest.raises(OrganisationSuspended):
        team.approves(run, "alice")
    assert team.declines(run, "alice").status == "cancelled"
