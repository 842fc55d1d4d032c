"""Sessions fixed and stolen, links that lead away, other hosts' names, pages that something between keeps."""

from __future__ import annotations

import re

import httpx
import pytest

from otai.orgs.permissions import Scope
from tests.api.everything import Everything
from tests.api.test_another_organisation import endpoints, filled
from tests.attack.scene import Browser, Scene, told
from tests.attack.test_hostile_names import pages
from tests.doors.production import Production
from tests.orgs.people import PASSWORD
from tests.web.test_sign_in_attacks import AWAY

pytestmark = [pytest.mark.postgres, pytest.mark.torture]

SESSION = "__Host-sessionid"
PEOPLE = """
import django, json

django.setup()
from tests.orgs.people import person

print(json.dumps([person(name, at="sessions.example").email for name in ("victor", "wanda")]))
"""


@pytest.fixture(scope="session")
def people(attacked: Scene) -> list[str]:
    found: list[str] = attacked.studio.installation.python(PEOPLE)
    return found


def signs_in(client: httpx.Client, url: str, email: str, **more: str) -> httpx.Response:
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get("/account/login/").text)
    assert token
    form = {"login": email, "password": PASSWORD, "csrfmiddlewaretoken": token.group(1), **more}
    return client.post("/account/login/", data=form, headers={"Referer": f"{url}/account/login/"})


def is_in(studio: Production, session: str) -> bool:
    with studio.http(cookies={SESSION: session}) as client:
        return client.get("/account/organisations/").status_code == 200


def test_a_session_that_somebody_planted_opens_nothing(attacked: Scene, people: list[str]) -> None:
    studio = attacked.studio
    with studio.http() as thief:
        thief.get("/account/login/?next=/x")
        made = thief.cookies.get(SESSION)
    for planted in filter(None, ("a" * 32, made)):
        with studio.http() as victim:
            victim.cookies.set(SESSION, planted, domain="studio.otai.test", path="/")
            assert signs_in(victim, studio.url, people[0]).status_code == 302
            ours = [cookie.value for cookie in victim.cookies.jar if cookie.name == SESSION and cookie.secure]
            assert ours and planted not in ours
            assert is_in(studio, str(ours[-1]))
        assert not is_in(studio, planted)


def test_a_stolen_session_ends_with_the_one_it_was_stolen_from(attacked: Scene, people: list[str]) -> None:
    studio = attacked.studio
    with studio.http() as victor, studio.http() as elsewhere:
        for client in (victor, elsewhere):
            signs_in(client, studio.url, people[0])
        stolen, other = (str(client.cookies[SESSION]) for client in (victor, elsewhere))
        assert is_in(studio, stolen) and is_in(studio, other)
        Browser(victor, studio.url).post("/account/logout/")
        assert not is_in(studio, stolen) and is_in(studio, other)
        new = "another good phrase 9"
        changed = {"oldpassword": PASSWORD, "password1": new, "password2": new}
        with studio.http() as wanda, studio.http() as thief:
            for client in (wanda, thief):
                signs_in(client, studio.url, people[1])
            assert Browser(wanda, studio.url).post("/account/password/change/", changed).status_code == 302
            assert is_in(studio, str(wanda.cookies[SESSION])) and not is_in(studio, str(thief.cookies[SESSION]))
    for other_name in ("sessionid", "__Secure-sessionid", "__host-sessionid"):
        with studio.http(cookies={other_name: attacked.sessions["owner"]}) as client:
            assert client.get("/acme/").status_code == 302, other_name


def test_no_link_leads_away(attacked: Scene) -> None:
    with attacked.browser("viewer") as browser:
        for away in AWAY:
            for path, form in (
                ("/i18n/language", {"language": "de", "next": away}),
                ("/studio/theme", {"theme": "dark", "next": away}),
                (f"/account/login/?{httpx.QueryParams({'next': away})}", {"next": away}),
            ):
                answer = browser.post(path, form)
                _stays(answer)
                assert not re.search(
                    r'(?:href|action|src)="(?!/[^/\\\t]|#|https://studio\.otai\.test|/")[^"]*evil', answer.text
                )
            _stays(browser.get("/account/login/", {"next": away}))
    with attacked.studio.http() as client:
        # An address of two slashes is no host to be sent to.
        for path in ("//evil.example/", "//evil.example/account", "/%2f%2fevil.example/", "/\\evil.example/account"):
            _stays(client.get(attacked.studio.url + path))


def _stays(answer: httpx.Response) -> None:
    leads = answer.headers.get("Location", "")
    assert answer.status_code < 500, told(answer)
    assert "evil" not in re.sub(r"[?&]next=.*", "", leads), (told(answer), leads)
    assert not leads.lower().startswith(("javascript", "data", "//")), leads


def test_another_hosts_name_is_refused_and_stands_in_no_mail(attacked: Scene, people: list[str]) -> None:
    studio = attacked.studio
    with studio.http() as client:
        for host in (
            "evil.example",
            "evil.example:443",
            "studio.otai.test.evil.example",
            "studio.otai.test@evil.example",
        ):
            assert client.get("/account/login/", headers={"Host": host}).status_code in (400, 404, 421), host
        page = client.get("/account/password/reset/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert token
        false = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example", "X-Original-URL": "/desk/",
            "X-Rewrite-URL": "/desk/", "X-Forwarded-Prefix": "//evil.example",
            "Referer": f"{studio.url}/account/password/reset/"}  # fmt: skip
        form = {"email": people[1], "csrfmiddlewaretoken": token.group(1)}
        assert client.post("/account/password/reset/", data=form, headers=false).status_code == 302
    assert f"{studio.url}/account/password/reset/key/" in studio.mails()[-1]
    assert not any("evil" in mail for mail in studio.mails()[-1:])


def test_nothing_of_a_member_is_kept_between(attacked: Scene) -> None:
    """By browsers and proxies: each page and each answer says no-store, also refusals, and is no frame of others."""
    values = {**attacked.path, **attacked.pages, "slug": "acme", "object_id": "1"}
    seen = 0
    with attacked.browser("owner") as browser:
        for name, path in pages(values).items():
            answer = browser.get(path)
            if not name.startswith(("web:", "admin:")) or answer.status_code == 405:
                continue
            assert "no-store" in answer.headers.get("Cache-Control", ""), (name, told(answer))
            if answer.headers.get("Content-Type", "").startswith("text/html"):
                assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], name
                assert answer.headers["Strict-Transport-Security"] and answer.headers["X-Content-Type-Options"], name
            seen += answer.status_code == 200
    has = Everything(path=dict(attacked.path), body=dict(attacked.body))
    with attacked.program("everything") as program:
        for address, method, _ in endpoints():
            if method == "GET" and "events" not in address:
                answer = program.get(f"/api/v1{filled(address, has)}")
                assert "no-store" in answer.headers.get("Cache-Control", ""), told(answer)
                seen += 1
    assert seen > 60 and len(list(Scope)) > 5
