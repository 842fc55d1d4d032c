"""Style sheets, scripts, the font: named by their content and compressed once, so that a browser keeps them for good."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

STAMP = ".made-from"


class StudioStatic(CompressedManifestStaticFilesStorage):
    """Where nothing was collected yet (tests, `python -m otai.config.manage`), files keep their plain names."""

    manifest_strict = False

    def url(self, name: str | None, force: bool = False) -> str:
        if name and not self.hashed_files:
            return StaticFilesStorage.url(self, name)
        return super().url(name, force)


def collect() -> bool:
    """Collects what the packages ship into STATIC_ROOT, unless that was done for exactly these files. Returns whether it did."""
    from django.core.management import call_command

    root = Path(settings.STATIC_ROOT)
    found = _fingerprint()
    stamp = root / STAMP
    if stamp.exists() and stamp.read_text() == found:
        return False
    call_command("collectstatic", interactive=False, clear=root.is_dir(), verbosity=0)
    stamp.write_text(found)
    return True


def _fingerprint() -> str:
    files: list[tuple[str, int, int]] = []
    for finder in get_finders():
        for name, storage in finder.list([]):
            at = Path(storage.path(name)).stat()
            files.append((name, at.st_size, at.st_mtime_ns))
    return hashlib.sha256(repr(sorted(files)).encode()).hexdigest()
