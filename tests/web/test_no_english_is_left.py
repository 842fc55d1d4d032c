"""Whoever reads another language finds no English sentence, on any page: found in the URL table, in an invented
language and in French."""

from __future__ import annotations

import re
import zoneinfo
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

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
SPOKEN = {"aria-label", "title", "placeholder", "alt", "data-done"}
"""Attributes that people read or hear."""
UNREAD = {"script", "style", "code", "pre", "template", "svg"}
"""Elements for machines, and examples of what machines read."""
SAME_EVERYWHERE = re.compile(
    r"""[\w.+-]+@[\w.-]+|https?://\S*|[A-Z]\w+(?:/[\w+-]+)+|OT-\w+-\w+|INV-\S+
    |\b(?:OTAI|Studio|Community|Pro|Enterprise|Basic|Business|Maximum|EUR|CSV|JSON|UTF-8|Stripe|PDF|XML|IBAN|BIC|English|Deutsch|Français|Esperanto)\b""",
    re.VERBOSE,
)
"""Names of the product and of the trade, addresses, time zones, numbers of orders and invoices."""
OF_ACME = re.compile(
    r"""Hello,.*|\b(?:billing|invoice|password|router|login|new\ user|printer)\ .*\d.*
    |\b(?:Acme\ (?:Ltd|GmbH)|Example\ Vendor\ GmbH|Hauptstr|Berlin|Alice|Bob|alice|till|support(?:\.csv)?|waiting\.csv
    |queue|priority|subject|body|row|hooks|low|medium|high|networks?|billing|accounts|en)\b""",
    re.VERBOSE,
)
"""What acme called its things, and what its tickets say."""


class Read(HTMLParser):
    """The texts of a page that people see or hear, one for each node."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.unread += tag in UNREAD
        if tag != "meta":
            self.texts += [value for name, value in attrs if name in SPOKEN and value]

    def handle_endtag(self, tag: str) -> None:
        self.unread -= tag in UNREAD

    def handle_data(self, data: str) -> None:
        if not self.unread and data.strip():
            self.texts.append(" ".join(data.split()))


def read(page: str) -> list[str]:
    reader = Read()
    reader.feed(page)
    return reader.texts


def pages_of(world: World, language: str) -> dict[str, str]:
    """Each page that alice, and each that a stranger can open, in a language."""
    alice, stranger = world.alice, browser()
    found: dict[str, str] = {}
    addresses = [(alice, world.address(name, arguments)) for name, arguments in ROUTES]
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
        for text in set(read(page)) & of_english - ZONES:
            if set(WORD.findall(OF_ACME.sub("", SAME_EVERYWHERE.sub("", text)))) - alike:
                found.add(text)
    return found


def written_alike(language: str) -> frozenset[str]:
    """Words of sentences that are the same in English and in a language: `Version`, `Total`."""
    alike = [entry.msgid for room in ROOMS for entry in catalogue(language, room) if entry.msgid in texts(entry)]
    return frozenset(word for text in alike for word in WORD.findall(text))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


@pytest.mark.pure
def test_no_page_has_english_of_its_own(world: World, tmp_path: Path, settings: Any) -> None:
    english = pages_of(world, "en")
    with invented_language.spoken(tmp_path / "invented", settings) as code:
        invented = pages_of(world, code)
    assert len(english) > 30 and english.keys() == invented.keys()
    found = sorted(left(english, invented))
    assert not found, "\n".join(found)

    found = sorted(left(english, pages_of(world, "fr"), alike=written_alike("fr")))
    assert not found, "\n".join(found)
