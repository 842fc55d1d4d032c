"""The settings that are numbers, switches or one of a few words: each with what it may be, and what it is unset.

Read by whichever room needs one. All are looked at when Django's settings are made, so that each program says at its
door what means nothing. docs/settings.md tells what each does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from otai.errors import Invalid

OWN_NAME = "OTAI Studio"
"""What the Studio is called where no vendor gave it a name."""


class InvalidSetting(Invalid):
    code = "invalid_setting"


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A whole number of what the setting's name says. `otherwise`: where it is not set; None: that depends on others,
    or is none."""

    otherwise: int | None
    least: int
    most: int
    example: int


def _count(otherwise: int, *, least: int = 0, most: int = 1_000_000_000) -> WholeNumber:
    return WholeNumber(otherwise, least, most, otherwise)


def _bytes(otherwise: int, *, least: int = 1) -> WholeNumber:
    return WholeNumber(otherwise, least, 1 << 50, otherwise)


def _seconds(otherwise: int, *, least: int = 1) -> WholeNumber:
    return WholeNumber(otherwise, least, 10 * 366 * 24 * 60 * 60, otherwise)


def _minutes(otherwise: int) -> WholeNumber:
    return WholeNumber(otherwise, 1, 10 * 366 * 24 * 60, otherwise)


def _hours(otherwise: int) -> WholeNumber:
    return WholeNumber(otherwise, 1, 10 * 366 * 24, otherwise)


def _days(otherwise: int, *, least: int) -> WholeNumber:
    return WholeNumber(otherwise, least, 100 * 366, otherwise)


NUMBERS: Mapping[str, WholeNumber] = {
    "OTAI_DATABASE_CONN_MAX_AGE": _seconds(600, least=0),
    "OTAI_DATABASE_POOL_SIZE": WholeNumber(None, 0, 10_000, example=11),
    "OTAI_DATABASE_LOCK_SECONDS": _seconds(10, least=0),
    "OTAI_TRUSTED_PROXIES": WholeNumber(0, 0, 100, example=1),
    "OTAI_HSTS_SECONDS": WholeNumber(None, 0, 10 * 366 * 24 * 60 * 60, example=365 * 24 * 60 * 60),
    "OTAI_WEB_THREADS": _count(8, least=1, most=10_000),
    "OTAI_UPLOAD_MOST_BYTES": _bytes(1 << 30),
    "OTAI_JOBS_AT_ONCE": WholeNumber(0, 0, 10_000, example=2),
    "OTAI_JOB_MEMORY_MB": _count(2048, least=1),
    "OTAI_JOB_SECONDS": _seconds(3600),
    "OTAI_API_REQUESTS_PER_MINUTE": _count(1200),
    "OTAI_VENDOR_REQUESTS_PER_MINUTE": _count(120),
    "OTAI_PAGES_PER_MINUTE": _count(1200, least=1),
    "OTAI_PAGES_PER_MINUTE_OF_ADDRESS": _count(6000, least=1),
    "OTAI_COSTLY_PAGES_PER_MINUTE": _count(120, least=1),
    "OTAI_WEB_WAITING": _count(256),
    "OTAI_CONNECTIONS": _count(4096, least=1, most=10_000_000),
    "OTAI_HEADER_SECONDS": _seconds(30),
    "OTAI_BODY_GRACE_SECONDS": _seconds(10, least=0),
    "OTAI_BODY_LEAST_BYTES_PER_SECOND": _count(4096),
    "OTAI_BODY_MOST_SECONDS": _seconds(3600),
    "OTAI_BODIES_PER_ADDRESS": _count(64),
    "OTAI_BODIES_MOST_BYTES": _bytes(1 << 30),
    "OTAI_REFUSED_MOST_BYTES": _bytes(64 << 20, least=0),
    "OTAI_REFUSED_MOST_SECONDS": _seconds(30, least=0),
    "OTAI_UPLOADS_AT_ONCE": _count(8),
    "OTAI_UPLOADS_PER_ORGANISATION": _count(2),
    "OTAI_UPLOADS_LEAVE_FREE_BYTES": _bytes(512 << 20, least=0),
    "OTAI_SEND_SECONDS": _seconds(60),
    "OTAI_STOP_SECONDS": _seconds(8),
    "OTAI_SPOOL_BYTES": _bytes(1 << 30, least=0),
    "OTAI_STREAMS_PER_MEMBER": _count(16),
    "OTAI_STREAMS_PER_ORGANISATION": _count(200),
    "OTAI_STREAMS": _count(2000),
    "OTAI_PROBE_SECONDS": _seconds(3),
    "OTAI_SESSION_IDLE_MINUTES": _minutes(30),
    "OTAI_SESSION_HOURS": _hours(12),
    "OTAI_OPERATOR_SESSION_IDLE_MINUTES": _minutes(30),
    "OTAI_OPERATOR_SESSION_HOURS": _hours(12),
    "OTAI_ACCESS_EVENTS_DAYS": _days(180, least=1),
    "OTAI_ASK_AGAIN_MINUTES": _minutes(15),
    "OTAI_GOODWILL_ALONE": _count(100),
    "OTAI_PAYMENT_ALONE": _count(5000),
    "OTAI_PAYMENTS_PER_DAY": _count(100),
    "OTAI_ALONE_DAYS": _days(30, least=0),
    "OTAI_EMAIL_PORT": _count(587, least=1, most=65_535),
}
"""Whole numbers, in the unit that the name says."""

