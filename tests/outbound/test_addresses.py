"""Nobody reaches what is behind our firewall through us."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from otai.outbound import addresses, sending
from otai.outbound.addresses import InvalidWebhookUrl, checked_url, is_public
from otai.words.catalogue import say_fact
from tests.outbound.receiver import Receiver


def said(answer: sending.Reply) -> str:
    return say_fact(answer.why) if answer.why else ""


@pytest.mark.pure
@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.acme.example/in",
        "https://localhost/in",
        "https://127.0.0.1/in",
        "https://127.1/in",
        "https://2130706433/in",
        "https://0x7f000001/in",
        "https://0/in",
        "https://10.0.0.7/in",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/",
        "https://[::1]/in",
        "https://[fe80::1]/in",
        "https://[fd00::1]/in",
        "https://[::ffff:127.0.0.1]/in",
        "https://[64:ff9b::7f00:1]/in",
        "https://[2002:7f00:1::]/in",
        "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/in",
        "https://[2001:0:4136:e378:8000:63bf:f7f7:f7f7]/in",
        "https://224.0.0.1/",
        "https://intranet/in",
        "https://printer.local/in",
        "https://metadata.google.internal/",
        "https://user:pass@hooks.acme.example/in",
        "ftp://hooks.acme.example/in",
        "file:///etc/passwd",
        "https://",
        "https://hooks.acme.example:0/",
        "https://hooks.acme.example:99999/",
        "https://hooks.acme.example/ in",
        "https://hooks.acme.example/\r\nHost: x",
        "https://hööks.example/in",
        "gopher://x",
        "",
    ],
)
def test_an_address_that_is_not_public_is_refused_when_it_is_entered(url: str) -> None:
    with pytest.raises(InvalidWebhookUrl):
        checked_url(url)


@pytest.mark.pure
def test_a_public_address_is_taken() -> None:
    for url in ("https://hooks.acme.example/in?x=1", "https://hooks.acme.example:8443/", "https://8.8.8.8/in"):
        assert checked_url(f" {url} ") == url
    assert is_public("8.8.8.8") and is_public("2a00:1450::1") and not is_public("192.168.1.1")


@pytest.mark.pure
def test_a_name_that_leads_inside_is_refused_when_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name looks public; what it resolves to is our own machine."""
    monkeypatch.setattr(
        addresses.socket,
        "getaddrinfo",
        lambda host, port, **_: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))],
    )
    answer = sending.post("https://hooks.acme.example/in", body=b"{}", headers={})
    assert answer.status is None and "no public address" in said(answer)


@pytest.mark.pure
def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        addresses.socket,
        "getaddrinfo",
        lambda host, port, **_: [(2, 1, 6, "", ("8.8.8.8", port)), (2, 1, 6, "", ("10.0.0.1", port))],
    )
    assert "10.0.0.1" in said(sending.post("https://hooks.acme.example/", body=b"{}", headers={}))


