"""Whoever reads another language finds no English sentence, on any page: found in the URL table, in an invented
language and in French."""

from __future__ import annotations

import html
import re
import zoneinfo
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from otai.billing.gateway import PaymentDeclined
from otai.billing.models import CreditWatch
from otai.db import utc_now
from otai.jobs import operations as jobs
from otai.learning.errors import InputFailure
from otai.learning.evidence.report_card import Coverage
from otai.outbound.models import Endpoint
from otai.outbound.operations import change_endpoint
from otai.outbound.operations.delivering import deliver_due
from otai.outbound.sending import Reply
from otai.runs.executors import Failed
from otai.runs.guarantee.operations import agree
from otai.runs.guarantee_status import GuaranteeStatus
from otai.runs.models import Run
from otai.runs.testing import FakeExecutor
from otai.runs.worker import Worker
from otai.tickets.jobs import ask_for_import
from otai.tickets.models import DataSet
from otai.tickets.operations import import_tickets
from otai.words.countries import countries
from otai.words.sentences import Fact
from tests import stories
from tests.runs import guarantees
from tests.web import invented_language
from tests.web.strings import ROOMS, catalogue
from tests.web.test_every_page import ROUTES, World, make_world
from tests.web.test_languages import texts
from tests.web.visitors import browser

pytestmark = pytest.mark.django_db(transaction=True)

OF_ACCOUNTS = (
    *("/account/email/", "/account/password/change/", "/account/second-factor/", "/account/reauthenticate/"),
    "/account/logout/",
)
OF_ANYBODY = ("/account/login/", "/account/signup/", "/account/password/reset/", "/nothing-here/")
WORD = re.compile(r"[^\W\d_]{3,}")
ZONES = zoneinfo.available_timezones()
COUNTRY_NAMES = {name for _code, name in countries("en")}
"""As Unicode names them in each language: Montenegro is called so in many."""
SPOKEN = {"aria-label", "title", "placeholder", "alt", "data-done"}
"""Attributes that people read or hear."""
UNREAD = {"script", "style", "code", "pre", "template", "svg"}
"""Elements for machines, and examples of what machines read."""
VOID = {"input", "br", "hr", "img", "link", "meta", "path", "use", "wbr"}
"""Elements without an end."""
SAME_EVERYWHERE = re.compile(
    r"""[\w.+-]+@[\w.-]+|https?://\S*|[A-Z]\w+(?:/[\w+-]+)+|OT-\w+-\w+|INV-\S+
    |\b(?:OTAI|Studio|Community|Pro|Enterprise|Basic|Business|Maximum|EUR|CSV|JSON|UTF-8|Stripe|Visa|PDF|XML|IBAN|BIC)\b
    |\b(?:English|Deutsch|Français|Esperanto|Request\ Tracker|Zammad|Zendesk)\b
    |helpdesk\.acme\.example""",
    re.VERBOSE,
)
"""Names of the product and of the trade, addresses, time zones, numbers of orders and invoices."""
OF_ACME = re.compile(
    r"""Hello,.*|\b(?:billing|invoice|password|router|login|new\ user|printer)\ .*\d.*
    |\b(?:Acme\ (?:Ltd|GmbH)|Example\ Vendor\ GmbH|Hauptstr|Berlin|Alice|Bob|acme|alice|till|support(?:\.csv)?
    |waiting\.csv|queue|priority|subject|body|row|hooks|low|medium|high|networks?|billing|accounts|en)\b""",
    re.VERBOSE,
)
"""What acme called its things, and what its tickets say."""
OF_TICKETS = re.compile("|".join(rf"\b{re.escape(said)}\b( \d+)?" for of in stories.QUEUES.values() for said in of))
"""What the scene's tickets are about."""
ENGLISH_ALONE = re.compile(r"\b(?:the|of|and|not|is|are|was|with|for|at|by|your|you|which|when|used|there|no)\b")
"""Small words that stand in almost any English sentence, and in no French one."""


