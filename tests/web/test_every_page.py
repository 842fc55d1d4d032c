"""What holds for every page there is: found in the URL table, so a new page is covered at once."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, reverse

from otai.billing import operations as billing
from otai.billing import queries
from otai.db import utc_now
from otai.helpdesks import operations as helpdesks
from otai.helpdesks.connecting import System
from otai.orgs.models import AccessEvent, Member, Organisation, RequestMinute, TeamEvent
from otai.orgs.operations import create_api_key, invite
from otai.orgs.permissions import Role
from otai.outbound.operations import create_endpoint, send_test
from otai.pricing.price_book import Tier
from otai.privacy.exports import ask_for_export, make_exports
from otai.runs.executors.local import LocalExecutor
from otai.runs.testing import FakeExecutor
from otai.runs.worker import Worker
from otai.serving.models import Advice, ModelVersion
from otai.serving.operations import register_completed_runs
from otai.tickets.files import file_store
from otai.web import urls
from tests import stories
from tests.api.everything import asked_about, said_of
from tests.billing.people import transfer
from tests.orgs.people import person
from tests.web.labelled_cells import mislabelled
from tests.web.test_sign_in_attacks import addresses
from tests.web.visitors import browser, member_of, of

pytestmark = pytest.mark.django_db(transaction=True)

queries_of_a_page = 30
"""No page asks more, however much there is to show."""

BOOKS = {"code", "name"}
"""Arguments that mean the same for everybody."""


def routes() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Names and arguments of all addresses below `/<slug>/`."""

    def walk(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns)
            else:
                yield pattern

    for pattern in walk(urls.urlpatterns):
        arguments = tuple(pattern.pattern.converters)
        if arguments[:1] == ("slug",):
            assert pattern.name, f"{pattern.pattern} has no name"
            yield f"web:{pattern.name}", arguments


ROUTES = list(routes())


@dataclass(frozen=True)
class World:
    """Acme with one of each thing, and what stands for each argument of an address."""

    acme: Organisation
    globex: Organisation
    things: dict[str, dict[str, Any]]
    alice: Client
    carol: Client

    def address(self, name: str, arguments: tuple[str, ...], *, slug: str = "acme") -> str:
        given: dict[str, Any] = {"slug": slug}
        for argument in arguments[1:]:
            known = (
                self.things.get(name, {}) | self.things["*"]
                if argument not in self.things.get(name, {})
                else self.things[name]
            )
            if argument not in known:
                pytest.fail(f"{name} needs {argument!r}: say in tests/web/test_every_page.py what stands for it")
            given[argument] = known[argument]
        return reverse(name, kwargs=given)


def make_world(tmp_path: Path) -> World:
    now = utc_now() - timedelta(hours=2)
    acme, globex = stories.acme(now, tier=Tier.PRO), stories.globex(now)
    alice, carol = member_of(acme, "alice", Role.OWNER, now), member_of(globex, "carol", Role.OWNER, now)
    member = member_of(acme, "bob", Role.TRAINER, now)
    invitation = invite(organisation=acme, email="dora@acme.example", role=Role.VIEWER, who="alice", now=now)
    key = create_api_key(organisation=acme, name="till", scopes=["read"], who="alice", now=now)
    billing.set_billing_details(
        organisation=acme,
        name="Acme GmbH",
        street="Hauptstr. 1",
        postcode="10115",
        city="Berlin",
        country="DE",
        email="billing@acme.example",
        who="alice",
        now=now,
    )
    purchase = billing.buy(organisation=acme, package="10", key="k", who="alice", now=now).purchase
    paid = billing.buy(organisation=acme, package="10", key="k2", who="alice", now=now).purchase
    transfer(paid, now)
    [invoice] = queries.invoices(acme)
    method, checkout = stories.a_kept_method_and_a_page(acme, purchase, now)
    data_set = stories.searchable(stories.tickets_of(acme, tmp_path, now), tmp_path, now)
    run = trained(acme, data_set, now)
    stories.ordered(acme, data_set, now)
    [version] = register_completed_runs(now=now)
    endpoint = create_endpoint(organisation=acme, url="https://hooks.acme.example/otai", who="alice", now=now).endpoint
    export = ask_for_export(organisation=acme, who="alice", now=now)
    make_exports(now=now)
    things = {
        "*": {
            "export": export.id,
            "reference": purchase.reference,
            "code": "10",
            "number": run.number,
            "method": method.id,
            "checkout": checkout.id,
            "position": 0,
            "member": member.id,
            "invitation": invitation.invitation.id,
            "key": key.key.id,
            "data_set": data_set.id,
            "upload": uuid.uuid4(),
            "job": stories.waiting_job(acme, tmp_path, now).id,
            "model": version.model_id,
            "tier": "pro",
            "advice": advised(version, now).id,
            "row": 0,
            "item": asked_about(version).id,
            "statement": said_of(version, now).id,
            "endpoint": endpoint.id,
            "helpdesk": helpdesks.connect(
                organisation=acme,
                system=System.ZAMMAD,
                address="https://helpdesk.acme.example",
                token="t",
                who="alice",
                now=now,
            ).id,
            "delivery": send_test(organisation=acme, endpoint=endpoint.id, who="alice", now=now).id,
        },
        "web:help_page": {"name": "importing"},
        "web:invoices_of_month": {"month": invoice.issued_on.strftime("%Y-%m")},
        "web:invoice_pdf": {"number": invoice.number},
        "web:invoice_xml": {"number": invoice.number},
        "web:download_version": {"number": version.number},
        "web:try_version": {"number": version.number},
    }
    return World(acme, globex, things, of(alice), of(carol))


