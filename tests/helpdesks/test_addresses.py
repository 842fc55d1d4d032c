"""Nobody reaches what is behind our firewall through a helpdesk's address."""

from __future__ import annotations

from typing import Any

import pytest

from otai.helpdesks.connecting import ADAPTERS, System, connected
from otai.helpdesks.problems import HelpdeskUnavailable, InvalidHelpdeskAddress, InvalidHelpdeskToken
from otai.helpdesks.values import WantedTickets
from otai.outbound import addresses
from tests.helpdesks import story


@pytest.mark.parametrize(
    ("address", "case"),
    [
        ("https://127.0.0.1", "private"),
        ("https://helpdesk.internal", "private"),
        ("http://helpdesk.acme.example", "scheme"),
        ("https://user:pass@helpdesk.acme.example", "form"),
        ("https://helpdesk.acme.example/?page=1", "form"),
        ("https://helpdesk.acme.example/#top", "form"),
        ("https://helpdesk.acme.example:99999", "form"),
    ],
)
def test_an_address_that_is_not_public_is_refused_as_it_is_written(address: str, case: str) -> None:
    with pytest.raises(InvalidHelpdeskAddress) as refused, connected(System.ZAMMAD, address, story.TOKEN):
        pass
    assert refused.value.case == case
    assert refused.value.message


def test_a_name_that_leads_inside_is_refused_when_it_is_asked(monkeypatch: Any) -> None:
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("10.0.0.7", 443))])
    with (
        connected(System.ZAMMAD, "https://helpdesk.acme.example", story.TOKEN) as helpdesk,
        pytest.raises(HelpdeskUnavailable) as refused,
    ):
        helpdesk.page(WantedTickets())
    assert refused.value.case == "address"
    assert "10.0.0.7" in refused.value.message


@pytest.mark.parametrize("token", ["", " x", "x\r\nHost: inside", "tök\ten", "ü", "x" * 5_000])
def test_what_is_no_token_is_refused_before_it_is_sent(token: str) -> None:
    with pytest.raises(InvalidHelpdeskToken), connected(System.ZAMMAD, "https://helpdesk.acme.example", token):
        pass


@pytest.mark.parametrize(
    ("system", "token", "sent"),
    [
        (System.ZAMMAD, "abc", "Token token=abc"),
        (System.REQUEST_TRACKER, "1-23-abc", "token 1-23-abc"),
        (System.REQUEST_TRACKER, "root:password", "Basic cm9vdDpwYXNzd29yZA=="),
        (System.ZENDESK, "abc", "Bearer abc"),
        (System.ZENDESK, "a@b.example:abc", "Basic YUBiLmV4YW1wbGUvdG9rZW46YWJj"),
    ],
)
def test_a_token_is_sent_as_its_system_wants_it(system: System, token: str, sent: str) -> None:
    assert ADAPTERS[system].authorization(token) == sent
