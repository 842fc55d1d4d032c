"""Every setting that is a number, a switch or one of a few words: what means nothing is refused at the door, in one
sentence that says which setting, what was given, what is allowed, and an example."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from otai.cli.main import app
from otai.cli.output import errors_as_one_line
from otai.config.settings import database
from otai.environment import (
    CHOICES,
    NUMBERS,
    SWITCHES,
    InvalidSetting,
    choice,
    number,
    number_if_set,
    refuse_what_means_nothing,
    switch,
)
from tests.docs.test_signposts import ROOT, SOURCES

pytestmark = pytest.mark.pure

WORDS = {
    "HOME",
    "FILES",
    "ENCODERS",
    "OPENED_FILES",
    "CHECKPOINT_STORE",
    "CHECKPOINT_MAIL",
    "CHECKPOINT_KEY",
    "OLD_CHECKPOINT_KEYS",
    "PRICE_BOOK",
    "PRICE_BOOKS",
    "SELLER",
    "NAME",
    "LOGO",
    "COLOUR",
    "COLOUR_DARK",
    "TERMS",
    "TERMS_VERSION",
    "PRIVACY",
    "IMPRINT",
    "ACCOUNTS",
    "VIES",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "STRIPE_API_BASE",
    "BASE_URL",
    "ALLOWED_HOSTS",
    "LANGUAGES",
    "DATABASE_URL",
    "SECRET_KEY",
    "OLD_SECRET_KEYS",
    "METRICS_TOKEN",
    "PUBLIC_MAIL_DOMAINS",
    "EMAIL_HOST",
    "EMAIL_USER",
    "EMAIL_PASSWORD",
    "EMAIL_FROM",
    "OPERATOR_PASSWORD",
    "ORG",
    "ACTOR",
    "URL",
    "API_KEY",
    "LOGIN_FILE",
    "HELPDESK_TOKEN",
    "SERVE_KEY",
    "SERVE_BUNDLE",
    "SERVE_NAME",
    "DEMO_LINK",
}
"""Settings that are text: an address, a name, a secret."""


def test_every_setting_has_a_kind() -> None:
    kinds = [set(NUMBERS), set(SWITCHES), set(CHOICES), {f"OTAI_{word}" for word in WORDS}]
    assert sum(map(len, kinds)) == len(set().union(*kinds)), "one kind each"
    assert set().union(*kinds) == set(
        re.findall(r"\bOTAI_[A-Z0-9_]+", (ROOT / "docs" / "settings.md").read_text("utf-8"))
    )


def test_no_other_place_makes_a_number_or_a_switch_of_the_environment() -> None:
    own = re.compile(r"""(int|float)\((?=[^()]*environ)|environ[^\n]*OTAI_\w+"[^\n]*[=!]= *["']""")
    assert [str(path) for path in SOURCES if own.search(path.read_text("utf-8"))] == []


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_is_refused_with_what_is_allowed_and_an_example(name: str) -> None:
    kind = NUMBERS[name]
    assert kind.least <= kind.example <= kind.most
    assert kind.otherwise is None or kind.least <= kind.otherwise <= kind.most
    digits_of_another_script, too_long_for_python = "\u0663", "9" * 5000
    wrong = [str(kind.least - 1), str(kind.most + 1), "many", "1.5", "1e3", "1_000", "0x10", "+1", "10 000"]
    for text in (*wrong, digits_of_another_script, too_long_for_python):
        with pytest.raises(InvalidSetting) as refused:
            refuse_what_means_nothing({name: text})
        said = f"{name} is “{text}”; it is a whole number from {kind.least} to {kind.most}, for example {kind.example}."
        assert refused.value.message == said
    for right in (kind.least, kind.most, kind.example):
        assert number(name, environment={name: f" {right} "}) == right
    for unset in ({}, {name: ""}, {name: " "}):
        assert number_if_set(name, environment=unset) is None
        assert kind.otherwise is None or number(name, environment=unset) == kind.otherwise
        refuse_what_means_nothing(unset)


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_is_on_or_off_and_never_off_by_a_word_that_means_on(name: str) -> None:
    for text in ("1", "true", "Yes", " ON "):
        assert switch(name, environment={name: text}) is True
    for text in ("0", "False", "no", "off"):
        assert switch(name, environment={name: text}) is False
    for unset in ({}, {name: ""}):
        assert switch(name, otherwise=True, environment=unset) and not switch(name, otherwise=False, environment=unset)
        if (default := SWITCHES[name]) is not None:
            assert switch(name, environment=unset) is default
    for text in ("ja", "2", "enabled"):
        with pytest.raises(InvalidSetting) as refused:
            refuse_what_means_nothing({name: text})
        assert refused.value.message == f"{name} is “{text}”; it is 1 (on) or 0 (off), for example {name}=1."


@pytest.mark.parametrize("name", CHOICES)
def test_a_word_of_a_few_is_one_of_them(name: str) -> None:
    known = CHOICES[name]
    assert [choice(name, environment={name: word.swapcase()}) for word in known] == list(known)
    assert choice(name, environment={}) == known[0]
    with pytest.raises(InvalidSetting) as refused:
        refuse_what_means_nothing({name: "loud"})
    words = ", ".join(known)
    assert refused.value.message == f"{name} is “loud”; it is one of {words}, for example {name}={known[-1]}."


def test_a_database_that_nobody_knows_is_refused_without_its_password() -> None:
    for url in ("nonsense", "mysql://otai:hunter2@h/x", "postgres://otai:hunter2@h:port/x", "redis://:hunter2@h"):
        with pytest.raises(
            InvalidSetting, match=r"^OTAI_DATABASE_URL begins with .* for example postgres://"
        ) as refused:
            database(url)
        assert "hunter2" not in refused.value.message + str(refused.value.as_dict())


@pytest.mark.parametrize("program", [("otai.cli.main", "check"), ("otai.cli.main", "worker"), ("otai.config.manage",)])
def test_each_program_says_it_at_its_door_in_one_line(tmp_path: Path, program: tuple[str, ...]) -> None:
    # Read by server processes alone, long after a worker has begun.
    given = {"OTAI_HOME": str(tmp_path), "OTAI_STREAMS": "plenty", "PATH": "", "DJANGO_SETTINGS_MODULE": ""}
    environment = {name: value for name, value in given.items() if value}
    done = subprocess.run(
        [sys.executable, "-m", *program], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode != 0 and done.stdout == ""
    [line] = done.stderr.splitlines()
    assert "invalid_setting: OTAI_STREAMS is “plenty”; it is a whole number from 0 to " in line


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("OTAI_PRICE_BOOK", "nowhere:BOOK", "invalid_setting: OTAI_PRICE_BOOK='nowhere:BOOK' cannot be loaded: "),
        ("OTAI_SELLER", "nobody.toml", "invalid_setting: OTAI_SELLER='nobody.toml' cannot be read: "),
        ("OTAI_ACCOUNTS", "none.toml", "invalid_setting: OTAI_ACCOUNTS='none.toml' cannot be read: "),
        ("OTAI_FILES", "ftpx://h/otai", "file_store_unavailable: The file store ftpx://h/otai cannot be opened: "),
    ],
)
@pytest.mark.parametrize("command", ["check", "worker", "studio"])
def test_what_a_setting_names_is_read_at_the_door(
    settings: Any, capsys: pytest.CaptureFixture[str], name: str, value: str, said: str, command: str
) -> None:
    setattr(settings, name, value)
    with pytest.raises(SystemExit) as ended, errors_as_one_line(debug=False):
        app([command], standalone_mode=False)
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"otai: {said}") and ended.value.code in (4, 7)
