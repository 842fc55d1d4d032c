"""Django settings. Everything that differs between installations is an environment variable `OTAI_*`.

Embedded default: SQLite and local files below `OTAI_HOME`, one machine, no service to start. Production: `OTAI_DATABASE_URL` names a
PostgreSQL, `OTAI_FILES` an fsspec URL.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import dj_database_url
import platformdirs

OTAI_HOME = Path(os.environ.get("OTAI_HOME") or platformdirs.user_data_dir("otai")).absolute()
"""Where the embedded installation keeps its database and files."""

OTAI_FILES = os.environ.get("OTAI_FILES") or (OTAI_HOME / "files").as_uri()
"""fsspec URL of the file store for data sets and models, for example `s3://bucket/otai`."""

OTAI_PRICE_BOOK = os.environ.get("OTAI_PRICE_BOOK") or "otai.pricing.price_book:PRICE_BOOK"
"""`module:name` of the price book in force. A vendor who runs this names its own."""


OTAI_SELLER = os.environ.get("OTAI_SELLER", "")
"""TOML file that says who sells: name, address, VAT id, bank account. Without it invoices are specimens of a fictitious seller."""

OTAI_STRIPE_SECRET_KEY = os.environ.get("OTAI_STRIPE_SECRET_KEY", "")
OTAI_STRIPE_WEBHOOK_SECRET = os.environ.get("OTAI_STRIPE_WEBHOOK_SECRET", "")
OTAI_STRIPE_API_BASE = os.environ.get("OTAI_STRIPE_API_BASE", "")
"""Stripe is offered where a secret key is set. The base address is only set for a local double."""

OTAI_GATEWAYS = ["otai.billing.gateways.bank_transfer:BankTransfer"]
"""The ways to pay, `module:Class` each; the first one is the default."""
if OTAI_STRIPE_SECRET_KEY:
    OTAI_GATEWAYS.append("otai.billing.gateways.stripe:Stripe")


def _secret_key() -> str:
    """The key from the environment, else one made once and kept in OTAI_HOME, readable by its owner only."""
    if key := os.environ.get("OTAI_SECRET_KEY"):
        return key
    path = OTAI_HOME / "secret-key"
    try:
        return path.read_text()
    except FileNotFoundError:
        # `otai init` writes it; before that nothing is signed that anyone else could need to read.
        return secrets.token_urlsafe(50)


SECRET_KEY = _secret_key()
DEBUG = False
ALLOWED_HOSTS = os.environ.get("OTAI_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "otai.orgs",
    "otai.ledger",
    "otai.billing",
    "otai.tickets",
    "otai.runs",
    "otai.serving",
]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "otai.config.urls"
AUTH_USER_MODEL = "orgs.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def database(url: str) -> dict[str, Any]:
    """Django's settings for the database at `url`, with what SQLite and PostgreSQL need for our ledger and queue."""
    config: dict[str, Any] = dict(dj_database_url.parse(url))
    options = dict(config.get("OPTIONS") or {})
    if config["ENGINE"].endswith("sqlite3"):
        options |= {
            # A write transaction takes the write lock at its start: two writers queue up instead of failing half-way.
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        }
    else:
        config["CONN_MAX_AGE"] = int(os.environ.get("OTAI_DATABASE_CONN_MAX_AGE", "600"))
        config["CONN_HEALTH_CHECKS"] = True
        # Statements are bound and prepared on the server: the ledger's one-statement operations gain most of their speed here.
        options |= {"server_side_binding": True}
    config["OPTIONS"] = options
    return config


DATABASES = {"default": database(os.environ.get("OTAI_DATABASE_URL") or f"sqlite:///{OTAI_HOME / 'otai.sqlite3'}")}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("OTAI_LOG_LEVEL", "WARNING")},
}
