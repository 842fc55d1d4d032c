"""`--database sqlite` (default) or `--database postgres`: the same tests on either. Pure tests run on the first
alone, and those marked `postgres` on the second."""

from __future__ import annotations

import atexit
import functools
import gc
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.attack.modules import MODULES as ATTACKS

if TYPE_CHECKING:
    from tests.web.studio_server import Installation

PURE_AS_A_WHOLE = re.compile(r"^pytestmark = \[?pytest\.mark\.pure\b", re.MULTILINE)
SHARED = Path(__file__).resolve().parents[2] / "shared"

# Before Django reads its settings: the tests never touch the home of whoever runs them.
_home = Path(tempfile.mkdtemp(prefix="otai-tests-"))
# As `otai init` does: else each program that a test starts would sign with a key of its own.
(_home / "secret-key").write_text("only-for-tests-" + _home.name)
_made_by = os.getpid()


@atexit.register
def _remove_home() -> None:
    # Not at the end of a process that was forked here: ours goes on.
    if os.getpid() == _made_by:
        shutil.rmtree(_home, ignore_errors=True)


os.environ["OTAI_HOME"] = str(_home)
for name in ("OTAI_FILES", "OTAI_PRICE_BOOK", "OTAI_ORG"):
    os.environ.pop(name, None)
# Otherwise each of the hundreds of programs that tests start would compile the product anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=["sqlite", "postgres"], default="sqlite")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    # Of what is imported and collected nothing goes before the end: looking for it would take a fifth of that time.
    gc.disable()
    kind = config.getoption("--database")
    is_xdist_worker = hasattr(config, "workerinput")
    if kind == "sqlite":
        os.environ["OTAI_DATABASE_URL"] = f"sqlite:///{_home}/otai.sqlite3"
    elif not is_xdist_worker:
        from tests.postgres import PostgresServer

        server = PostgresServer().start()
        atexit.register(server.remove)
        # Workers of pytest-xdist inherit the environment, and with it the one server of this session.
        os.environ["OTAI_DATABASE_URL"] = server.url("otai")
    os.environ["DJANGO_SETTINGS_MODULE"] = "otai.config.settings"
    import django

    django.setup()
    from django.conf import settings

    # A busy machine must not turn an answer into "not yet": who tests that says how long to wait.
    settings.OTAI_JOBS_WAIT_SECONDS = settings.OTAI_JOBS_LONGEST_WAIT_SECONDS = 120.0
    # Made to be slow, passwords would take most of the tests' time. What the product uses is asserted in
    # tests/web/test_sign_in.py.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    from tests import emptying

    emptying.install()
    _made_once()
    # Begun in the background of a shell, tests would ignore Ctrl-C, and so would every program that they start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Workers of pytest-xdist would inherit it, and read the settings before this file has given them a home of their
    # own.
    del os.environ["DJANGO_SETTINGS_MODULE"]


