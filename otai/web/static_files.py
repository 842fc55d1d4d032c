"""Style sheets, scripts, the font: named by their content and compressed once, so that a browser keeps them for good.

Several processes may start at once on one folder, and a new release beside a running one. So nothing that is there is
ever emptied: files are made beside and moved in one by one, each whole or not at all, and the list of names, one for
each release, comes last. Names of before are kept for a month, for pages that are open in a browser.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.management.commands import collectstatic
from django.contrib.staticfiles.storage import StaticFilesStorage, staticfiles_storage
from django.core.management import call_command
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage

kept_seconds = 30 * 24 * 60 * 60
"""How long names of a release before are served after the next one came."""

LISTS = re.compile(r"staticfiles(-[0-9a-f]{16})?\.json")
REPLACED = "replaced.json"
NAMED_BY_CONTENT = re.compile(r"\.[0-9a-f]{12}(\.[^./]+)*$")


class StudioStatic(CompressedManifestStaticFilesStorage):
    """Where nothing was collected yet (tests, `python -m otai.config.manage`), files keep their plain names."""

    manifest_strict = False

    def __init__(self, *args: object, **named: object) -> None:
        # Each release its own: a process of the release before reads the list that belongs to its files.
        self.manifest_name = f"staticfiles-{fingerprint()}.json"
        super().__init__(*args, **named)

    def url(self, name: str | None, force: bool = False) -> str:
        """The file's address by its content, where files were collected."""
        if name and not self.hashed_files:
            return StaticFilesStorage.url(self, name)
        return super().url(name, force)


class StudioStaticFiles(WhiteNoiseMiddleware):
    """Knows the files that were there at its start, and finds those that another release has brought since."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if path not in self.files and path.startswith(self.static_prefix):
            self._look_again(path)
        try:
            response: HttpResponseBase = super().__call__(request)
        except FileNotFoundError:
            # A name of long ago whose file was swept.
            self.files.pop(path, None)
            response = self.get_response(request)
        return response

    def immutable_file_test(self, path: str, url: str) -> bool:
        """Whether browsers may keep it for ever: its name says its content."""
        # Names of the release before as well, which this one's list does not have.
        return url.startswith(self.static_prefix) and NAMED_BY_CONTENT.search(url) is not None

    def _look_again(self, path: str) -> None:
        name = path[len(self.static_prefix) :]
        if not NAMED_BY_CONTENT.search(name) or "\0" in name:
            return
        root = Path(settings.STATIC_ROOT).resolve()
        file = (root / name).resolve()
        if file.is_relative_to(root) and file.is_file():
            self.add_file_to_dictionary(path, str(file))


def collect() -> bool:
    """Collects what the packages ship into STATIC_ROOT, unless that was done for exactly these files. Returns whether
    it did."""
    root = Path(settings.STATIC_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(root):
        done = root / f"staticfiles-{fingerprint()}.json"
        if done.is_file():
            return False
        with tempfile.TemporaryDirectory(prefix="static-", dir=root.parent) as folder:
            beside = Path(folder)
            command = collectstatic.Command()
            command.storage = StudioStatic(location=str(beside), base_url=settings.STATIC_URL)
            call_command(command, interactive=False, verbosity=0)
            _move_in(beside, root, last=done.name)
        _sweep(root, current=done.name)
    mine: Any = staticfiles_storage
    if isinstance(mine._wrapped, StudioStatic):
        # This process may have looked before anything was there.
        mine.hashed_files, mine.manifest_hash = mine.load_manifest()
    return True


@contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    """Others wait, and then find the work done. Where the file system knows no locks, each does it, which is
    harmless."""
    with (root.parent / f".{root.name}.lock").open("w") as lock:
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _move_in(beside: Path, root: Path, *, last: str) -> None:
    files = sorted(path.relative_to(beside) for path in beside.rglob("*") if path.is_file())
    files.sort(key=lambda name: str(name) == last)
    for name in files:
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (beside / name).replace(target)


def _sweep(root: Path, *, current: str) -> None:
    """Takes files away that no release of the last month names."""
    now = time.time()
    noted = root / REPLACED
    replaced: dict[str, float] = json.loads(noted.read_text()) if noted.is_file() else {}
    lists = [path for path in root.iterdir() if LISTS.fullmatch(path.name)]
    for path in lists:
        if path.name != current:
            replaced.setdefault(path.name, now)
    replaced.pop(current, None)
    kept = {current, REPLACED}
    for path in lists:
        if now - replaced.get(path.name, now) <= kept_seconds:
            kept.add(path.name)
            names = json.loads(path.read_text())["paths"]
            kept |= {*names, *names.values()}
    for path in [one for one in root.rglob("*") if one.is_file()]:
        name = str(path.relative_to(root))
        if name not in kept and name.removesuffix(".gz").removesuffix(".br") not in kept:
            path.unlink(missing_ok=True)
            replaced.pop(name, None)
    beside = root / f".{REPLACED}.{os.getpid()}"
    beside.write_text(json.dumps(replaced))
    beside.replace(noted)


@cache
def fingerprint() -> str:
    """Of everything that the packages of this very process ship."""
    files: list[tuple[str, int, int]] = []
    for finder in get_finders():
        for name, storage in finder.list([]):
            at = Path(storage.path(name)).stat()
            files.append((name, at.st_size, at.st_mtime_ns))
    return hashlib.sha256(repr(sorted(files)).encode()).hexdigest()[:16]