def advised(version: ModelVersion, now: datetime) -> Advice:
    renamed = {"renamed": {"network": "networks"}, "split": {}, "joined": {}, "added": [], "removed": []}
    said = {"evidence": [{"kind": "labels", "attribute": "queue", **renamed}], "chart": {}, "reason": "labels_changed"}
    return Advice.objects.create(
        version=version, kind="labels_changed", found_at=now, checked_at=now, attributes=["queue"], credits=1, **said
    )


FORM = {"role": "viewer", "tier": "community", "key": "1", "gateway": "bank_transfer", "attribute": "queue"}
"""What a forged form might send: enough to get past what only looks at the form."""

LEARNT: dict[str, Any] = {}
"""Bundle and report card of one real training; the worlds after the first play it again."""


def trained(acme: Organisation, data_set: Any, now: datetime) -> Any:
    run = stories.ordered(acme, data_set, now)
    Worker(FakeExecutor(**LEARNT) if LEARNT else LocalExecutor(), clock=lambda: now).work_once()
    run.refresh_from_db()
    assert run.status == "completed", run.failure_message
    if not LEARNT:
        LEARNT["report_card"] = run.report_card
        LEARNT["model"] = file_store().local_path(run.bundle_file).read_bytes()
    return run


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def everything() -> dict[str, int]:
    """How many rows each table has; sessions apart, which any visit may make, and what was
    refused."""
    return {
        model._meta.db_table: model._default_manager.count()
        for model in apps.get_models()
        if model._meta.app_label not in ("sessions", "usersessions") and model not in (AccessEvent, RequestMinute)
    }


@pytest.mark.pure
def test_nobody_from_outside_sees_or_changes_anything_of_acme(world: World) -> None:
    assert len(ROUTES) > 30
    before = everything()
    carol_of_globex_gets_404_for_everything(world)
    strangers_are_sent_to_sign_in(world)
    a_form_from_elsewhere_is_refused(world)
    assert everything() == before


def carol_of_globex_gets_404_for_everything(world: World) -> None:
    shown = []
    for name, arguments in ROUTES:
        foreign = [world.address(name, arguments)]
        if set(arguments[1:]) - BOOKS:
            # In her own organisation, with acme's things.
            foreign.append(world.address(name, arguments, slug="globex"))
        for address in foreign:
            for method in ("get", "post"):
                answer = getattr(world.carol, method)(address, FORM if method == "post" else None)
                if answer.status_code not in (404, 405):
                    shown.append((method, address, answer.status_code))
                if not answer.streaming and b"Acme" in answer.content:
                    shown.append((method, address, "names Acme"))
    assert shown == []


def strangers_are_sent_to_sign_in(world: World) -> None:
    for name, arguments in ROUTES:
        for method in ("get", "post"):
            address = world.address(name, arguments)
            answer = getattr(browser(), method)(address)
            assert answer.status_code in (302, 405), (method, address, answer.status_code)
            if answer.status_code == 302:
                assert answer.headers["Location"].startswith("/account/login/"), address


def a_form_from_elsewhere_is_refused(world: World) -> None:
    strict = Client(headers={"host": "localhost"}, enforce_csrf_checks=True)
    strict.cookies = world.alice.cookies
    for name, arguments in ROUTES:
        answer = strict.post(world.address(name, arguments))
        assert answer.status_code in (403, 405), (name, answer.status_code)


INLINE = re.compile(
    r"<[^>]+\s(?:style|on[a-z]+)\s*=|<style\b|<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", re.I
)
FROM_ELSEWHERE = re.compile(
    r"<(?!a\b)[^>]+\b(?:src|href|action|srcset|data|poster|formaction)=[\"']?(?:https?:)?//", re.I
)


OPENER = re.compile(r"<[^<>]*data-opens=\"([^\"]*)\"[^<>]*>")


def dialogs(world: World, name: str, address: str, text: str) -> Iterator[str]:
    """The dialogs that a page opens: each opener leads, without scripts, to a page with the same form."""
    for opener in OPENER.finditer(text):
        which, tag = opener.group(1), opener.group()
        assert tag.startswith("<a ") and f'href="?dialog={which}"' in tag, (name, tag)
        if f'<dialog id="{which}"' not in text:
            assert name == "web:run_now", f"{name}: only a part of a page has its dialogs elsewhere, in the page"
            continue
        alone = world.alice.get(address, {"dialog": which}).content.decode()
        assert "<dialog" not in alone and alone.count("<h1") == 1, (name, which)
        shown = alone[alone.index('class="card dialog-page"') :]
        assert re.search(r'<form[^>]* method="post"[^>]* action="/', shown) and 'href="?"' in shown, (name, which)
        yield which
    assert "hx-confirm" not in text and "hx-prompt" not in text, "questions that only scripts ask"


