"""The address of an installation, and who is at the other end of a request."""

from __future__ import annotations

import pytest

from otai.config.addresses import (
    allowed_hosts,
    base_url,
    client_address,
    forwarded_scheme,
)
from otai.environment import InvalidSetting

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("said", "origin"),
    [
        ("https://studio.example", "https://studio.example"),
        ("https://studio.example/", "https://studio.example"),
        ("https://Studio.Example:443", "https://studio.example"),
        ("https://studio.example:8443", "https://studio.example:8443"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://büro.example", "https://xn--bro-hoa.example"),
    ],
)
def test_an_address_is_kept_as_browsers_name_it(said: str, origin: str) -> None:
    assert base_url(said).origin == origin


@pytest.mark.parametrize(
    "said",
    ["studio.example", "ftp://studio.example", "https://", "https://studio.example/otai", "https://studio.example:port",
     "https://alice:secret@studio.example", "https://studio.example?x=1", ""],
)  # fmt: skip
def test_what_is_no_address_of_a_studio_is_refused_by_name(said: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        base_url(said)
    assert refused.value.code == "invalid_setting" and "OTAI_BASE_URL" in refused.value.message


def test_the_known_host_is_allowed_by_itself_and_the_setting_adds() -> None:
    assert allowed_hosts(base_url("https://studio.example:8443"), "") == ["studio.example"]
    assert allowed_hosts(base_url("https://studio.example"), "inside, studio.example") == ["studio.example", "inside"]
    assert allowed_hosts(base_url("http://localhost:8000"), "") == ["localhost", "127.0.0.1", "[::1]"]


@pytest.mark.parametrize(
    ("forwarded", "proxies", "who"),
    [
        ("", 0, "10.0.0.1"),
        # Nobody of ours stands in front: the header is the visitor's invention.
        ("203.0.113.7", 0, "10.0.0.1"),
        ("203.0.113.7", 1, "203.0.113.7"),
        # What a visitor wrote stands before what the proxy added.
        ("1.1.1.1, 203.0.113.7", 1, "203.0.113.7"),
        ("1.1.1.1, 203.0.113.7, 10.0.0.2", 2, "203.0.113.7"),
        # It came around the outer proxy.
        ("203.0.113.7", 2, "10.0.0.1"),
        ("203.0.113.7:4711", 1, "203.0.113.7"),
        ("[2001:db8::7]:4711", 1, "2001:db8::7"),
        ("2001:DB8::7", 1, "2001:db8::7"),
        ("unknown", 1, "10.0.0.1"),
        (" , ,", 1, "10.0.0.1"),
    ],
)
def test_only_what_our_own_proxies_added_is_believed(forwarded: str, proxies: int, who: str) -> None:
    assert client_address("10.0.0.1", forwarded, trusted_proxies=proxies) == who


@pytest.mark.parametrize(
    ("forwarded", "proxies", "scheme"),
    [
        ("https", 1, "https"),
        ("HTTPS", 1, "https"),
        ("", 1, ""),
        (" , ", 1, ""),
        # The outer of two wrote it, the inner passed it on or added what it saw itself.
        ("https", 2, "https"),
        ("https, http", 2, "https"),
        ("http,https", 2, "http"),
        # Whoever came without TLS claimed it, and our only proxy added to that.
        ("https, http", 1, "http"),
        ("https, http, http", 2, "http"),
        ("https, https, http", 2, "https"),
        ("https", 0, ""),
    ],
)
def test_of_schemes_too_only_what_our_own_proxies_wrote_is_believed(forwarded: str, proxies: int, scheme: str) -> None:
    assert forwarded_scheme(forwarded, trusted_proxies=proxies) == scheme