SWITCHES: Mapping[str, bool | None] = {
    "OTAI_ENCRYPT_FILES": False,
    "OTAI_WEBHOOKS_ALLOW_PRIVATE": False,
    "OTAI_HELPDESKS_ALLOW_PRIVATE": False,
    "OTAI_VERIFY_MAIL": False,
    "OTAI_DESK_SECOND_FACTOR": None,
    "OTAI_CONFINE_TRAININGS": True,
    "OTAI_CONFINE_JOBS": True,
    "OTAI_EMAIL_TLS": True,
    "OTAI_DEBUG": False,
}
"""On or off, and which of them unset; None: that depends."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "OTAI_LOG_LEVEL": ("WARNING", "DEBUG", "INFO", "ERROR", "CRITICAL"),
    "OTAI_LOG_FORMAT": ("plain", "json"),
}
"""One of these words; the first one unset."""

ON, OFF = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def number(name: str, *, environment: Mapping[str, str] = os.environ) -> int:
    """The setting of NUMBERS, in its name's unit. Raises InvalidSetting."""
    found = number_if_set(name, environment=environment)
    otherwise = NUMBERS[name].otherwise if found is None else found
    assert otherwise is not None, f"{name} has no default of its own"
    return otherwise


def number_if_set(name: str, *, environment: Mapping[str, str] = os.environ) -> int | None:
    """The same, or None where nobody set it. Raises InvalidSetting."""
    kind, text = NUMBERS[name], environment.get(name, "").strip()
    if not text:
        return None
    # Digits of other scripts are numbers to Python; and it reads no number of thousands of digits.
    found = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1
    if not kind.least <= found <= kind.most:
        raise InvalidSetting(
            "number", name=name, text=text, least=kind.least, most=kind.most, example=kind.example, setting=name
        )
    return found


def switch(name: str, *, otherwise: bool | None = None, environment: Mapping[str, str] = os.environ) -> bool:
    """The setting of SWITCHES; `otherwise` where its own default depends. Raises InvalidSetting for a word that is
    neither: what somebody meant to switch on is not left off without a word."""
    text = environment.get(name, "").strip()
    if text.lower() in ON:
        return True
    if text.lower() in OFF:
        return False
    if text:
        raise InvalidSetting("switch", name=name, text=text, setting=name)
    default = SWITCHES[name] if otherwise is None else otherwise
    assert default is not None, f"{name} is read with what it is where nobody sets it"
    return default


def is_on(name: str) -> bool:
    """Whether it is switched on; also before settings were looked at: what means nothing is off, and refused there."""
    return os.environ.get(name, "").strip().lower() in ON


def choice(name: str, *, environment: Mapping[str, str] = os.environ) -> str:
    """The setting of CHOICES, as it is written there. Raises InvalidSetting."""
    known = CHOICES[name]
    text = environment.get(name, "").strip() or known[0]
    for word in known:
        if word.lower() == text.lower():
            return word
    raise InvalidSetting("choice", name=name, text=text, known=list(known), example=known[-1], setting=name)


def refuse_what_means_nothing(environment: Mapping[str, str] = os.environ) -> None:
    """Looks at all of them, also those that only another process reads. Raises InvalidSetting for the first that means
    nothing."""
    for name in NUMBERS:
        number_if_set(name, environment=environment)
    for name in SWITCHES:
        switch(name, otherwise=False, environment=environment)
    for name in CHOICES:
        choice(name, environment=environment)
