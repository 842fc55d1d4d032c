"""How this installation is set up, as values: settings, files and rows are read here, judged in `checks`."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from otai import key_files, keyring
from otai.jobs.admission import places
from otai.jobs.confining import confines
from otai.jobs.processes import memory_of_machine
from otai.jobs.work import JobLane
from otai.orgs import legal
from otai.orgs.legal import Legal
from otai.runs import readiness


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """`processes` and `listens_on` are None where no server was asked to start."""

    base_url: str
    is_open: bool
    """Whether others than this machine reach it, by what `OTAI_BASE_URL` says."""
    trusted_proxies: int
    allowed_hosts: tuple[str, ...]
    hsts_seconds: int
    mail_server: str
    mail_is_encrypted: bool
    mail_from: str
    verifies_mail: bool
    desk_asks_second_factor: bool
    operators_without_second_factor: tuple[str, ...]
    secret_key_bytes: int
    """0 where there is none, and each process makes one up."""
    secret_key_signs: int
    """How many different characters it has: forty times the same letter is long and no secret."""
    secret_key_readable_by_others: bool
    former_secret_keys: int
    """Keys of before that are still accepted."""
    hanging_on_former: Mapping[str, int]
    """How many things of each kind only a former key opens."""
    hanging_on_lost: Mapping[str, int]
    """How many things of each kind no key here opens."""
    database: str
    """`sqlite` or `postgresql`."""
    database_host: str
    """Empty: a file, or the socket of this machine; a path is a socket's folder."""
    database_sslmode: str
    """As libpq has it: `disable`, `allow`, `prefer`, `require`, `verify-ca`, `verify-full`."""
    unapplied_migrations: int
    metrics_token_bytes: int
    seller: str
    legal_pages_missing: tuple[str, ...]
    """Settings of terms, privacy notice and imprint that are not set."""
    legal_files_unreadable: tuple[str, ...]
    takes_cards: bool
    cards_are_tests: bool
    stripe_tells: bool
    webhooks_go_inside: bool
    helpdesks_lie_inside: bool
    is_demo: bool
    jobs_at_once: int
    """Processes that read files and look at tickets side by side."""
    memory_of_a_job: int
    memory_of_machine: int
    """Bytes, as those of a job; in a container what it may hold."""
    trainings_confined: bool
    """Of this machine's: a worker elsewhere may be another case."""
    jobs_confined: bool
    files_encrypted: bool
    """Whether new files of organisations are encrypted in the store."""
    modes_missing: tuple[str, ...] = ()
    """Modes of trainings that cannot be trained here, and so are not sold."""
    modes_install: tuple[str, ...] = ()
    """The commands that bring them."""
    processes: int | None = None
    listens_on: str | None = None


def situation(*, processes: int | None = None, listens_on: str | None = None) -> Situation:
    """Asks the database: whoever calls has made sure that it is there. `processes` and `listens_on` are those of the
    server to be started."""
    key = Path(settings.OTAI_HOME) / key_files.CURRENT
    kept = os.environ.get("OTAI_SECRET_KEY") or (key.read_text() if key.is_file() else "")
    return Situation(
        base_url=settings.OTAI_BASE_URL,
        is_open=settings.OTAI_IS_OPEN,
        trusted_proxies=settings.OTAI_TRUSTED_PROXIES,
        allowed_hosts=tuple(settings.ALLOWED_HOSTS),
        hsts_seconds=settings.SECURE_HSTS_SECONDS,
        mail_server=settings.EMAIL_HOST,
        mail_is_encrypted=settings.EMAIL_USE_TLS,
        mail_from=settings.DEFAULT_FROM_EMAIL,
        verifies_mail=settings.OTAI_VERIFY_MAIL,
        desk_asks_second_factor=settings.OTAI_DESK_SECOND_FACTOR,
        operators_without_second_factor=_operators_without_second_factor(),
        secret_key_bytes=len(kept.strip().encode()),
        secret_key_signs=len(set(kept.strip())),
        secret_key_readable_by_others=_secret_keys_are_readable_by_others(),
        former_secret_keys=len(keyring.former_ids()),
        hanging_on_former=_asked(lambda: keyring.hanging_on(keyring.former_ids())),
        hanging_on_lost=_asked(keyring.hanging_on_lost),
        database=connection.vendor,
        database_host=_database_host(),
        database_sslmode=_database_option("sslmode", "PGSSLMODE") or "prefer",
        unapplied_migrations=_unapplied_migrations(),
        metrics_token_bytes=len(os.environ.get("OTAI_METRICS_TOKEN", "").encode()),
        seller=settings.OTAI_SELLER,
        legal_pages_missing=tuple(f"OTAI_{one.name}" for one in Legal if one not in legal.given()),
        legal_files_unreadable=tuple(legal.unreadable()),
        takes_cards=bool(settings.OTAI_STRIPE_SECRET_KEY),
        cards_are_tests=settings.OTAI_STRIPE_SECRET_KEY.startswith(("sk_test_", "rk_test_")),
        stripe_tells=bool(settings.OTAI_STRIPE_WEBHOOK_SECRET),
        webhooks_go_inside=settings.OTAI_WEBHOOKS_ALLOW_PRIVATE,
        helpdesks_lie_inside=settings.OTAI_HELPDESKS_ALLOW_PRIVATE,
        is_demo=(Path(settings.OTAI_HOME) / "is-demo").is_file(),
        jobs_at_once=sum(places(lane) for lane in JobLane),
        memory_of_a_job=settings.OTAI_JOB_MEMORY_BYTES,
        memory_of_machine=memory_of_machine(),
        trainings_confined=confines("OTAI_CONFINE_TRAININGS"),
        jobs_confined=confines("OTAI_CONFINE_JOBS"),
        files_encrypted=settings.OTAI_ENCRYPT_FILES,
        modes_missing=tuple(mode.value for mode in readiness.missing()),
        modes_install=readiness.install_commands(),
        processes=processes,
        listens_on=listens_on,
    )


def _secret_keys_are_readable_by_others() -> bool:
    """Of those that lie in files: the one in use, and those of before, which go on opening what hangs on them."""
    used = () if os.environ.get("OTAI_SECRET_KEY") else (key_files.CURRENT,)
    files = (Path(settings.OTAI_HOME) / name for name in (*used, key_files.FORMER))
    return any(file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) for file in files if file.is_file())


def _database_host() -> str:
    """What libpq connects to, by the setting or its environment; a file's name is no host."""
    if connection.vendor != "postgresql":
        return ""
    return str(connection.settings_dict["HOST"] or _database_option("host", "PGHOST"))


def _database_option(name: str, variable: str) -> str:
    return str(connection.settings_dict.get("OPTIONS", {}).get(name) or os.environ.get(variable, ""))


def _asked(counted: Callable[[], dict[str, int]]) -> dict[str, int]:
    """Nothing where the database is of an earlier version: that is said by itself."""
    try:
        return counted()
    except DatabaseError:
        return {}


def _operators_without_second_factor() -> tuple[str, ...]:
    from allauth.mfa.models import Authenticator

    from otai.orgs.models import User

    protected = Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES).values("user_id")
    operators = User.objects.filter(is_staff=True, is_active=True).exclude(pk__in=protected)
    return tuple(operators.order_by("username").values_list("username", flat=True))


def _unapplied_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
