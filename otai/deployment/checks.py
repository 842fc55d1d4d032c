"""The checks: pure, each with a stable code and the values of what it finds. The sentences of each stand in
`otai/words/tables/checks.py`; docs/before-strangers-reach-it.md explains every one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from enum import StrEnum
from ipaddress import ip_address
from typing import Any

from otai.deployment.situation import Situation
from otai.words.catalogue import ENGLISH, say_fact
from otai.words.sentences import Fact

shortest_secret_bytes = 32
fewest_secret_signs = 10
"""Different characters. 32 hexadecimal digits by chance have fewer once in ten thousand keys, and 50 letters and digits
never."""
shortest_token_bytes = 20
always_encrypted = ("require", "verify-ca", "verify-full")
"""Of libpq's `sslmode`; `prefer`, which it has by itself, goes on in clear where the server, or who is between, does
not offer TLS."""

HANGING = (
    *("webhook_secrets", "second_factors", "sessions", "checkpoint_keys", "data_keys", "unsubscribe_keys"),
    "helpdesk_tokens",
)
"""Kinds of what hangs on secret keys, in the order in which they are told."""


class Severity(StrEnum):
    NEEDED = "needed"
    """Without it strangers can do harm, or cannot use the Studio at all."""
    ADVISED = "advised"


def _nothing(_: Situation) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Check:
    """`fails` for a situation that lacks it; `values` are then those of its sentences."""

    code: str
    severity: Severity
    fails: Callable[[Situation], bool]
    values: Callable[[Situation], dict[str, Any]] = _nothing
    everywhere: bool = False
    """Also where only this machine reaches the Studio."""
    at_start: bool = False
    """About the server that is being started: nobody else knows."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found, as a code with values."""

    code: str
    severity: Severity
    is_met: bool
    values: Mapping[str, Any] = field(default_factory=dict)

    def sentence(self, language: str = ENGLISH) -> str:
        """What is so; empty where it is met."""
        return "" if self.is_met else say_fact(Fact(f"check.{self.code}", self.values), language=language)

    def remedy(self, language: str = ENGLISH) -> str:
        """What would help; empty where it is met."""
        return "" if self.is_met else say_fact(Fact(f"remedy.{self.code}", self.values), language=language)


def _is_elsewhere(host: str) -> bool:
    """Whether what is sent to any of these hosts (separated by commas) leaves this machine: a path is a socket's
    folder."""
    for one in filter(None, host.split(",")):
        try:
            is_here = ip_address(one.strip("[]")).is_loopback
        except ValueError:
            is_here = one.startswith(("/", "@")) or one.lower() == "localhost"
        if not is_here:
            return True
    return False


def _is_taken_elsewhere(sender: str) -> bool:
    """Whether other mail servers may take it: an address whose domain is more than this machine's name."""
    name, _, domain = parseaddr(sender)[1].rpartition("@")
    return bool(name) and "." in domain.strip(".")


def _gib(size: int) -> float:
    return round(size / 2**30, 1)


def _hanging(counted: Mapping[str, int]) -> dict[str, Any]:
    return {kind: counted.get(kind, 0) for kind in HANGING}


