"""docs/security.md says how each requirement is met: what it names is there, and no code does what it must never do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.pure

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
SOURCES = sorted((ROOT / "otai").rglob("*.py"))
REQUIREMENT = re.compile(r"^\| (\d+\.\d+\.\d+.*?) \| (yes|part|no|operator|none) \| (.*) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+(?:\.py)?)`(?: \(`(test_\w+)`\))?")


def named(text: str) -> Iterator[tuple[Path, str]]:
    for path, function in TEST.findall(text):
        yield ROOT / path, function


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    for path, function in named(page.read_text(encoding="utf-8")):
        assert path.exists(), f"{page.name} names {path.relative_to(ROOT)}"
        assert not function or f"def {function}(" in path.read_text(encoding="utf-8"), f"{path.name}::{function}"


def test_whatever_is_said_to_be_met_names_what_shows_it() -> None:
    """A test, or a page, a file or a setting where there is nothing to run."""
    met = [(what, how) for what, state, how in REQUIREMENT.findall(PAGE) if state == "yes"]
    assert len(met) > 150
    assert [what for what, how in met if not TEST.search(how) and not re.search(r"\]\([^)]+\)|`[^`]+`", how)] == []
    assert sum(1 for _, how in met if TEST.search(how)) > 130, "most have a test"


def test_whatever_is_not_met_says_what_is_lacking() -> None:
    lacking = [(what, how) for what, state, how in REQUIREMENT.findall(PAGE) if state in ("no", "part")]
    assert lacking and [what for what, how in lacking if len(how) < 8] == []


FORBIDDEN_MODULES = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "telnetlib", "xmlrpc"}
FORBIDDEN_CALLS = {"eval", "exec"}


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


@pytest.mark.parametrize("room", sorted(path.name for path in (ROOT / "otai").iterdir() if path.is_dir()))
def test_nothing_is_unpickled_evaluated_or_given_to_a_shell_and_no_certificate_is_skipped(room: str) -> None:
    found = []
    for path in (ROOT / "otai" / room).rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        where = path.relative_to(ROOT)
        for node in ast.walk(tree):
            modules = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [f"{where}: {one}" for one in modules if one.partition(".")[0] in FORBIDDEN_MODULES]
        for call in calls(tree):
            name = call.func.id if isinstance(call.func, ast.Name) else ""
            if name in FORBIDDEN_CALLS or ast.unparse(call.func) in ("os.system", "os.popen"):
                found.append(f"{where}:{call.lineno}: {ast.unparse(call.func)}")
            for given in call.keywords:
                value = getattr(given.value, "value", None)
                if (given.arg, value) in (("shell", True), ("verify", False), ("allow_pickle", True)):
                    found.append(f"{where}:{call.lineno}: {given.arg}={value}")
    assert found == []


def test_pages_put_no_text_of_others_into_scripts_and_switch_escaping_off_for_mails_alone() -> None:
    templates = [path for path in (ROOT / "otai").rglob("templates/**/*") if path.is_file()]
    assert len(templates) > 100
    unescaped = [
        path for path in templates if re.search(r"autoescape off|\|safe\b|\|safeseq\b", path.read_text("utf-8"))
    ]
    assert [path for path in unescaped if path.suffix != ".txt"] == []
    inline = [
        path
        for path in templates
        if re.search(r"<script(?![^>]*\b(?:src|type=\"application/)[^>]*)", path.read_text("utf-8"))
    ]
    assert inline == [], "the policy allows none"


def test_the_browser_keeps_the_theme_and_nothing_personal() -> None:
    """And beside it whether notifications are wanted here (ON), and the number of the last one told (LAST)."""
    kept = set()
    for path in (ROOT / "otai").rglob("static/**/*.js"):
        if "vendor" not in path.parts and ".min." not in path.name:
            kept |= set(re.findall(r"(?:local|session)Storage\.setItem\(\s*([^,]+),", path.read_text("utf-8")))
    assert kept <= {'"theme"', "'theme'", "KEY", "key", "ON", "LAST"}, kept


def test_the_proxys_settings_allow_todays_tls_alone() -> None:
    nginx = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    [protocols] = re.findall(r"ssl_protocols ([^;]+);", nginx)
    assert set(protocols.split()) == {"TLSv1.2", "TLSv1.3"}
    [ciphers] = re.findall(r"ssl_ciphers ([^;]+);", nginx)
    strong = re.compile(r"ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM-SHA(256|384)|CHACHA20-POLY1305)")
    assert [one for one in ciphers.split(":") if not strong.fullmatch(one)] == []
    assert nginx.count("server_tokens off;") == nginx.count("server {"), "no version in any of its answers"


def test_every_locked_package_has_its_hash() -> None:
    """All but torch, whose builds for processors and GPUs have hashes of their own: it is pinned by its version."""
    locks = sorted((ROOT / "requirements").glob("*.lock"))
    assert {lock.stem for lock in locks} == {"base", "dev", "encoders", "ray"}
    for lock in locks:
        said = re.sub(r"\\\n", " ", lock.read_text(encoding="utf-8")).splitlines()
        packages = [line for line in said if line and not line.startswith((" ", "#"))]
        bare = [line[:80] for line in packages if not re.match(r"[\w.\[\],-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)]
        assert packages and bare == [], lock.name
    installs = re.findall(r"pip install (.*)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    unheld = [line for line in installs if "--require-hashes" not in line and "--editable ." not in line]
    assert len(installs) > len(unheld) == 1 and re.fullmatch(r"--quiet torch==\d+\.\d+\.\d+", unheld[0]), unheld


def test_chance_that_guards_something_comes_from_a_secure_source() -> None:
    """`random` serves samples, pauses and the like; `secrets` and the system's source serve keys, tokens and ids."""
    users = {
        path.relative_to(ROOT / "otai").as_posix()
        for path in SOURCES
        if re.search(r"^\s*(?:import random|from random import)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert users == {"outbound/operations/delivering.py", "client/refusals.py", "tickets/sample.py", "db.py"}
