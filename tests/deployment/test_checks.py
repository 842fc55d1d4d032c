"""Before strangers reach it: every check fails for what it is about, for nothing else, and is explained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from otai.deployment import CHECKS, Severity, Situation, failing, results
from tests.words.book import languages

pytestmark = pytest.mark.pure

READY = Situation(
    base_url="https://studio.example",
    is_open=True,
    trusted_proxies=1,
    allowed_hosts=("studio.example",),
    hsts_seconds=31_536_000,
    mail_server="mail.example",
    mail_is_encrypted=True,
    mail_from="OTAI Studio <studio@studio.example>",
    verifies_mail=True,
    desk_asks_second_factor=True,
    operators_without_second_factor=(),
    secret_key_bytes=67,
    secret_key_signs=40,
    secret_key_readable_by_others=False,
    former_secret_keys=0,
    hanging_on_former={},
    hanging_on_lost={},
    database="postgresql",
    database_host="db.example",
    database_sslmode="verify-full",
    unapplied_migrations=0,
    metrics_token_bytes=43,
    seller="seller.toml",
    legal_pages_missing=(),
    legal_files_unreadable=(),
    takes_cards=True,
    cards_are_tests=False,
    stripe_tells=True,
    webhooks_go_inside=False,
    helpdesks_lie_inside=False,
    is_demo=False,
    jobs_at_once=4,
    memory_of_a_job=2 << 30,
    memory_of_machine=16 << 30,
    trainings_confined=True,
    jobs_confined=True,
    files_encrypted=True,
    processes=2,
    listens_on="127.0.0.1",
)

BROKEN: dict[str, dict[str, Any]] = {
    "tls": {"base_url": "http://studio.example"},
    "trusted_proxies": {"trusted_proxies": 0},
    "port_open_beside_the_proxy": {"listens_on": "0.0.0.0"},
    "allowed_hosts": {"allowed_hosts": ("studio.example", "*")},
    "hsts": {"hsts_seconds": 0},
    "mail_server": {"mail_server": ""},
    "mail_sender": {"mail_from": "OTAI Studio <studio@localhost>"},
    "mail_tls": {"mail_is_encrypted": False},
    "mail_verification": {"verifies_mail": False},
    "desk_second_factor": {"desk_asks_second_factor": False},
    "operators_second_factor": {"operators_without_second_factor": ("olga",)},
    "secret_key": {"secret_key_bytes": 12},
    "secret_key_guessable": {"secret_key_bytes": 40, "secret_key_signs": 1},
    "secret_key_readable": {"secret_key_readable_by_others": True},
    "secret_key_lost": {"hanging_on_lost": {"second_factors": 2}},
    "secret_key_former": {"former_secret_keys": 1, "hanging_on_former": {"webhook_secrets": 3}},
    "migrations": {"unapplied_migrations": 3},
    "database": {"database": "sqlite", "processes": 1},
    "database_for_processes": {"database": "sqlite"},
    "database_tls": {"database_sslmode": "prefer"},
    "memory_for_jobs": {"memory_of_machine": 4 << 30},
    "demo": {"is_demo": True},
    "trainings_confined": {"trainings_confined": False},
    "jobs_confined": {"jobs_confined": False},
    "files_encrypted": {"files_encrypted": False},
    "webhooks_inside": {"webhooks_go_inside": True},
    "helpdesks_inside": {"helpdesks_lie_inside": True},
    "card_payments_told": {"stripe_tells": False},
    "card_payments_are_tests": {"cards_are_tests": True},
    "seller": {"seller": ""},
    "modes_installed": {"modes_missing": ("business",), "modes_install": ("otai encoders pull use-multilingual",)},
    "legal_pages": {"legal_pages_missing": ("OTAI_PRIVACY",)},
    "legal_files": {"legal_files_unreadable": ("/etc/otai/terms.md",)},
    "metrics_token": {"metrics_token_bytes": 0},
    "metrics_token_short": {"metrics_token_bytes": 6},
}


def test_a_studio_that_has_all_of_it_is_ready() -> None:
    assert failing(READY) == []
    assert all(result.is_met for result in results(READY))
    assert [result.code for result in results(READY)] == [check.code for check in CHECKS]


@pytest.mark.parametrize("code", [check.code for check in CHECKS])
def test_each_check_fails_alone_for_what_it_is_about(code: str) -> None:
    [found] = failing(replace(READY, **BROKEN[code]))
    assert found.code == code
    assert found.sentence().endswith(".") and found.remedy().endswith((".", "..."))
    for language in languages():
        assert found.sentence(language) != found.sentence() and found.remedy(language) != found.remedy()


def test_what_is_found_is_said_with_its_numbers() -> None:
    said = {code: failing(replace(READY, **changes))[0].sentence() for code, changes in BROKEN.items()}
    shown = {
        "allowed_hosts": "hosts studio.example, *.",
        "operators_second_factor": "factor: olga.",
        "secret_key": "has 12 bytes; it signs who is signed in, and at least 32",
        "migrations": "applied: 3.",
        "database_for_processes": "2 server processes",
        "memory_for_jobs": "4 jobs at once may hold 8\N{NO-BREAK SPACE}GiB of memory (imports and looks at tickets, "
        "2\N{NO-BREAK SPACE}GiB each)",
        "metrics_token_short": "has 6 bytes",
    }
    assert {code: text for code, text in shown.items() if text not in said[code]} == {}
    [none] = failing(replace(READY, secret_key_bytes=0))
    assert none.sentence().startswith("There is no secret key")


def test_what_is_needed_stands_before_what_is_advised() -> None:
    bare = replace(READY, **{name: value for case in BROKEN.values() for name, value in case.items()})
    severities = [result.severity for result in failing(bare)]
    assert Severity.NEEDED in severities and Severity.ADVISED in severities
    assert severities == sorted(severities, key=lambda severity: severity is not Severity.NEEDED)


def test_where_only_this_machine_reaches_it_hardly_anything_is_asked() -> None:
    asked = {result.code for result in results(replace(READY, is_open=False))}
    assert asked == {
        *("secret_key", "secret_key_guessable", "secret_key_readable", "secret_key_lost", "secret_key_former"),
        "migrations",
    }


def test_nothing_is_said_of_a_server_that_nobody_starts() -> None:
    asked = {result.code for result in results(replace(READY, processes=None, listens_on=None))}
    assert asked == {check.code for check in CHECKS} - {"port_open_beside_the_proxy", "database_for_processes"}


@pytest.mark.parametrize("hosts", [("studio.example", ".example"), ("*",)])
def test_a_host_that_stands_for_many_is_found(hosts: tuple[str, ...]) -> None:
    assert [result.code for result in failing(replace(READY, allowed_hosts=hosts))] == ["allowed_hosts"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "::1", "/var/run/postgresql", ""])
def test_what_does_not_leave_this_machine_may_go_in_clear(host: str) -> None:
    assert failing(replace(READY, database_host=host, database_sslmode="disable")) == []
    found = failing(replace(READY, mail_server=host, mail_is_encrypted=False))
    assert [result.code for result in found] == ([] if host else ["mail_server"])


@pytest.mark.parametrize("sslmode", ["disable", "allow", "prefer", ""])
def test_a_database_elsewhere_that_may_be_spoken_to_in_clear_is_found(sslmode: str) -> None:
    for host in ("10.0.0.7", "localhost,db.example"):
        [found] = failing(replace(READY, database_host=host, database_sslmode=sslmode))
        assert found.code == "database_tls" and host in found.sentence()


@pytest.mark.parametrize("sender", ["studio", "Studio <studio>", "Studio <@example.com>", "studio@mailhost", ""])
def test_a_sender_whom_no_mail_server_takes_is_found(sender: str) -> None:
    assert [result.code for result in failing(replace(READY, mail_from=sender))] == ["mail_sender"]


def test_the_page_explains_every_check_and_no_other() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "before-strangers-reach-it.md").read_text()
    told = [
        line.split("`")[1] for line in page.splitlines() if line.startswith("| `") and "OTAI_" not in line.split("|")[1]
    ]
    assert told == [check.code for check in CHECKS]
    for check in CHECKS:
        [line] = [line for line in page.splitlines() if line.startswith(f"| `{check.code}`")]
        assert f"| {check.severity.value} |" in line