CHECKS: tuple[Check, ...] = (
    Check(
        "tls",
        Severity.NEEDED,
        lambda s: not s.base_url.startswith("https://"),
        lambda s: {"base_url": s.base_url},
    ),
    Check(
        "trusted_proxies",
        Severity.NEEDED,
        lambda s: s.trusted_proxies < 1,
    ),
    Check(
        "port_open_beside_the_proxy",
        Severity.NEEDED,
        lambda s: s.trusted_proxies > 0 and s.listens_on in ("0.0.0.0", "::"),  # noqa: S104 -- compared, not bound
        lambda s: {"listens_on": s.listens_on},
        at_start=True,
    ),
    Check(
        "allowed_hosts",
        Severity.NEEDED,
        lambda s: any(host == "*" or host.startswith(".") for host in s.allowed_hosts),
        lambda s: {"allowed_hosts": list(s.allowed_hosts)},
    ),
    Check(
        "hsts",
        Severity.ADVISED,
        lambda s: s.base_url.startswith("https://") and s.hsts_seconds < 1,
    ),
    Check(
        "mail_server",
        Severity.NEEDED,
        lambda s: not s.mail_server,
    ),
    Check(
        "mail_sender",
        Severity.ADVISED,
        lambda s: not _is_taken_elsewhere(s.mail_from),
        lambda s: {"mail_from": s.mail_from},
    ),
    Check(
        "mail_tls",
        Severity.ADVISED,
        lambda s: _is_elsewhere(s.mail_server) and not s.mail_is_encrypted,
        lambda s: {"mail_server": s.mail_server},
    ),
    Check(
        "mail_verification",
        Severity.NEEDED,
        lambda s: not s.verifies_mail,
    ),
    Check(
        "desk_second_factor",
        Severity.NEEDED,
        lambda s: not s.desk_asks_second_factor,
    ),
    Check(
        "operators_second_factor",
        Severity.ADVISED,
        lambda s: bool(s.operators_without_second_factor),
        lambda s: {"operators": list(s.operators_without_second_factor[:5])},
    ),
    Check(
        "secret_key",
        Severity.NEEDED,
        lambda s: s.secret_key_bytes < shortest_secret_bytes,
        lambda s: {"bytes": s.secret_key_bytes, "fewest": shortest_secret_bytes} if s.secret_key_bytes else {},
        everywhere=True,
    ),
    Check(
        "secret_key_guessable",
        Severity.NEEDED,
        lambda s: s.secret_key_bytes >= shortest_secret_bytes and s.secret_key_signs < fewest_secret_signs,
        lambda s: {"signs": s.secret_key_signs, "fewest": fewest_secret_signs},
        everywhere=True,
    ),
    Check(
        "secret_key_readable",
        Severity.NEEDED,
        lambda s: s.secret_key_readable_by_others,
        everywhere=True,
    ),
    Check(
        "secret_key_lost",
        Severity.NEEDED,
        lambda s: bool(s.hanging_on_lost),
        lambda s: _hanging(s.hanging_on_lost),
        everywhere=True,
    ),
    Check(
        "secret_key_former",
        Severity.ADVISED,
        lambda s: s.former_secret_keys > 0,
        lambda s: {"keys": s.former_secret_keys, **(_hanging(s.hanging_on_former) if s.hanging_on_former else {})},
        everywhere=True,
    ),
    Check(
        "migrations",
        Severity.NEEDED,
        lambda s: s.unapplied_migrations > 0,
        lambda s: {"migrations": s.unapplied_migrations},
        everywhere=True,
    ),
    Check(
        "database",
        Severity.ADVISED,
        lambda s: s.database == "sqlite" and (s.processes or 1) == 1,
    ),
    Check(
        "database_for_processes",
        Severity.NEEDED,
        lambda s: s.database == "sqlite" and (s.processes or 1) > 1,
        lambda s: {"processes": s.processes},
        at_start=True,
    ),
    Check(
        "database_tls",
        Severity.ADVISED,
        lambda s: _is_elsewhere(s.database_host) and s.database_sslmode not in always_encrypted,
        lambda s: {"host": s.database_host, "sslmode": s.database_sslmode},
    ),
    Check(
        "memory_for_jobs",
        Severity.ADVISED,
        lambda s: s.jobs_at_once * s.memory_of_a_job > s.memory_of_machine,
        lambda s: {
            "jobs": s.jobs_at_once,
            "jobs_gib": _gib(s.jobs_at_once * s.memory_of_a_job),
            "job_gib": _gib(s.memory_of_a_job),
            "machine_gib": _gib(s.memory_of_machine),
        },
    ),
    Check(
        "demo",
        Severity.NEEDED,
        lambda s: s.is_demo,
    ),
    Check(
        "trainings_confined",
        Severity.ADVISED,
        lambda s: not s.trainings_confined,
    ),
    Check(
        "jobs_confined",
        Severity.ADVISED,
        lambda s: not s.jobs_confined,
    ),
    Check(
        "files_encrypted",
        Severity.ADVISED,
        lambda s: not s.files_encrypted,
    ),
    Check(
        "webhooks_inside",
        Severity.NEEDED,
        lambda s: s.webhooks_go_inside,
    ),
    Check(
        "helpdesks_inside",
        Severity.NEEDED,
        lambda s: s.helpdesks_lie_inside,
    ),
    Check(
        "card_payments_told",
        Severity.NEEDED,
        lambda s: s.takes_cards and not s.stripe_tells,
    ),
    Check(
        "card_payments_are_tests",
        Severity.NEEDED,
        lambda s: s.cards_are_tests,
    ),
    Check(
        "seller",
        Severity.ADVISED,
        lambda s: not s.seller,
    ),
    Check(
        "modes_installed",
        Severity.ADVISED,
        lambda s: bool(s.modes_missing),
        lambda s: {"modes": list(s.modes_missing), "install": list(s.modes_install)},
    ),
    Check(
        "legal_pages",
        Severity.ADVISED,
        lambda s: bool(s.legal_pages_missing),
        lambda s: {"missing": list(s.legal_pages_missing)},
    ),
    Check(
        "legal_files",
        Severity.NEEDED,
        lambda s: bool(s.legal_files_unreadable),
        lambda s: {"files": list(s.legal_files_unreadable)},
    ),
    Check(
        "metrics_token",
        Severity.ADVISED,
        lambda s: s.metrics_token_bytes == 0,
    ),
    Check(
        "metrics_token_short",
        Severity.NEEDED,
        lambda s: 0 < s.metrics_token_bytes < shortest_token_bytes,
        lambda s: {"bytes": s.metrics_token_bytes, "fewest": shortest_token_bytes},
    ),
)


def results(found: Situation) -> list[Result]:
    """Every check that concerns this situation, in the order of the list: all of them where strangers may come, else
    those for anybody; those about a server only while one is started."""
    told = []
    for check in CHECKS:
        if not (found.is_open or check.everywhere) or (check.at_start and found.processes is None):
            continue
        fails = check.fails(found)
        values = check.values(found) if fails else {}
        told.append(Result(code=check.code, severity=check.severity, is_met=not fails, values=values))
    return told


def failing(found: Situation) -> list[Result]:
    """What is not met: the needed first."""
    missing = [result for result in results(found) if not result.is_met]
    return sorted(missing, key=lambda result: result.severity is not Severity.NEEDED)
