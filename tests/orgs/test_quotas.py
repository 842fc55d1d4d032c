"""How much an organisation may have at once: the bound holds with many at once, says what lifts it, and an operator
lifts it for one organisation."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from typer.testing import CliRunner

from otai.api.rates import count_organisation
from otai.db import new_id, utc_now
from otai.errors import OtaiError
from otai.jobs.folders import uploads_folder
from otai.jobs.models import Job
from otai.orgs import quotas
from otai.orgs.concurrency_limits import SharedPlaces
from otai.orgs.models import Organisation, QuotaLift, RequestMinute, TeamEvent
from otai.orgs.operations import create_api_key
from otai.orgs.permissions import Role
from otai.orgs.quotas import Quota, QuotaReached
from otai.orgs.rates import SharedRates
from otai.orgs.streams import Places, StreamLimits, TooManyStreams
from otai.pricing.price_book import PRICE_BOOK, TierQuotas
from otai.pricing.published import read
from otai.runs.models import Quote
from otai.serving.feedback import RENAMED
from otai.tickets import jobs, versions, waiting_uploads
from otai.tickets.files import file_store
from otai.tickets.models import DataSet, UploadWaiting
from tests import stories
from tests.orgs.people import joins, person
from tests.pricing.book import BOOK_WITH_YEARS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def acme() -> Organisation:
    organisation = stories.acme(utc_now())
    joins(organisation, person("alice"), Role.OWNER, utc_now())
    return organisation


@pytest.fixture
def alice(acme: Organisation) -> Client:
    client = Client()
    client.force_login(acme.members.get().user)
    return client


@pytest.fixture
def support(acme: Organisation, tmp_path: Path) -> DataSet:
    return stories.tickets_of(acme, tmp_path, utc_now())


def bounded(organisation: Organisation, quota: Quota, most: int | None) -> None:
    quotas.lift(organisation=organisation, quota=quota, most=most, who="olga", why="a story", now=utc_now())


def many_at_once(times: int, work: Callable[[], Any]) -> list[str]:
    """What became of each: "done", or the code of its refusal."""
    together, ended = Barrier(times), []

    def one() -> None:
        together.wait(timeout=20)
        try:
            work()
            ended.append("done")
        except OtaiError as refused:
            ended.append(refused.code)
        finally:
            connection.close()

    threads = [Thread(target=one) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return sorted(ended)


@pytest.mark.pure
def test_quotas_are_those_of_the_book_and_books_of_before_have_none() -> None:
    assert {quota.value for quota in Quota} == set(TierQuotas.__dataclass_fields__) - {"reason"}
    for terms in BOOK_WITH_YEARS.tiers.values():
        assert all(getattr(terms.quotas, quota.value) > 0 for quota in Quota)
    assert {terms.quotas.data_sets for terms in read("2026-11e").tiers.values()} == {None}


def test_many_quotes_at_once_do_not_get_past_the_bound(acme: Organisation, support: DataSet) -> None:
    bounded(acme, Quota.OPEN_QUOTES, 3)
    ended = many_at_once(6, lambda: stories.quote_for(acme, support, utc_now()))
    assert ended == ["done"] * 3 + ["quota_reached"] * 3
    assert Quote.objects.count() == quotas.used(acme.id, Quota.OPEN_QUOTES) == 3
    with pytest.raises(QuotaReached, match=r"3 of your quotes are open, of 3 that can be in Community. Order"):
        stories.quote_for(acme, support, utc_now())
    # One that has expired counts no more; nor does globex count.
    gone = utc_now() - timedelta(hours=1)
    Quote.objects.update(made_at=gone - timedelta(minutes=30), expires_at=gone, due_at=gone)
    stories.quote_for(acme, support, utc_now())


def test_many_imports_at_once_do_not_get_past_the_bound(acme: Organisation, tmp_path: Path) -> None:
    bounded(acme, Quota.IMPORTS, 2)
    numbers = iter(range(10))

    def asks() -> None:
        number = next(numbers)
        source = stories.write_tickets(tmp_path / f"{number}.csv", tickets=20, seed=number)
        jobs.ask_for_import(
            organisation=acme, name=f"set-{number}", source=source, filename=source.name, who="alice", now=utc_now()
        )

    assert many_at_once(5, asks) == ["done"] * 2 + ["quota_reached"] * 3
    assert Job.objects.filter(kind="import").count() == 2


def test_many_uploads_at_once_do_not_get_past_the_bound(acme: Organisation) -> None:
    bounded(acme, Quota.WAITING_UPLOADS, 2)
    ended = many_at_once(5, lambda: waiting_uploads.keep(acme, filename="a.csv", chunks=[b"a"]))
    there = list((uploads_folder() / str(acme.pk)).glob("*"))
    assert len(there) == ended.count("done") == quotas.used(acme.id, Quota.WAITING_UPLOADS) == 2
    with pytest.raises(QuotaReached, match=r"2 of your files wait .* of 2 that can in Community. Import or delete one"):
        waiting_uploads.keep(acme, filename="b.csv", chunks=[b"b"])


def test_uploads_are_counted_over_all_machines(acme: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    bounded(acme, Quota.WAITING_UPLOADS, 2)
    kept = waiting_uploads.keep(acme, filename="a.csv", chunks=[b"a"])
    # As another machine sees it: the row, and none of the files.
    kept.path.parent.rename(kept.path.parent.with_name("elsewhere"))
    shutil.rmtree(kept.path.parent.with_name("elsewhere"))
    assert quotas.used(acme.id, Quota.WAITING_UPLOADS) == 0, "gone from here, whatever a row says"
    UploadWaiting.objects.update(machine="another")
    assert quotas.used(acme.id, Quota.WAITING_UPLOADS) == 1
    here = waiting_uploads.keep(acme, filename="b.csv", chunks=[b"b"])
    with pytest.raises(QuotaReached):
        waiting_uploads.keep(acme, filename="c.csv", chunks=[b"c"])
    waiting_uploads.drop(here)
    assert UploadWaiting.objects.count() == 1
    UploadWaiting.objects.update(kept_at=utc_now() - timedelta(days=1, minutes=1))
    assert quotas.used(acme.id, Quota.WAITING_UPLOADS) == 0, "a machine that never came back holds no place for ever"
    UploadWaiting.objects.update(kept_at=utc_now() - timedelta(days=3))
    waiting_uploads.keep(acme, filename="d.csv", chunks=[b"d"])
    assert UploadWaiting.objects.count() == 1


def test_data_sets_and_their_bytes_are_bounded_and_deleting_makes_room(
    acme: Organisation, support: DataSet, tmp_path: Path
) -> None:
    bounded(acme, Quota.DATA_SETS, 1)
    source = stories.write_tickets(tmp_path / "new.csv", seed=2)
    with pytest.raises(QuotaReached, match=r"1 of the 1 data sets that you can have in Community. Delete one"):
        stories.import_tickets(organisation=acme, name="other", source=source, now=utc_now())
    version = stories.import_tickets(organisation=acme, name="support", source=source, now=utc_now())
    assert version.version == 2, "a new version of one is no further data set"
    bounded(acme, Quota.DATA_SETS, None)
    bounded(acme, Quota.STORAGE, support.bytes + version.bytes)
    assert quotas.used(acme.id, Quota.STORAGE) == support.bytes + version.bytes
    with pytest.raises(QuotaReached, match=r"MB that you can have in Community, and this would be more. Delete"):
        stories.import_tickets(organisation=acme, name="other", source=source, now=utc_now())
    assert DataSet.objects.count() == 2, "a refusal writes nothing"


def test_a_version_made_by_a_correction_is_held_to_the_bound_too(acme: Organisation, support: DataSet) -> None:
    bounded(acme, Quota.STORAGE, support.bytes + 10)
    with pytest.raises(QuotaReached) as refused:
        versions.next_version(support, mapping={"queue": {"network": "net"}}, made_as=RENAMED, now=utc_now())
    assert refused.value.details["quota"] == "storage_bytes"
    assert DataSet.objects.count() == 1
    assert len(file_store().paths(f"tickets/{acme.id}")) == 1, "its file is gone"


def test_streams_are_bounded_by_the_tier_and_by_the_setting(acme: Organisation) -> None:
    bounded(acme, Quota.STREAMS, 2)
    standing: Any = SimpleNamespace(organisation=acme.id, who="user:1")
    places = Places(StreamLimits(member=9, organisation=3, server=9), shared=SharedPlaces())
    held = [places.take(standing), places.take(standing)]
    assert quotas.used(acme.id, Quota.STREAMS) == 2
    with pytest.raises(TooManyStreams, match="2 live streams are open already"):
        places.take(standing)
    bounded(acme, Quota.STREAMS, 9)
    held.append(places.take(standing))
    with pytest.raises(TooManyStreams, match="3 live streams"):
        places.take(standing)
    assert len(held) == 3


def test_requests_are_counted_over_all_processes(acme: Organisation) -> None:
    bounded(acme, Quota.REQUESTS, 100)
    processes, clock = [SharedRates() for _ in range(3)], 60_000_000.0

    def let_in(at: float) -> int:
        answers = [count_organisation(acme.id, rates=processes[number % 3], clock=at) for number in range(150)]
        return sum(not answer[0].exceeded for answer in answers if answer)

    assert let_in(clock) == 100
    assert RequestMinute.objects.get().taken == 100
    assert let_in(clock + 30) == 0
    assert let_in(clock + 60) == 100, "the next minute is another"
    # At once from many threads of one process: not one more.
    busy = SharedRates()
    passed: list[bool] = []

    def asks() -> None:
        for _ in range(40):
            answer = count_organisation(acme.id, rates=busy, clock=clock + 120)
            assert answer is not None
            passed.append(not answer[0].exceeded)

    many_at_once(4, asks)
    assert sum(passed) == 100
    assert RequestMinute.objects.filter(minute__lt=clock // 60).count() == 0


def test_a_program_is_told_the_bound_how_long_to_wait_and_what_lifts_it(acme: Organisation, alice: Client) -> None:
    bounded(acme, Quota.REQUESTS, 3)
    made = create_api_key(organisation=acme, name="ci", scopes=["read"], who="alice", now=utc_now())
    as_key = {"Authorization": f"Bearer {made.secret}"}
    answers = [Client().get("/api/v1/organisation/quotas", headers=as_key) for _ in range(5)]
    # A minute may end between two of them.
    refused = answers[-1] if answers[-1].status_code == 429 else answers[-2]
    assert answers[0].status_code == 200 and refused.status_code == 429
    assert 1 <= int(refused["Retry-After"]) <= 60
    said = refused.json()["error"]
    assert said["code"] == "too_many_requests"
    assert "3 requests of your organisation in this minute, of 3 in Community" in said["message"]
    items = {one["quota"]: one for one in answers[0].json()["items"]}
    assert items["requests_a_minute"]["is_lifted"] and items["data_sets"] == {
        "quota": "data_sets",
        "used": 0,
        "most": PRICE_BOOK.tiers[stories.Tier.COMMUNITY].quotas.data_sets,
        "is_lifted": False,
    }


def test_a_refusal_of_the_page_says_what_lifts_it_in_every_language(alice: Client, acme: Organisation) -> None:
    bounded(acme, Quota.WAITING_UPLOADS, 0)
    for language, words in (
        ("en", "of your files wait"),
        ("de", "Dateien warten darauf"),
        ("fr", "fichiers attendent"),
    ):
        alice.cookies["otai_language"] = language
        sent = {"file": SimpleUploadedFile("a.csv", b"subject,queue\na,b\n", "text/csv")}
        answer = alice.post("/acme/tickets/upload", sent, follow=True)
        assert words in answer.content.decode(), language


def test_alice_sees_what_there_is_and_may_be(alice: Client, acme: Organisation, support: DataSet) -> None:
    page = alice.get("/acme/team/organisation/").content.decode()
    assert "How much there may be" in page and "Open quotes" in page and "set for you" not in page
    bounded(acme, Quota.OPEN_QUOTES, None)
    page = alice.get("/acme/team/organisation/").content.decode()
    assert "set for you" in page and "no bound" in page and "Bound set by us: open_quotes" in page


def test_an_operator_sets_a_bound_and_takes_it_back(acme: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    from otai.cli.main import app

    monkeypatch.setenv("OTAI_ACTOR", "olga")
    own = PRICE_BOOK.tiers[stories.Tier.COMMUNITY].quotas.data_sets

    def otai(*words: object) -> str:
        done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    assert "data_sets: 77 now" in otai("org", "set-quota", "data_sets", 77, "--why", "a large helpdesk")
    assert "its own" in otai("org", "quotas")
    assert quotas.bounds(acme.id)[Quota.DATA_SETS] == quotas.QuotaBound(77, "Community", is_lifted=True)
    assert f"data_sets: {own} now" in otai("org", "set-quota", "data_sets", "--reset", "--why", "done")
    told = TeamEvent.objects.filter(what=quotas.LIFTED).order_by("at", "id")
    assert [(one.details["before"], one.details["after"], one.who) for one in told] == [
        (own, 77, "olga"),
        (77, own, "olga"),
    ]
    with pytest.raises(quotas.InvalidQuota):
        quotas.lift(organisation=acme, quota=Quota.STREAMS, most=-1, who="olga", why="x", now=utc_now())
    with pytest.raises(quotas.InvalidQuota):
        quotas.lift(organisation=acme, quota=Quota.STREAMS, most=1, who="olga", why=" ", now=utc_now())


def test_olga_sets_a_bound_at_the_desk(acme: Organisation) -> None:
    from otai.orgs.models import User

    desk = Client()
    desk.force_login(User.objects.create_superuser("olga", "olga@vendor.example", "a long passphrase"))
    address = reverse("admin:orgs_organisation_act", args=[acme.pk, "set-quota"])
    answer = desk.post(address, {"quota": "streams", "most": "7", "why": "a wall of screens"}, follow=True)
    assert "streams: 7 now" in answer.content.decode() and "of 7 (its own)" in answer.content.decode()


def test_the_database_refuses(acme: Organisation, now: datetime) -> None:
    bounded(acme, Quota.STREAMS, 7)
    lifted = {"organisation": acme, "quota": "streams", "set_by": "olga", "why": "x", "set_at": now}
    for rule, changes in (
        ("orgs_quota_lift_is_set_once|UNIQUE", {}),
        ("orgs_quota_lift_says_who_and_why", {"quota": "data_sets", "why": ""}),
    ):
        with pytest.raises(IntegrityError, match=rule), transaction.atomic():
            QuotaLift.objects.create(**(lifted | changes))
    with pytest.raises(IntegrityError, match="tickets_upload_waiting_is_somewhere"), transaction.atomic():
        UploadWaiting.objects.create(id=new_id(), organisation=acme, machine="", kept_at=now)
    RequestMinute.objects.create(who="user:1", minute=1)
    for rule, row in (
        (r"orgs_request_minute_is_counted_in_one_row|UNIQUE", {"who": "user:1", "minute": 1}),
        ("orgs_request_minute_is_somebodys", {"who": "", "minute": 1}),
    ):
        with pytest.raises(IntegrityError, match=rule), transaction.atomic():
            RequestMinute.objects.create(**row)