@pytest.mark.pure
def test_the_connection_goes_to_the_address_that_was_judged(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers differently the second time gains nothing: there is no second time."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolver(host: str, port: int, *more: Any, **named: Any) -> Any:
        if host == "hooks.acme.example":
            asked.append(host)
            host = "127.0.0.1" if len(asked) == 1 else "127.0.0.9"
        return real(host, port, *more, **named)

    monkeypatch.setattr(addresses.socket, "getaddrinfo", resolver)
    url = receiver.url.replace("127.0.0.1", "hooks.acme.example")
    answer = sending.post(url, body=b"{}", headers={})
    assert answer.status == 200 and asked == ["hooks.acme.example"]
    assert receiver.got[0][0]["host"].startswith("hooks.acme.example:")


@pytest.mark.pure
def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.statuses = [302]
    receiver.headers = {"Location": receiver.url}
    answer = sending.post(receiver.url, body=b"{}", headers={})
    assert answer.status == 302 and "redirects are not followed" in said(answer) and len(receiver.got) == 1


@pytest.mark.pure
def test_a_long_answer_is_not_read_to_its_end(receiver: Receiver) -> None:
    receiver.body = b"x" * 50_000_000
    began = time.monotonic()
    answer = sending.post(receiver.url, body=b"{}", headers={})
    assert answer.status == 200 and len(answer.body) == sending.kept_characters and time.monotonic() - began < 3


@pytest.mark.pure
def test_an_answer_that_drips_ends_at_the_deadline(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "total_seconds", 0.5)
    receiver.drip_seconds = 0.1
    receiver.body = b"x" * 600
    answer = sending.post(receiver.url, body=b"{}", headers={})
    assert "no complete answer" in said(answer) and 400 < answer.milliseconds < 2000


@pytest.mark.pure
def test_nobody_there_is_an_answer_too(settings: Any) -> None:
    settings.OTAI_WEBHOOKS_ALLOW_PRIVATE = True
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    answer = sending.post(f"http://127.0.0.1:{port}/", body=b"{}", headers={})
    assert answer.status is None and "(ConnectError" in said(answer)


@pytest.mark.pure
@pytest.mark.parametrize(
    ("url", "says"),
    [
        (
            "https://hooks.acme.example/" + "x" * 1974,
            "A webhook's address is a URL of up to 2000 ASCII characters without blanks.",
        ),
        (
            "https://hooks.acme.example:x/",
            "The address cannot be read: Port could not be cast to integer value as 'x'.",
        ),
        ("https://", "A webhook's address begins with https:// and names a host."),
        (
            "https://user@hooks.acme.example/",
            "Leave user and password out of the address: the signature proves who we are.",
        ),
        (
            "https://:pass@hooks.acme.example/",
            "Leave user and password out of the address: the signature proves who we are.",
        ),
        ("https://localhost./in", "localhost is no public address, and messages go to public ones only."),
        ("https://127.0.0.1/in", "127.0.0.1 is no public address, and messages go to public ones only."),
    ],
)
def test_a_refused_address_says_why_beside_its_field(url: str, says: str) -> None:
    with pytest.raises(InvalidWebhookUrl) as refused:
        checked_url(url)
    assert (refused.value.message, refused.value.details["field"]) == (says, "url")


@pytest.mark.pure
def test_an_address_may_have_2000_characters() -> None:
    url = "https://hooks.acme.example/" + "x" * 1973
    assert (len(url), checked_url(f"  {url} ")) == (2000, url)


@pytest.mark.pure
def test_where_private_addresses_are_allowed_plain_http_is_and_nothing_else_changes(settings: Any) -> None:
    settings.OTAI_WEBHOOKS_ALLOW_PRIVATE = True
    assert checked_url("http://10.0.0.7:8080/in") == "http://10.0.0.7:8080/in"
    with pytest.raises(InvalidWebhookUrl, match="begins with https:// and names a host"):
        checked_url("ftp://10.0.0.7/in")
    with pytest.raises(InvalidWebhookUrl, match="user and password"):
        checked_url("http://u@10.0.0.7/in")


@pytest.mark.pure
@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("64:ff9b::808:808", True),
        ("64:ff9b::a00:7", False),
        ("::ffff:8.8.8.8", True),
        ("::ffff:10.0.0.7", False),
        ("2002:808:808::", True),
        ("2002:a00:7::", False),
        ("240.0.0.1", False),
        ("224.0.0.1", False),
        ("ff0e::1", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("feff::1", False),
        ("3fff::1", False),
        ("3fff:fff::1", False),
        ("5f00::1", False),
        ("192.0.0.9", False),
        ("192.0.0.192", False),
        ("::ffff:192.0.0.192", False),
        ("64:ff9b::c000:c0", False),
        ("64:ff9b:1::808:808", False),
        ("192.88.99.1", False),
        ("168.63.129.16", False),
        ("192.0.1.1", True),
        ("2620:4f:8000::1", True),
    ],
)
def test_an_address_inside_another_is_judged_by_the_inner_one(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.pure
def test_a_name_resolves_to_each_address_once_and_one_private_refuses_all(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    def answers(*found: str) -> None:
        asked: list[tuple[Any, ...]] = []

        def resolve(host: str, port: int, **named: Any) -> list[tuple[Any, ...]]:
            asked.append((host, port, named))
            assert (host, port, named) == ("hooks.acme.example", 443, {"type": socket.SOCK_STREAM})
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

        monkeypatch.setattr(addresses.socket, "getaddrinfo", resolve)

    answers("8.8.8.8", "1.1.1.1", "8.8.8.8")
    assert addresses.resolved("hooks.acme.example", 443) == ["8.8.8.8", "1.1.1.1"]
    answers("8.8.8.8", "10.0.0.7")
    with pytest.raises(
        addresses.AddressRefused,
        match=r"^hooks\.acme\.example is 10\.0\.0\.7, no public address; messages go to public ones only$",
    ):
        addresses.resolved("hooks.acme.example", 443)
    settings.OTAI_WEBHOOKS_ALLOW_PRIVATE = True
    assert addresses.resolved("hooks.acme.example", 443) == ["8.8.8.8", "10.0.0.7"]

    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(addresses.socket, "getaddrinfo", unknown)
    with pytest.raises(addresses.AddressRefused, match=r"^hooks\.acme\.example cannot be resolved: .*not known"):
        addresses.resolved("hooks.acme.example", 443)