class Read(HTMLParser):
    """The texts of a page that people see or hear, one for each node; without what says itself to be English
    (`lang="en"`), as the help's pages that a language lacks."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.unread = 0
        self.english: list[str] = []
        """The tags that are open from an element in English on."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID and (self.english or (tag != "html" and ("lang", "en") in attrs)):
            self.english.append(tag)
        self.unread += tag in UNREAD
        if tag != "meta" and not self.english:
            self.texts += [value for name, value in attrs if name in SPOKEN and value]

    def handle_endtag(self, tag: str) -> None:
        while tag in self.english and self.english.pop() != tag:
            continue
        self.unread -= tag in UNREAD

    def handle_data(self, data: str) -> None:
        if not self.unread and not self.english and data.strip():
            self.texts.append(" ".join(data.split()))


def read(page: str) -> list[str]:
    reader = Read()
    reader.feed(page)
    return reader.texts


def troubled(world: World, tmp_path: Path) -> list[str]:
    """What went wrong at acme, of every kind that a page tells of; the pages that no name of a route leads to."""
    now = utc_now() - timedelta(hours=1)
    data_set = DataSet.objects.get(id=world.things["*"]["data_set"])
    addresses = []
    reasons = InputFailure("all_empty", tickets=1234)
    for failed in (
        *(
            Failed(False, code, f"{code}: the machine said so.", log="")
            for code in ("out_of_memory", "crash", "unheard")
        ),
        Failed(True, reasons.code, reasons.message, log="", fact=reasons.as_fact()),
        Failed(True, "label_too_rare", "queue has one label, and release 0.1 kept no more than this.", log=""),
    ):
        run = stories.ordered(world.acme, data_set, now)
        while Worker(FakeExecutor(failure=failed), clock=lambda: now).work_once() is not None:
            continue
        addresses.append(f"/acme/runs/{run.number}/")
    # Where a curve leads nobody can say; its tickets came without ids.
    run = Run.objects.get(organisation=world.acme, number=world.things["*"]["number"])
    [first, *_] = run.report_card["attributes"]
    point = {"tickets": 40, "models": 3, "accuracy": first["accuracy"], "macro_f1": first["macro_f1"]}
    why = Fact("curve_laws_differ", {"sizes": 2, "points": 10}).as_dict()
    first["learning_curve"] = {"points": [point, {**point, "tickets": 80}], "forecasts": [], "unknown": why}
    run.save(update_fields=["report_card"])
    # Payments failed, one was taken back, and the top-up stopped.
    top_up = Fact("top_up_failed", {"payments": 3, "last": PaymentDeclined("provider", said=None).as_fact()})
    stopped = {"stopped_at": now, "stopped_why": top_up.code, "stopped_fact": top_up.as_dict()}
    set_up = {"top_up_below": 5, "top_up_package": "10", "monthly_limit_cents": 100_000, "gateway": "stripe"}
    CreditWatch.objects.update_or_create(
        organisation=world.acme, defaults={"payment_method": "card", "notice_below": 1_000_000, **set_up, **stopped}
    )
    missed(world, tmp_path, now)
    # A webhook that nobody answers, and that alice turned off.
    deliver_due(now=utc_now(), post=lambda *_, **__: Reply(None, 12, "", Fact("try_slow", {"seconds": 15})))
    endpoint = world.things["*"]["endpoint"]
    change_endpoint(organisation=world.acme, endpoint=endpoint, enabled=False, who="alice", now=now)
    # A file that cannot be read.
    broken = tmp_path / "broken.csv"
    broken.write_bytes(b"\n \n")
    asked = ask_for_import(
        organisation=world.acme, name="broken", source=broken, filename="support.csv", who="alice", now=now
    )
    jobs.wait(asked, seconds=60)
    return [*addresses, f"/acme/jobs/{asked.job.id}/"]


