"""What people do from signing up to a second version that is better, in Chromium: whatever a longer story of
`tests/doors` does not press. docs/testing.md says which journey is driven where."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.core import mail
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from otai.billing.operations.notices import send_notices
from otai.cli.housekeeping import tell
from otai.config.colours import style_sheet
from otai.db import utc_now
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.runs.models import Run
from otai.serving import advice
from otai.tickets.operations import import_tickets
from tests import stories
from tests.orgs.people import PASSWORD
from tests.serving.doubtful import doubtful
from tests.serving.training_here import work
from tests.web.studio_server import chromium
from tests.web.test_pages_in_the_browser import ALL, problems, sideways
from tests.web.visitors import link_in_the_last_mail, member_of, of

pytestmark = [
    pytest.mark.pure,
    pytest.mark.usefixtures("a_browser"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def now() -> datetime:
    """Pages read the clock themselves."""
    return utc_now()


class Visit:
    """A page of Chromium at the Studio under test, perhaps with the session of somebody who is signed in."""

    def __init__(self, browser: Any, base: str, person: Client | None = None, **look: Any) -> None:
        self.base = base
        self.context = browser.new_context(bypass_csp=True, **{"locale": "en-GB", **look})
        if person:
            name = configured.SESSION_COOKIE_NAME
            self.context.add_cookies([{"name": name, "value": person.cookies[name].value, "url": base}])
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.elsewhere: list[str] = []
        self.page.on("request", self._asked)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.elsewhere.append(request.url)

    def goes(self, path: str) -> None:
        self.page.goto(f"{self.base}{path}")

    def fills(self, **fields: str) -> None:
        for name, text in fields.items():
            self.page.fill(f"[name={name}]", text)

    def says(self) -> str:
        """The words of the page, with plain spaces."""
        return str(self.page.inner_text("main")).replace("\N{NO-BREAK SPACE}", " ")

    def reads(self, text: str) -> None:
        shown = "document.body.innerText.replaceAll('\\u00a0', ' ')"
        self.page.wait_for_function(f"text => {shown}.includes(text)", arg=text)


@pytest.fixture(autouse=True)
def tables_are_asked_beside_playwright(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its loop rests while the test goes on, but is there, which Django takes for somebody who waits."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@contextmanager
def visits(base: str) -> Iterator[Any]:
    """Makes visits in one Chromium; nothing that they asked for came from elsewhere."""
    made: list[Visit] = []
    with chromium() as browser:

        def visit(person: Client | None = None, **look: Any) -> Visit:
            made.append(Visit(browser, base, person, **look))
            return made[-1]

        yield visit
        assert [url for one in made for url in one.elsewhere] == []
        for one in made:
            one.context.close()


def test_from_a_vendors_page_to_a_confirmed_address(live_server: Any, settings: Settings, tmp_path: Path) -> None:
    settings.OTAI_VERIFY_MAIL = True
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.MFA_ALLOW_UNVERIFIED_EMAIL = False
    settings.OTAI_NAME = "Northwind Triage"
    settings.OTAI_COLOUR_SHEET = style_sheet("#7a1fa2", "")
    texts = {"en": tmp_path / "terms.md", "de": tmp_path / "agb.md"}
    texts["en"].write_text("# Our terms\n\nBe kind.\n")
    texts["de"].write_text("# Unsere Bedingungen\n\nSeien Sie freundlich.\n")
    written = {language: str(file) for language, file in texts.items()}
    settings.OTAI_LEGAL = {"terms": written, "imprint": written, "privacy": {}}
    with visits(live_server.url) as visit:
        alice = visit()
        the_vendors_look_and_legal_pages(alice)
        german = visit(locale="de-DE")
        german.goes("/studio/legal/terms/")
        german.reads("Seien Sie freundlich.")
        she_signs_up_confirms_and_is_in(alice)
        bob = visit()
        the_invitation_confirms_bobs_address(alice, bob)


def the_vendors_look_and_legal_pages(alice: Visit) -> None:
    alice.goes("/account/signup/")
    assert "Northwind Triage" in alice.page.title()
    assert "Northwind Triage" in alice.page.inner_text("body")
    assert alice.page.locator("link[href*='/studio/colours-']").count() == 1
    alice.page.click("nav.legal a >> nth=0")
    alice.reads("Be kind.")


def she_signs_up_confirms_and_is_in(alice: Visit) -> None:
    page = alice.page
    alice.goes("/account/signup/")
    alice.fills(organisation="Acme Ltd", name="Alice", email="alice@acme.example", password1="short")
    page.click("[data-shows]")
    assert page.get_attribute("[name=password1]", "type") == "text", "she looks at what she typed"
    page.check("[name=terms]")
    page.click("main button.primary")
    page.wait_for_selector("ul.errors")
    assert page.input_value("[name=organisation]") == "Acme Ltd", "what she typed stays"
    assert page.input_value("[name=email]") == "alice@acme.example" and page.input_value("[name=password1]") == ""
    page.fill("[name=password1]", PASSWORD)
    page.check("[name=terms]")
    page.click("main button.primary")
    alice.reads("We have sent a link to alice@acme.example")
    cache.clear()
    page.click("button[name=again]")
    alice.reads("sent")
    assert len(mail.outbox) == 2
    alice.goes(link_in_the_last_mail())
    page.click("text=Yes, confirm")
    page.wait_for_url("**/acme-ltd/")
    assert "6 credits" in page.inner_text("#balance").replace("\N{NO-BREAK SPACE}", " ")


def the_invitation_confirms_bobs_address(alice: Visit, bob: Visit) -> None:
    alice.goes("/acme-ltd/team/")
    alice.page.fill("[name=email]", "bob@acme.example")
    alice.page.click("#invite button")
    alice.page.wait_for_selector("#invitation-link")
    bob.goes(link_in_the_last_mail())
    sent = len(mail.outbox)
    bob.page.click("main a.button.primary, main button.primary")
    bob.page.wait_for_selector("[name=password1]")
    bob.fills(name="Bob", password1=PASSWORD)
    bob.page.check("[name=terms]")
    bob.page.click("main button.primary")
    bob.page.wait_for_url("**/acme-ltd/")
    assert len(mail.outbox) == sent, "no second mail"


def test_from_an_order_to_a_better_version_and_what_is_told_of_it(
    acme: Organisation, alice: Client, tmp_path: Path, now: datetime, live_server: Any, settings: Settings
) -> None:
    settings.EMAIL_HOST = "mail.acme.example"
    support = stories.searchable(doubtful(acme, tmp_path, now), tmp_path, now)
    sales = tmp_path / "sales.csv"
    sales.write_text("subject,body,team\n" + "".join(f"Order {n},a box,{'ab'[n % 2]}\n" for n in range(80)))
    import_tickets(organisation=acme, name="sales", source=sales, now=now)
    with visits(live_server.url) as visit:
        at = visit(alice)
        she_chooses_what_to_train(at, str(support.id))
        an_equal_order_asks(at)
        without_scripts_a_dialog_is_a_page(visit(alice, java_script_enabled=False))
        the_page_may_be_closed_and_the_mail_comes(at)
        the_report_card_answers_and_leads_to_tickets(at, str(support.id))
        feedback_is_chosen_and_withdrawn(at)
        advice_is_followed_and_gone(at, acme, tmp_path)
        two_versions_are_compared(at)
        found = on_a_phone_tables_are_cards(at)
        vera = of(member_of(acme, "vera", Role.VIEWER, now))
        whoever_looks_on_is_offered_nothing_else(visit(vera))
        help_is_searched_in_german(visit(alice, locale="de-DE"))
        french_is_chosen(at)
    assert not found, json.dumps(found, indent=1)


def she_chooses_what_to_train(at: Visit, support: str) -> None:
    """The price follows without the page being loaded, and what came from a data set comes anew with another."""
    page = at.page
    at.goes("/acme/train/")
    assert page.input_value("#model") == "sales"
    page.select_option("#reason", "drift")
    at.reads("Fast costs the same here")
    page.select_option("#data_set", support)
    page.wait_for_function("document.querySelector('#model').value === 'support'")
    assert page.input_value("#reason") == "new_model", "the reason came from the data set"
    page.select_option("#reason", "drift")
    page.click("button[name=pick][value=none]")
    at.reads("Choose at least one attribute")
    assert page.input_value("#reason") == "drift", "what was chosen a moment before is kept"
    page.click("button[name=pick][value=all]")
    page.wait_for_selector("#order-button")
    assert page.locator("input[name=attribute]:checked").count() == 2
    page.uncheck("input[type=checkbox][value=tags]")
    page.wait_for_function("document.querySelectorAll('.order-bar [name=attribute]').length === 1")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    box = page.locator(".matrix").bounding_box()
    assert box and box["y"] > -box["height"], "the prices stay in view"


def an_equal_order_asks(at: Visit) -> None:
    page = at.page
    chosen = page.url
    page.click("#order-button")
    page.wait_for_url("**/runs/1/")
    for answer, run in (("a:has-text('To the first order')", 1), ("button:has-text('Order again')", 2)):
        page.goto(chosen)
        page.click("#order-button")
        at.reads("You ordered just this")
        page.click(answer)
        page.wait_for_url(f"**/runs/{run}/")


def without_scripts_a_dialog_is_a_page(plain: Visit) -> None:
    """The second order is cancelled, by a page where others see a dialog."""
    plain.goes("/acme/runs/2/")
    plain.page.click("a[data-opens=cancel]")
    assert plain.page.url.endswith("?dialog=cancel") and plain.page.locator("dialog").count() == 0
    plain.page.click("button.danger")
    plain.page.wait_for_url("**/runs/2/")
    assert "cancelled" in plain.says().lower() and "nothing charged" in plain.says()


def the_page_may_be_closed_and_the_mail_comes(at: Visit) -> None:
    """The tab says how it stands; she chooses what else she hears, and a link in the mail ends that kind."""
    page = at.page
    at.goes("/acme/runs/1/")
    assert page.title().startswith("Waiting · ")
    assert "You can close this page: we mail you at alice@acme.example" in at.says()
    at.goes("/acme/notifications/")
    page.select_option("[name=model_live-mail]", "daily")
    page.click("#choices button.primary")
    at.reads("Saved.")
    assert page.input_value("[name=model_live-mail]") == "daily"
    work(utc_now())
    tell(now=utc_now())
    send_notices(now=utc_now())
    at.goes("/acme/runs/1/")
    assert page.title().startswith("Completed · ")
    [told] = [one for one in mail.outbox if one.subject.startswith("Your training is ready")]
    [link] = re.findall(r"/account/unsubscribe/\S+", str(told.body))
    at.goes(link)
    page.click("main button.primary")
    at.reads("No more such mails")
    at.goes("/acme/notifications/")
    assert page.input_value("[name=training_ready-mail]") == "off" and "Your training is ready" in at.says()


def the_report_card_answers_and_leads_to_tickets(at: Visit, support: str) -> None:
    page = at.page
    at.goes("/acme/runs/1/")
    answers = page.inner_text(".page-head")
    assert re.search(r"queue is right [\d.]+.% of the time", answers) and "May be left to it" in answers
    page.click("section[aria-labelledby=report] th a:has-text('queue')")
    page.wait_for_url("**/runs/1/attributes/0/")
    page.click("table.confusion td a >> nth=0")
    page.wait_for_url("**/browse?**")
    assert "It said" in at.says()
    page.fill("#words", "vpn")
    page.wait_for_function("location.search.includes('q=vpn')")
    for field, value in (("label", "network"), ("predicted", "")):
        page.select_option(f"#{field}", value)
        page.wait_for_function("wanted => location.search.includes(wanted)", arg=f"{field}={value}&")
    page.click("#found tbody a >> nth=0")
    page.wait_for_url(f"**/tickets/{support}/browse/*")
    assert "vpn" in at.says().lower()
    # A label of the profile leads there as well.
    at.goes(f"/acme/tickets/{support}/")
    page.click("table.bars a >> nth=0")
    page.wait_for_url("**/browse?attribute=*")


def feedback_is_chosen_and_withdrawn(at: Visit) -> None:
    page = at.page
    at.goes("/acme/models/")
    page.click("main a:has-text('support')")
    page.fill("#text", "the coffee machine is broken")
    page.click("text=What does it say?")
    page.click("text=Not right? Say what would be")
    offered = page.locator("#label-0 option").all_inner_texts()
    assert offered == ["left open", "accounts", "billing", "network"]
    page.fill("#new-0", "facilities")
    page.click("#answer form button")
    page.wait_for_url("**/feedback/")
    assert "facilities" in at.says()
    page.click("button:has-text('Withdraw')")
    at.reads("withdrawn")
    assert "Nothing waits to become training data" in at.says()


def advice_is_followed_and_gone(at: Visit, acme: Organisation, folder: Path) -> None:
    """A queue that the model never saw comes: Home says so, she trains again there, and nothing is advised any more."""
    page = at.page
    more = folder / "more.csv"
    text = (folder / "support.csv").read_text()
    legal = "".join(f"L-{n},Contract {n} to be signed,Please look at clause {n}.,legal,legal|all\n" for n in range(40))
    more.write_text(text + legal)
    import_tickets(organisation=acme, name="support", source=more, now=utc_now())
    assert advice.check(organisation=acme, name="support", now=utc_now())
    at.goes("/acme/")
    assert "legal" in page.inner_text("#advice, section:has(#advice)")
    page.click("section:has(#advice) a.button, #advice a.button")
    page.wait_for_url("**/models/*/**")
    page.click("button:has-text('Train again')")
    page.wait_for_url("**/runs/3/")
    work(utc_now())
    assert Run.objects.get(number=3).status == "completed"
    at.goes("/acme/")
    assert "legal" not in page.inner_text("#advice, section:has(#advice)")


def two_versions_are_compared(at: Visit) -> None:
    page = at.page
    at.goes("/acme/models/")
    page.click("main a:has-text('support')")
    page.click("text=Compare versions")
    page.wait_for_url("**/compare")
    assert re.search(r"[Vv]ersion 2 ", page.inner_text(".page-head"))


def on_a_phone_tables_are_cards(at: Visit) -> list[Any]:
    """Tickets, trainings, the comparison and the team; readable for everybody there."""
    page, found = at.page, list[Any]()
    compared = page.url.removeprefix(at.base)
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/acme/tickets/", "/acme/runs/", compared, "/acme/team/"):
        at.goes(path)
        shown = page.evaluate(
            "getComputedStyle(document.querySelector('main td[data-label]'), '::before').content + "
            "getComputedStyle(document.querySelector('main td[data-label]')).display"
        )
        if "none" in shown or "table-cell" in shown:
            found.append((path, "is no card", shown))
        found += [(path, *problem) for problem in problems(page, ALL)]
        found += [(path, wide) for wide in [sideways(page)] if wide]
    page.set_viewport_size({"width": 1280, "height": 844})
    return found


def whoever_looks_on_is_offered_nothing_else(vera: Visit) -> None:
    vera.goes("/acme/runs/3/")
    assert vera.page.locator("main button:has-text('Train again'), main a:has-text('Download')").count() == 0
    vera.goes("/acme/")
    assert vera.page.locator("main a:has-text('Train a model'), main a:has-text('Buy credits')").count() == 0


def help_is_searched_in_german(at: Visit) -> None:
    """Each page has its help beside it; a place that was found is gone to."""
    page = at.page
    at.goes("/acme/tickets/")
    page.click("#help-of-page")
    page.wait_for_url("**/help/importing/**")
    assert page.get_attribute("html", "lang") == "de" and "Auf dieser Seite" in page.inner_text("main")
    page.fill("[name=q]", "Spalten")
    page.keyboard.press("Enter")
    page.wait_for_url("**/help/?q=*")
    page.click(".help-found a >> nth=0")
    page.wait_for_url("**/help/*/**")
    assert page.get_attribute("html", "lang") == "de"


def french_is_chosen(at: Visit) -> None:
    page = at.page
    at.goes("/acme/runs/3/")
    page.locator("details.menu > summary").click()
    page.click("button[name=language][value=fr]")
    page.wait_for_selector("html[lang=fr]")
    assert "100" in page.inner_text(".page-head") and "times" not in page.inner_text("main")
