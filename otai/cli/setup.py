"""`otai init`: an installation from nothing, or the next version of one that is there."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection

from otai import key_files
from otai.billing.accountant.accounts import accounts
from otai.billing.price_books import price_book
from otai.billing.seller import seller
from otai.cli.output import JsonOption, print_json, say
from otai.errors import Unavailable
from otai.tickets.files import file_store


class NotInitialised(Unavailable):
    code = "not_initialised"


def init(json: JsonOption = False) -> None:
    """Set up the database and the file store. Safe to run again: an upgrade does so."""
    home = Path(settings.OTAI_HOME)
    home.mkdir(parents=True, exist_ok=True)
    key = home / key_files.CURRENT
    if not key.exists():
        key.touch(mode=0o600)
        key.write_text(key_files.new_key())
    call_command("migrate", interactive=False, verbosity=0)
    where = {
        "home": str(home),
        "database": connection.vendor,
        "files": settings.OTAI_FILES,
    }
    if json:
        print_json(where)
    else:
        say(f"Ready. Home: {home}; database: {connection.vendor}; files: {settings.OTAI_FILES}")
        say("Next: otai org create acme --name 'Acme Ltd' --tier community --time-zone Europe/Berlin")


def require_settings() -> None:
    """Reads what settings name, so that whoever starts a program for long hears at once what cannot be read. Raises
    ImproperlyConfigured, and what `file_store` raises."""
    price_book()
    seller()
    accounts()
    file_store()


def require_installation() -> None:
    """Raises NotInitialised where `otai init` has not run, instead of a database error."""
    try:
        tables = connection.introspection.table_names()
    except OperationalError as error:
        raise NotInitialised("database", error=error) from None
    if "runs_run" not in tables:
        raise NotInitialised("init")