def test_no_page_has_anything_inline_or_from_another_origin_and_every_dialog_is_a_page(world: World) -> None:
    """What comes as a file instead is declared to be one."""
    looked_at, files, opened = 0, set(), set()
    for name, arguments in ROUTES:
        page = world.alice.get(world.address(name, arguments))
        if "attachment" in page.headers.get("Content-Disposition", ""):
            files.add(name.removeprefix("web:"))
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        if page.status_code != 200 or not page.headers["Content-Type"].startswith("text/html"):
            continue
        if "attachment" in page.headers.get("Content-Disposition", ""):
            continue
        looked_at += 1
        text = page.content.decode()
        assert not INLINE.search(text), (name, INLINE.search(text))
        assert not FROM_ELSEWHERE.search(text), (name, FROM_ELSEWHERE.search(text))
        assert 'class="frame"' not in text or 'id="help-of-page"' in text, f"{name}: say in HELP_OF what explains it"
        assert mislabelled(text) == [], name
        opened |= {(name, which) for which in dialogs(world, name, world.address(name, arguments), text)}
    assert looked_at > 15
    assert files and files <= {address.name for address in addresses() if address.downloads}
    assert len({name for name, _ in opened}) >= 7, opened
    page = world.alice.get("/acme/account/", {"dialog": "no-such"}).content.decode()
    assert '<dialog id="leave"' in page, "an address that names no dialog shows the page"


@pytest.mark.pure
def test_no_operator_who_looks_gets_a_file(world: World) -> None:
    declared = {address.name for address in addresses() if address.downloads}
    olga = person("olga", at="vendor.example")
    olga.is_staff = olga.is_superuser = True
    olga.save()
    looking = browser()
    looking.force_login(olga)
    owner = Member.objects.get(organisation=world.acme, user__email="alice@acme.example")
    looking.post(f"/desk/look-as/{world.acme.id}/", {"member": str(owner.id), "why": "ticket 4711"})
    assert looking.get("/acme/").status_code == 200
    for name, arguments in ROUTES:
        if name.removeprefix("web:") in declared:
            assert looking.get(world.address(name, arguments)).status_code == 403, name
    card = world.address("web:report_card_html", ("slug", "number"))
    assert (looking.get(card).status_code, looking.get(f"{card}?download").status_code) == (200, 403)
    assert not TeamEvent.objects.filter(what="export_downloaded").exclude(who="alice@acme.example").exists()


def counted(world: World) -> dict[str, int]:
    found = {}
    for name, arguments in ROUTES:
        with CaptureQueriesContext(connection) as asked:
            page = world.alice.get(world.address(name, arguments))
            # What is streamed asks while it is read.
            if page.streaming and not page.is_async:
                b"".join(page.streaming_content)
        if page.status_code == 200:
            found[name] = len(asked)
    return found


@pytest.mark.pure
def test_pages_ask_few_questions_and_no_more_when_there_is_more_to_show(
    world: World, tmp_path: Path, settings: Any
) -> None:
    # Of a person's sixtieth page within a minute the database is told.
    settings.OTAI_PAGES_PER_MINUTE = settings.OTAI_COSTLY_PAGES_PER_MINUTE = 1_000_000
    more(world, tmp_path / "some", 2)
    counted(world)  # what is kept in memory after the first visit is not counted
    before = counted(world)
    more(world, tmp_path / "more", 3)
    counted(world)
    after = counted(world)
    assert len(after) > 15
    assert {name: count for name, count in after.items() if count > queries_of_a_page} == {}
    assert {name: (before.get(name), count) for name, count in after.items() if count > before.get(name, 0)} == {}


def more(world: World, folder: Path, count: int) -> None:
    """More of everything: tickets, runs, models, orders, movements, members."""
    now = utc_now() - timedelta(hours=1)
    folder.mkdir()
    for n in range(count):
        name = f"{folder.name} {n}"
        data_set = stories.tickets_of(world.acme, folder, now, name=name)
        stories.ordered(world.acme, data_set, now)
        billing.give_goodwill(organisation=world.acme, credits=2, who="op", why="Sorry about that", key=name, now=now)
        # Not counted: at most three orders of a person wait for their money.
        billing.buy(organisation=world.acme, package="10", key=name, who="alice", now=now, automatic=True)
        member_of(world.acme, f"{folder.name}{n}", Role.VIEWER, now)
    while Worker(FakeExecutor(**LEARNT), clock=lambda: now).work_once() is not None:
        continue
    register_completed_runs(now=now)
