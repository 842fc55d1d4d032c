"""Behind TLS: forms work, cookies are secure, and no link, cookie or passkey follows the Host that a request names."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.doors.conftest import Opens
from tests.doors.production import NAME, Production

PASSWORD = "correct horse battery staple 7"


def sign_up(client: httpx.Client, organisation: str, email: str, origin: str) -> httpx.Response:
    """As a browser fills in the form: with the token of the page, and an Origin."""
    page = client.get("/account/signup/")
    [token] = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[:1]
    fields = {"organisation": organisation, "name": "Alice Smith", "email": email, "password1": PASSWORD}
    return client.post(
        "/account/signup/",
        data=fields | {"csrfmiddlewaretoken": token},
        headers={"Origin": origin, "Referer": f"{origin}/account/signup/"},
    )


def links(text: str) -> set[str]:
    """Scheme and host of every link in a mail."""
    mended = text.replace("=\n", "").replace("=3D", "=")
    return {f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, re.findall(r"https?://[^\s\"<>]+", mended))}


@pytest.mark.postgres
@pytest.mark.usefixtures("a_browser")
def test_alice_signs_up_invites_bob_and_comes_back_by_passkey(studio: Production) -> None:
    with studio.browser() as browser:
        context = browser.new_context(locale="en-GB")
        page = context.new_page()
        page.set_default_timeout(20_000)
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        key = context.new_cdp_session(page)
        key.send("WebAuthn.enable")
        device = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
        automatic = {"isUserVerified": True, "automaticPresenceSimulation": True}
        key.send("WebAuthn.addVirtualAuthenticator", {"options": device | automatic})

        page.goto(f"{studio.url}/account/signup/")
        for name, text in {"organisation": "Acme Ltd", "name": "Alice", "email": "alice@acme.example"}.items():
            page.fill(f"[name={name}]", text)
        page.fill("[name=password1]", PASSWORD)
        page.click("main button.primary")
        page.wait_for_url(f"{studio.url}/acme-ltd/")

        # The invitation leads to the address that people know, on the page and in the mail.
        page.goto(f"{studio.url}/acme-ltd/team/")
        page.fill("[name=email]", "bob@acme.example")
        page.click("#invite button")
        page.wait_for_selector("#invitation-link")
        link = page.inner_text("#invitation-link").strip()
        assert link.startswith(f"{studio.url}/account/join/")
        mail = studio.mails()[-1].replace("=\n", "").replace("=3D", "=")
        mailed = re.search(rf"{re.escape(link.rstrip('/'))}\.\S+", mail)
        assert mailed is not None, "the same link, signed"

        page.locator("details.menu > summary").click()
        page.click("button[name=language][value=de]")
        page.wait_for_selector("html[lang=de]")
        page.locator("details.menu > summary").click()
        page.click("button[name=language][value=en]")
        page.wait_for_selector("html[lang=en]")
        page.locator("details.menu > summary").click()
        page.click("button[name=theme][value=dark]")
        page.wait_for_selector("html[data-theme=dark]")

        page.goto(f"{studio.url}/account/second-factor/webauthn/add/")
        page.click("#mfa_webauthn_add")
        page.wait_for_selector("#recovery_codes")
        page.goto(f"{studio.url}/account/logout/")
        page.click("main button.primary")
        page.wait_for_url(f"{studio.url}/account/login/")
        page.click("#passkey_login")
        page.wait_for_url(f"{studio.url}/acme-ltd/")

        # Nothing that the browser keeps ever travels in the clear.
        kept = {cookie["name"]: cookie for cookie in context.cookies()}
        assert {"__Host-sessionid", "otai_language", "otai_theme"} <= kept.keys()
        assert all(cookie["secure"] and cookie["domain"] == NAME for cookie in kept.values()), kept
        assert kept["__Host-sessionid"]["httpOnly"]
        assert complaints == []

        # Bob comes in by the mail's link, in a browser of his own.
        bob = browser.new_context(locale="de-DE").new_page()
        bob.goto(mailed.group())
        assert bob.url.startswith(studio.url)
        assert "Acme Ltd" in bob.inner_text("main")


def test_mails_lead_to_the_known_address_whatever_host_and_port_a_request_names(studio: Production) -> None:
    with studio.http(headers={"Host": f"{NAME}:9999", "X-Forwarded-Host": "evil.example"}) as carol:
        assert sign_up(carol, "Globex", "carol@globex.example", studio.url).status_code == 302
        [token] = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', carol.get("/account/password/reset/").text)[
            :1
        ]
        asked = carol.post(
            "/account/password/reset/",
            data={"email": "carol@globex.example", "csrfmiddlewaretoken": token},
            headers={"Origin": studio.url, "Referer": studio.url},
        )
        assert asked.status_code == 302
    hers = [mail for mail in studio.mails() if "carol@globex.example" in mail]
    assert any("/account/password/reset/key/" in mail.replace("=\n", "") for mail in hers)
    assert {link for mail in hers for link in links(mail)} == {studio.url}


def test_answers_of_the_api_name_the_known_address(studio: Production) -> None:
    studio.organisation("initech")
    with studio.http(headers={"Host": f"{NAME}:9999"}) as anybody:
        assert anybody.get("/api/v1/openapi.json").json()["servers"] == [{"url": studio.url}]
    link = studio.installation.json("org", "invite", "bob@initech.example", "--org", "initech")["link"]
    assert link.startswith(f"{studio.url}/account/join/")


def test_a_form_from_elsewhere_is_refused(studio: Production) -> None:
    with studio.http() as mallory:
        for origin in ("https://evil.example", studio.url.replace("https", "http"), f"https://{NAME}", "null"):
            assert sign_up(mallory, "Evil", "mallory@evil.example", origin).status_code == 403, origin


def test_browsers_are_told_to_come_by_tls_only(studio: Production) -> None:
    with studio.http() as client:
        page = client.get("/account/login/")
        assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
        cookies: SimpleCookie = SimpleCookie()
        for line in page.headers.get_list("set-cookie"):
            cookies.load(line)
        assert cookies
        assert all(kept["secure"] and not kept["domain"] for kept in cookies.values())


def test_plain_http_leads_to_tls_and_a_key_sent_in_the_clear_is_refused(studio: Production) -> None:
    with httpx.Client(base_url=studio.direct, headers={"Host": NAME}, timeout=30) as plain:
        for header in ({}, {"X-Forwarded-Proto": "http", "X-Forwarded-For": "203.0.113.7"}):
            page = plain.get("/account/login/?next=/acme/", headers=header)
            assert page.status_code == 308
            assert page.headers["Location"] == f"{studio.url}/account/login/?next=/acme/"
            form = plain.post("/account/login/", data={"login": "a@acme.example", "password": "x"}, headers=header)
            assert form.status_code == 403 and "Location" not in form.headers
            for asked in (plain.get("/api/v1/balance", headers=header), plain.post("/api/v1/runs", headers=header)):
                assert asked.status_code == 403
                assert asked.json()["error"]["code"] == "https_required"
        # Kubernetes and Prometheus ask by address and without TLS.
        for path in ("/health/live", "/health/ready"):
            assert plain.get(path, headers={"Host": "10.0.0.7:8000"}).status_code == 200


def test_the_scheme_is_what_the_proxy_wrote_in_whatever_case_and_not_what_a_visitor_claimed(
    studio: Production,
) -> None:
    with httpx.Client(base_url=studio.direct, headers={"Host": NAME, "X-Forwarded-For": "203.0.113.7"}) as proxied:
        for written, status in {"HTTPS": 200, "http, https": 200, "https, http": 308}.items():
            asked = proxied.get("/account/login/", headers={"X-Forwarded-Proto": written}, timeout=30)
            assert asked.status_code == status, written


UNUSABLE = [
    *(
        f"charset={name}"
        for name in ("zlib", "undefined", "idna", "punycode", "rot13", '"utf-16"', "nobody-knows", '"a;b"', "", "é")
    ),
    # Django takes the last of several, and one that is written as RFC 2231 has it.
    "charset=utf-8; charset=idna",
    "charset=utf-8; CHARSET = idna",
    "charset*=utf-8''idna",
    "charset=utf-8; charset*=utf-8'en'idna",
    "charset*0=id; charset*1=na",
    "charset*0*=utf-8''id; charset*1*=na",
    # It reads no parameter in a charset that it does not know.
    "x*=nope''v",
    "charset=utf-8; x*=nope''v",
    "charset*=zlib''utf-8",
    "x*=; x*1*=; =; ;;",
]


def test_a_charset_that_is_none_is_passed_over(studio: Production) -> None:
    with studio.http() as stranger:
        for said in UNUSABLE:
            page = stranger.get("/account/login/?a=%C3%A9", headers={"Content-Type": f"text/plain; {said}".encode()})
            assert page.status_code == 200, said
            assert page.headers["Strict-Transport-Security"]
            typed = {"Content-Type": f"text/csv; {said}".encode()}
            asked = stranger.post("/api/v1/data-sets?name=x", content=b"body,queue\nhelp,a\n", headers=typed)
            assert asked.status_code in (400, 401), said


def test_another_host_is_not_answered(studio: Production) -> None:
    with studio.http() as client:
        for host in ("evil.example", f"{NAME}.evil.example", "127.0.0.1", f"evil.example:{studio.port}"):
            assert client.get("/account/login/", headers={"Host": host}).status_code == 400


@pytest.mark.pure
@pytest.mark.usefixtures("a_browser")
def test_forms_work_behind_a_proxy_that_nobody_declared(open_studio: Opens) -> None:
    """Nothing of its headers is believed then; the address that people know is enough for the rest."""
    with open_studio(processes=1, settings={"OTAI_TRUSTED_PROXIES": ""}) as studio:
        with studio.http() as alice:
            assert sign_up(alice, "Acme Ltd", "alice@acme.example", studio.url).headers["Location"] == "/acme-ltd/"
        with httpx.Client(base_url=studio.direct, headers={"Host": NAME}) as plain:
            forged: dict[str, Any] = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
            assert "Strict-Transport-Security" not in plain.get("/account/login/", headers=forged).headers


@pytest.mark.pure
def test_the_documented_caddyfile_serves_forms_files_and_events(open_studio: Opens) -> None:
    with open_studio(behind="caddy", processes=1) as studio:
        with studio.http() as alice:
            answer = sign_up(alice, "Acme Ltd", "alice@acme.example", studio.url)
            assert answer.status_code == 302, studio.log()
            assert answer.headers["Strict-Transport-Security"]
            cookies: SimpleCookie = SimpleCookie()
            for header in answer.headers.get_list("Set-Cookie"):
                cookies.load(header)
            assert cookies and all(cookie["secure"] for cookie in cookies.values())
        with studio.http() as mallory:
            assert sign_up(mallory, "Other", "m@evil.example", "https://evil.example").status_code == 403
        key = studio.key("tickets:write", "read", org="acme-ltd")
        rows = b"subject,body,queue\n" + b"".join(
            b"Printer %d,smells of smoke,%s\n" % (n, b"it" if n % 2 else b"office") for n in range(200_000)
        )
        assert len(rows) > 4 << 20, "more than Caddy holds back"
        headers = {"Authorization": f"Bearer {key}", "Prefer": "wait=30", "Content-Type": "text/csv"}
        with studio.http() as program:
            answer = program.post("/api/v1/data-sets?name=support", content=rows, headers=headers)
            assert answer.status_code in (201, 202), answer.text
            job = program.get("/api/v1/jobs", headers=headers).json()["items"][0]["id"]
            with program.stream(
                "GET", f"/api/v1/jobs/{job}/events", headers={**headers, "Accept": "text/event-stream"}
            ) as events:
                assert events.headers["Content-Type"].startswith("text/event-stream"), events.status_code
                assert any(line.startswith("event:") for line in islice(events.iter_lines(), 6))
        much = b"a" * (1 << 20)
        # Held back by Caddy, and streamed on: both hear why, and not "502". Caddy counts nothing that says no length.
        for body, status in ((much * 3, 413), (much * 30, 413), ((much for _ in range(30)), 411)):
            with studio.http() as stranger:
                assert stranger.post("/account/login/", content=body).status_code == status, studio.log()
