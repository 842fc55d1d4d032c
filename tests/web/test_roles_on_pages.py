"""Nobody is offered what they may not do: every page as each role, every link that it shows followed, every form that
it shows sent as it stands. The table of addresses is walked, so a button that is new tomorrow is pressed tomorrow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import resolve
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from otai.db import utc_now
from otai.orgs.permissions import Role, allowed
from otai.runs import approval
from otai.runs.operations import order_run
from otai.tickets.models import DataSet
from tests import stories
from tests.web.test_every_page import ROUTES, World, world
from tests.web.visitors import member_of, of

__all__ = ["world"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.pure]

LOWER = (Role.VIEWER, Role.BILLING, Role.TRAINER)
"""An owner may do everything."""

ENDS_THE_STORY = ("delete", "leave", "remove", "withdraw", "revoke", "cancel", "drop", "switch", "decline", "change_")


@dataclass(frozen=True)
class Press:
    """What a page lets its reader follow (a link, a live part) or send (a form, with what it holds as it stands)."""

    path: str
    sends: dict[str, str] | None = None

    @property
    def name(self) -> str:
        """Of the address, as the table has it."""
        return str(resolve(urlsplit(self.path).path).url_name)


def presses(page: str, path: str) -> Iterator[Press]:
    """Whatever the page lets its reader do within the organisation."""
    tree = HTMLParser(page)
    for element in tree.css("a[href], [hx-get], [sse-connect]"):
        for name in ("href", "hx-get", "sse-connect"):
            if leads := element.attributes.get(name):
                yield Press(urljoin(path, leads).partition("#")[0])
    for form in tree.css("form"):
        posts = (form.attributes.get("method") or "get").lower() == "post"
        fields = form.css("input, select, textarea, button[name]")
        values = {str(one.attributes.get("name")): one.attributes.get("value") or "" for one in fields}
        yield Press(urljoin(path, form.attributes.get("action") or path), values if posts else None)


def seen_by(role: Role, browser: Client, world: World) -> tuple[dict[str, Press], set[str]]:
    """The forms that the role's pages show, one for each address, and the names of what they lead to."""
    forms: dict[str, Press] = {}
    leads: set[str] = set()
    for name, arguments in ROUTES:
        path = world.address(name, arguments)
        if not allowed(role, resolve(path).func.page_action):  # type: ignore[attr-defined]
            continue
        page = browser.get(path)
        if page.status_code == 200 and page.headers["Content-Type"].startswith("text/html"):
            for press in presses(page.content.decode(), path):
                if not press.path.startswith("/acme/"):
                    continue
                if press.sends is None:
                    leads.add(press.name)
                else:
                    forms.setdefault(press.name, press)
    return forms, leads


def test_no_role_sees_a_button_that_it_may_not_press(world: World, settings: Any) -> None:
    now = utc_now()
    # Nobody looks at what the jobs come to.
    settings.OTAI_JOBS_WAIT_SECONDS = 0
    # An order of Bob's waits for approval, and the labels of the model may be looked through.
    approval.set_rule(organisation=world.acme, above_credits=0, who="alice@acme.example", now=now)
    offered = stories.quote_for(world.acme, DataSet.objects.get(), now)
    world.things["*"]["number"] = order_run(
        organisation=world.acme, quote=offered.id, who="bob@acme.example", now=now
    ).number
    browsers = {role: of(member_of(world.acme, f"the-{role}", role, now)) for role in LOWER}
    seen = {role: seen_by(role, browser, world) for role, browser in browsers.items()}
    actions = {name: resolve(world.address(name, arguments)).func.page_action for name, arguments in ROUTES}  # type: ignore[attr-defined]
    closed = [
        (role.value, name)
        for role, (_, leads) in seen.items()
        for name in sorted(leads)
        if (action := actions.get(f"web:{name}")) is not None and not allowed(role, action)
    ]
    assert closed == []
    refused = [
        (role.value, name)
        for ends in (False, True)
        for role, (forms, _) in seen.items()
        for name, form in forms.items()
        if name.startswith(ENDS_THE_STORY) is ends and browsers[role].post(form.path, form.sends).status_code == 403
    ]
    assert refused == []
    assert {role: len(forms) >= 3 for role, (forms, _) in seen.items()} == dict.fromkeys(LOWER, True)
    assert {"approve_run", "try_version"} <= {name for forms, _ in seen.values() for name in forms}