def _made_once() -> None:
    """What each of thousands of clients and commands of the tests would make anew, always the same: the list of static
    files (14 ms for each client), and the tree of a room's commands."""
    from typer import testing
    from whitenoise.middleware import WhiteNoiseMiddleware

    find, known = WhiteNoiseMiddleware.add_files_from_finders, dict[str, Any]()

    def found_once(self: WhiteNoiseMiddleware) -> None:
        if not known:
            before, self.files = self.files, {}
            find(self)
            known.update(self.files)
            self.files = before
        self.files.update(known)

    WhiteNoiseMiddleware.add_files_from_finders = found_once
    testing._get_command = functools.cache(testing._get_command)  # type: ignore[attr-defined]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """On PostgreSQL a module that is pure as a whole is not even imported: each worker would spend seconds on what it
    then leaves out. One that is named on the command line is."""
    if config.getoption("--database") == "sqlite" or collection_path.suffix != ".py":
        return None
    named = {Path(argument.partition("::")[0]).resolve() for argument in config.args}
    is_pure = PURE_AS_A_WHOLE.search(collection_path.read_text("utf-8")) is not None
    return True if is_pure and collection_path not in named else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.relative_to(config.rootpath).as_posix() in ATTACKS:
            item.add_marker(pytest.mark.attack)

    # First what takes longest and shares a server or a browser: at the end workers would divide it, or one would wait.
    def quicker(item: pytest.Item) -> tuple[bool, bool]:
        return item.get_closest_marker("door") is None, "a_browser" not in getattr(item, "fixturenames", ())

    items.sort(key=quicker)
    elsewhere = "postgres" if config.getoption("--database") == "sqlite" else "pure"
    if left_out := [item for item in items if item.get_closest_marker(elsewhere)]:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker(elsewhere)]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def refusals_have_sentences() -> Iterator[None]:
    """Each refusal that any test provokes names a case of the catalogue, and carries the values of its sentence: else
    the test fails there."""
    from otai.errors import OtaiError
    from otai.words.catalogue import first_that_fits
    from otai.words.tables import refused

    made = OtaiError.__init__

    def checked(self: OtaiError, *case: str, **facts: Any) -> None:
        made(self, *case, **facts)
        if self.case and not self.written and type(self).__module__.startswith("otai."):
            known = refused.ALL.get(self.key)
            # A code of a test's own is none of the product's.
            ours = known is not None or self.code in {key.partition(".")[0] for key in refused.ALL}
            said = known and first_that_fits(known.message, self.details)
            assert said or not ours, f"{self.key} cannot be said with {self.details}"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OtaiError, "__init__", checked)
        yield


@pytest.fixture(autouse=True, scope="session")
def reasons_have_sentences() -> Iterator[None]:
    """Each reason that any test has the ledger write as a code carries the values of its most exact sentence."""
    from otai.ledger.operations import requests
    from otai.words.facts import sentences_of
    from otai.words.sentences import Fact, places

    stored = requests.stored_reason

    def checked(why: str | Fact) -> str:
        if isinstance(why, Fact):
            said = sentences_of(why.code)
            assert said and places(said[0]) <= set(why.values), f"{why} cannot be said"
        return stored(why)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests, "stored_reason", checked)
        yield


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The test database is there, and goes with what it stands in: the tests' home, or their server."""
    return True


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Makes the test database. SQLite's is a file: other processes and threads of a test must be able to open it."""
    from django.db import connection

    from tests.migrated import migrate

    of_test = connection.settings_dict["TEST"]
    if connection.vendor == "sqlite":
        of_test["NAME"] = str(_home / "test.sqlite3")
        migrate(f"sqlite:///{of_test['NAME']}")
    else:
        from tests.postgres import create_database

        of_test["NAME"] = of_test["NAME"] or "test_otai"
        server, _, _ = os.environ["OTAI_DATABASE_URL"].rpartition("/")
        migrate(create_database(server, of_test["NAME"]))


@pytest.fixture(autouse=True)
def nothing_counted_yet() -> None:
    """Requests of one test are not those of the next."""
    if rates := sys.modules.get("otai.orgs.rates"):
        rates.shared.forget()


@pytest.fixture(autouse=True)
def locks_in_order(request: pytest.FixtureRequest) -> Iterator[None]:
    """On PostgreSQL no transaction of any test locks rows against the order of docs/ledger.md."""
    if request.config.getoption("--database") != "postgres":
        yield
        return
    from tests.races.lock_order import watched

    with watched() as watch:
        yield
    assert not watch.violations, "\n".join(watch.violations)


@pytest.fixture
def database_url(transactional_db: None) -> str:
    """The test database as `OTAI_DATABASE_URL` for other processes that a test starts."""
    from django.db import connection

    # Of the ledgers of tests before, which are gone: an audit would miss them here.
    shutil.rmtree(_home / "checkpoints", ignore_errors=True)
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return f"postgres://otai@{quote(connection.settings_dict['HOST'], safe='')}/{name}"


@pytest.fixture(scope="session")
def initialised_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after `otai init`, on SQLite: made once in a session, to be copied and never used itself."""
    from tests.migrated import migrate
    from tests.web.studio_server import Installation

    home = tmp_path_factory.mktemp("initialised")
    migrate(f"sqlite:///{home}/otai.sqlite3")
    Installation(home).otai("init")
    return home


@pytest.fixture
def installation(initialised_home: Path, tmp_path: Path) -> Installation:
    """An initialised installation of a test's own, in its folder `home`."""
    from tests.web.studio_server import Installation

    shutil.copytree(initialised_home, tmp_path / "home")
    return Installation(tmp_path / "home")


@pytest.fixture(scope="session")
def a_browser() -> str:
    """Chromium, for tests that come in as a person does."""
    from tests.parts import chromium_program

    return chromium_program()


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def shared_data() -> Path:
    """The public data sets beside the project; a clone without them skips the tests that need them."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("needs the public data sets in ../shared/data, which this clone does not have")
    return folder


@pytest.fixture
def server_far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server whose own clock stands 13 hours ahead of UTC: no rule of ours may read it."""
    monkeypatch.setenv("TZ", "Pacific/Tongatapu")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
