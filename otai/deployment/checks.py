"""The checks: pure, each with a stable code, what it finds and what would help. docs/before-strangers-reach-it.md
explains every one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from otai.deployment.situation import Situation

shortest_secret_bytes = 32
shortest_token_bytes = 20


class Severity(StrEnum):
    NEEDED = "needed"
    """Without it strangers can do harm, or cannot use the Studio at all."""
    ADVISED = "advised"


@dataclass(frozen=True, slots=True)
class Check:
    """`fails` for a situation that lacks it; `sentence` says then what is so, with its numbers, and `remedy` what would
    help."""

    code: str
    severity: Severity
    fails: Callable[[Situation], bool]
    sentence: Callable[[Situation], str]
    remedy: str
    everywhere: bool = False
    """Also where only this machine reaches the Studio."""
    at_start: bool = False
    """About the server that is being started: nobody else knows."""


@dataclass(frozen=True, slots=True)
class Result:
    code: str
    severity: Severity
    is_met: bool
    sentence: str
    """Empty where it is met."""
    remedy: str


def _said(text: str) -> Callable[[Situation], str]:
    return lambda _: text


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"


CHECKS: tuple[Check, ...] = (
    Check(
        "tls",
        Severity.NEEDED,
        lambda s: not s.base_url.startswith("https://"),
        lambda s: (
            f"People reach it at {s.base_url}: passwords and keys can be read on the way, and passkeys do not work."
        ),
        "Put a reverse proxy that speaks TLS in front (docs/tls.md) and set OTAI_BASE_URL=https://...",
    ),
    Check(
        "trusted_proxies",
        Severity.NEEDED,
        lambda s: s.trusted_proxies < 1,
        _said(
            "OTAI_TRUSTED_PROXIES is 0: all visitors seem to come from the proxy's address, so thirty wrong passwords "
            "of one shut everybody out, and requests without TLS are not noticed."
        ),
        "Set OTAI_TRUSTED_PROXIES to the number of reverse proxies of yours that a request passes.",
    ),
    Check(
        "port_open_beside_the_proxy",
        Severity.NEEDED,
        lambda s: s.trusted_proxies > 0 and s.listens_on in ("0.0.0.0", "::"),  # noqa: S104 -- compared, not bound
        lambda s: (
            f"The server listens on {s.listens_on}: whoever reaches its port goes around the proxy and may claim any "
            "address."
        ),
        "Listen on 127.0.0.1 or on an address that only the proxy reaches (--host), or close the port to all others.",
        at_start=True,
    ),
    Check(
        "allowed_hosts",
        Severity.NEEDED,
        lambda s: any(host == "*" or host.startswith(".") for host in s.allowed_hosts),
        lambda s: f"Pages answer to any of the hosts {', '.join(s.allowed_hosts)}.",
        "Name in OTAI_ALLOWED_HOSTS only hosts of yours; that of OTAI_BASE_URL is allowed by itself.",
    ),
    Check(
        "hsts",
        Severity.ADVISED,
        lambda s: s.base_url.startswith("https://") and s.hsts_seconds < 1,
        _said("Browsers are not told to come by TLS only: a first request without it can be caught."),
        "Leave OTAI_HSTS_SECONDS unset, which is a year, or set it.",
    ),
    Check(
        "mail_server",
        Severity.NEEDED,
        lambda s: not s.mail_server,
        _said(
            "There is no mail server: nobody can confirm an address or choose a new password, and notices are files "
            "here."
        ),
        "Set OTAI_EMAIL_HOST, and OTAI_EMAIL_USER and OTAI_EMAIL_PASSWORD.",
    ),
    Check(
        "mail_sender",
        Severity.ADVISED,
        lambda s: "@localhost" in s.mail_from,
        lambda s: f"Mails come from {s.mail_from}, which many mail servers refuse.",
        'Set OTAI_EMAIL_FROM="OTAI Studio <studio@your.domain>".',
    ),
    Check(
        "mail_verification",
        Severity.NEEDED,
        lambda s: not s.verifies_mail,
        _said("Anybody can sign up with anybody's mail address, and is given credits for it."),
        "Set OTAI_VERIFY_MAIL=1, with a mail server.",
    ),
    Check(
        "desk_second_factor",
        Severity.NEEDED,
        lambda s: not s.desk_asks_second_factor,
        _said("A guessed password of an operator opens the desk, and with it everybody's money."),
        "Set OTAI_DESK_SECOND_FACTOR=1.",
    ),
    Check(
        "operators_second_factor",
        Severity.ADVISED,
        lambda s: bool(s.operators_without_second_factor),
        lambda s: (
            f"Without a second factor: {', '.join(s.operators_without_second_factor[:5])}. "
            "Whoever has the password of one could set up the first."
        ),
        "Each sets one up under Your account, before the Studio is open.",
    ),
    Check(
        "secret_key",
        Severity.NEEDED,
        lambda s: s.secret_key_bytes < shortest_secret_bytes,
        lambda s: (
            f"The secret key has {s.secret_key_bytes} bytes; it signs who is signed in, and at least "
            f"{shortest_secret_bytes} are needed."
            if s.secret_key_bytes
            else "There is no secret key: each process makes one up, and nobody stays signed in."
        ),
        "Run otai init, which makes one in OTAI_HOME, or set OTAI_SECRET_KEY to 50 random characters, the same for all "
        "processes.",
        everywhere=True,
    ),
    Check(
        "secret_key_readable",
        Severity.NEEDED,
        lambda s: s.secret_key_readable_by_others,
        _said("Other users of the machine can read the secret key, and with it sign in as anybody."),
        "chmod 600 the file secret-key in OTAI_HOME, then change the key (docs/accounts.md).",
        everywhere=True,
    ),
    Check(
        "migrations",
        Severity.NEEDED,
        lambda s: s.unapplied_migrations > 0,
        lambda s: f"The database is of an earlier version; migrations to be applied: {s.unapplied_migrations}.",
        "Run otai init.",
        everywhere=True,
    ),
    Check(
        "database",
        Severity.ADVISED,
        lambda s: s.database == "sqlite" and (s.processes or 1) == 1,
        _said("The database is SQLite: one writes while all others wait, and it lies on this machine alone."),
        "Set OTAI_DATABASE_URL to a PostgreSQL, and run otai init.",
    ),
    Check(
        "database_for_processes",
        Severity.NEEDED,
        lambda s: s.database == "sqlite" and (s.processes or 1) > 1,
        lambda s: (
            f"{s.processes} server processes write to one SQLite file: under load some of them wait until they fail."
        ),
        "Set OTAI_DATABASE_URL to a PostgreSQL, or serve with one process (--workers 1).",
        at_start=True,
    ),
    Check(
        "memory_for_jobs",
        Severity.ADVISED,
        lambda s: s.jobs_at_once * s.memory_of_a_job > s.memory_of_machine,
        lambda s: (
            f"{s.jobs_at_once} jobs at once may hold {_gib(s.jobs_at_once * s.memory_of_a_job)} of memory (imports "
            f"and looks at tickets, {_gib(s.memory_of_a_job)} each), and this machine has {_gib(s.memory_of_machine)}: "
            "the kernel may end others for them."
        ),
        "Set OTAI_JOB_MEMORY_MB or OTAI_JOBS_AT_ONCE to less, or give the machine more memory.",
    ),
    Check(
        "demo",
        Severity.NEEDED,
        lambda s: s.is_demo,
        _said("This is the demo's installation: its bank pays whatever is ordered."),
        "Set OTAI_HOME to a new folder, and run otai init.",
    ),
    Check(
        "webhooks_inside",
        Severity.NEEDED,
        lambda s: s.webhooks_go_inside,
        _said(
            "Webhooks may go to private addresses: who signs up can make the Studio call servers inside your network."
        ),
        "Unset OTAI_WEBHOOKS_ALLOW_PRIVATE.",
    ),
    Check(
        "card_payments_told",
        Severity.NEEDED,
        lambda s: s.takes_cards and not s.stripe_tells,
        _said("Stripe takes money and cannot tell: without OTAI_STRIPE_WEBHOOK_SECRET its news is not believed."),
        "Make an endpoint for /webhooks/stripe at Stripe, and set OTAI_STRIPE_WEBHOOK_SECRET (docs/billing.md).",
    ),
    Check(
        "card_payments_are_tests",
        Severity.NEEDED,
        lambda s: s.cards_are_tests,
        _said("The key of Stripe is one for tests: anybody buys credits with a test card."),
        "Set OTAI_STRIPE_SECRET_KEY to a live key.",
    ),
    Check(
        "seller",
        Severity.ADVISED,
        lambda s: not s.seller,
        _said("Nobody sells: invoices are specimens of a fictitious seller."),
        "Set OTAI_SELLER to a file that says who you are (docs/billing.md).",
    ),
    Check(
        "metrics_token",
        Severity.ADVISED,
        lambda s: s.metrics_token_bytes == 0,
        _said("There is no page of metrics: nobody sees from outside that runs wait or holds stay open."),
        "Set OTAI_METRICS_TOKEN, and let Prometheus send it.",
    ),
    Check(
        "metrics_token_short",
        Severity.NEEDED,
        lambda s: 0 < s.metrics_token_bytes < shortest_token_bytes,
        lambda s: (
            f"OTAI_METRICS_TOKEN has {s.metrics_token_bytes} bytes and can be guessed; figures of the whole business "
            "lie behind it."
        ),
        f"Set it to at least {shortest_token_bytes} random characters.",
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
        told.append(
            Result(
                code=check.code,
                severity=check.severity,
                is_met=not fails,
                sentence=check.sentence(found) if fails else "",
                remedy=check.remedy if fails else "",
            )
        )
    return told


def failing(found: Situation) -> list[Result]:
    """What is not met: the needed first."""
    missing = [result for result in results(found) if not result.is_met]
    return sorted(missing, key=lambda result: result.severity is not Severity.NEEDED)
