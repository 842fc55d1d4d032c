"""Addresses inside, entered for webhooks by program and page through TLS: each is refused, and none is kept."""

from __future__ import annotations

import pytest

from tests.attack.scene import Scene, told
from tests.outbound import test_addresses

pytestmark = [pytest.mark.postgres, pytest.mark.torture]

[REFUSED] = [
    mark.args[1]
    for mark in test_addresses.test_an_address_that_is_not_public_is_refused_when_it_is_entered.pytestmark  # type: ignore[attr-defined]
    if mark.name == "parametrize"
]
MORE = [
    "https://127.0.0.1.:443/", "https://0177.0.0.1/", "https://[::]/", "https://[::ffff:7f00:1]/", "https://[fec0::1]/",
    "https://192.0.0.192/", "https://[3fff::1]/", "https://localhost./", "https://\u24db\u24de\u24d2alhost/", "https://127\u30020\u30020\u30021/",
    "https://2852039166/latest/meta-data/", "https://hooks.acme.example@127.0.0.1/", "https://hooks.acme.example\\@127.0.0.1/",
    "HTTPS://LOCALHOST/", "https://metadata/", "https://169.254.169.254.nip.io@169.254.169.254/", "https://[::1%25eth0]/",
    "https://%6c%6f%63%61%6c%68%6f%73%74/", "dict://127.0.0.1:11211/",
    "https:127.0.0.1/",
]  # fmt: skip


def test_no_webhook_is_made_that_leads_inside(attacked: Scene) -> None:
    with attacked.program("everything") as program, attacked.browser("owner") as alice:
        before = program.get("/api/v1/webhooks/endpoints").json()["items"]
        [endpoint, *_] = before
        for url in (*REFUSED, *MORE):
            made = program.post("/api/v1/webhooks/endpoints", json={"url": url})
            assert made.status_code == 422, (url, told(made))
            moved = program.patch(f"/api/v1/webhooks/endpoints/{endpoint['id']}", json={"url": url})
            assert moved.status_code == 422, (url, told(moved))
            page = alice.post("/acme/team/webhooks/", {"url": url, "events": [], "description": ""})
            assert page.status_code == 422, (url, told(page))
        assert program.get("/api/v1/webhooks/endpoints").json()["items"] == before