def missed(world: World, tmp_path: Path, now: datetime) -> None:
    """Criteria of every metric were agreed, and the included training missed them; one attribute was not in it."""
    source = stories.write_tickets(tmp_path / "enough.csv", tickets=400)
    data_set = import_tickets(organisation=world.acme, name="support", source=source, now=now)
    asked = ("queue accuracy 99.9%", "queue macro_f1 99%", "queue coverage@95 99%", "queue coverage@90 9%")
    found = guarantees.agreed(world.acme, data_set, now, *asked, "priority accuracy 70%")
    agree(guarantee=found.id, who="operator", why="a story", now=now)
    guarantees.included(world.acme, data_set, now)
    card = guarantees.report_card(queue=0.5)
    card["attributes"][0]["coverage"] = [asdict(Coverage(0.95, 0.8, 0.4, 0.95, 0.4, 0.925, 40))]
    assert Worker(FakeExecutor(report_card=card), clock=lambda: now).work_once() is not None
    found.refresh_from_db()
    assert found.status == GuaranteeStatus.MISSED


def pages_of(world: World, language: str, *, more: Sequence[str] = ()) -> dict[str, str]:
    """Each page that alice, and each that a stranger can open, in a language."""
    alice, stranger = world.alice, browser()
    found: dict[str, str] = {}
    addresses = [(alice, one) for one in more]
    addresses += [(alice, world.address(name, arguments)) for name, arguments in ROUTES]
    addresses += [(alice, one) for one in OF_ACCOUNTS] + [(stranger, one) for one in OF_ANYBODY]
    for client, address in addresses:
        client.cookies["otai_language"] = language
        page: Any = client.get(address)
        is_page = page.headers.get("Content-Type", "").startswith("text/html") and page.status_code not in (302, 405)
        if is_page and not page.streaming and "Content-Disposition" not in page.headers:
            assert page.headers["Content-Language"] == language, address
            found[address] = page.content.decode()
    return found


def left(english: dict[str, str], other: dict[str, str], *, alike: frozenset[str] = frozenset()) -> set[str]:
    """Texts that stand in both, and have words in them that are nobody's names. `alike`: words that both languages
    share."""
    found = set()
    for address, page in other.items():
        of_english = set(read(english[address]))
        for text in set(read(page)) & of_english - ZONES - COUNTRY_NAMES:
            if set(WORD.findall(without_names(text))) - alike:
                found.add(text)
    return found


def speaks_english(text: str) -> bool:
    """Whether a text of a French page holds a piece of an English one."""
    if text in ZONES | COUNTRY_NAMES:
        return False
    return bool(ENGLISH_ALONE.search(without_names(text)))


def without_names(text: str) -> str:
    """A text without what is nobody's to translate."""
    return OF_TICKETS.sub("", OF_ACME.sub("", SAME_EVERYWHERE.sub("", text)))


def written_alike(language: str) -> frozenset[str]:
    """Words of sentences that are the same in English and in a language: `Version`, `Total`."""
    entries = [entry for room in ROOMS for entry in catalogue(language, room)]
    alike = [text for entry in entries for text in (entry.msgid, entry.msgid_plural) if text in texts(entry)]
    return frozenset(word for text in alike for word in WORD.findall(text))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


@pytest.mark.pure
def test_no_page_has_english_of_its_own(world: World, tmp_path: Path, settings: Any) -> None:
    more = troubled(world, tmp_path)
    english = pages_of(world, "en", more=more)
    assert set(more) <= english.keys()
    with invented_language.spoken(tmp_path / "invented", settings) as code:
        invented = pages_of(world, code, more=more)
    assert len(english) > 30 and english.keys() == invented.keys()
    found = sorted(left(english, invented))
    assert not found, "\n".join(found)

    french = pages_of(world, "fr", more=more)
    found = sorted(left(english, french, alike=written_alike("fr")))
    assert not found, "\n".join(found)
    found = sorted(text for page in french.values() for text in read(page) if speaks_english(text))
    assert not found, "\n".join(found)
    # Nor inside a sentence that has a place for it.
    watch, endpoint = CreditWatch.objects.get(), Endpoint.objects.get()
    for said in (watch.why_stopped, endpoint.why_disabled):
        assert any(html.escape(said) in page for page in english.values()), said
        assert not [address for address, page in french.items() if html.escape(said) in page], said
