"""The daily checkpoint, sent elsewhere: into an object store, and by mail. What lies beside the database goes with it.

`OTAI_CHECKPOINT_STORE` is an fsspec URL, `OTAI_CHECKPOINT_MAIL` an address. Each is tried again by the next round
until it has it; a file beside the checkpoint says that it has.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import fsspec
from django.conf import settings
from django.core.mail import EmailMessage

from otai.ledger.checkpoint import newest_kept

logger = logging.getLogger(__name__)


def send_copies() -> int:
    """Sends the newest checkpoint to where it is not yet; returns how many copies went out."""
    newest = newest_kept()
    if newest is None:
        return 0
    ways: dict[str, Callable[[Path], None]] = {}
    if settings.OTAI_CHECKPOINT_STORE:
        ways["stored"] = _store
    if settings.OTAI_CHECKPOINT_MAIL:
        ways["mailed"] = _mail
    return sum(_sent_once(newest, name, send) for name, send in ways.items())


def _sent_once(checkpoint: Path, name: str, send: Callable[[Path], None]) -> bool:
    mark = checkpoint.with_suffix(f".{name}")
    if mark.exists():
        return False
    try:
        send(checkpoint)
    except Exception as error:  # noqa: BLE001 -- whatever a store or a mail server raises, the next round tries again
        logger.warning("The checkpoint %s was not %s: %s", checkpoint.name, name, type(error).__name__)
        return False
    mark.touch()
    return True


def _store(checkpoint: Path) -> None:
    files, root = fsspec.core.url_to_fs(settings.OTAI_CHECKPOINT_STORE)
    files.makedirs(root, exist_ok=True)
    files.pipe_file(f"{root.rstrip('/')}/{checkpoint.name}", checkpoint.read_bytes())


def _mail(checkpoint: Path) -> None:
    mail = EmailMessage(
        subject=f"Ledger checkpoint {checkpoint.stem}",
        body=(
            "Where each chain of the ledger ended. Keep it away from the database, and compare it at any time:\n\n"
            f"    otai ledger checkpoint verify {checkpoint.name}\n"
        ),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[settings.OTAI_CHECKPOINT_MAIL],
    )
    mail.attach(checkpoint.name, checkpoint.read_text(encoding="utf-8"), "application/json")
    mail.send()


def newest_copy() -> tuple[str, str] | None:
    """Name and text of the newest checkpoint in the object store; None where there is none, or no store. Raises what
    the store raises."""
    if not settings.OTAI_CHECKPOINT_STORE:
        return None
    files, root = fsspec.core.url_to_fs(settings.OTAI_CHECKPOINT_STORE)
    if not files.exists(root):
        return None
    newest = max((path for path in files.ls(root, detail=False) if path.endswith(".json")), default=None)
    return (newest.rpartition("/")[2], files.cat_file(newest).decode()) if newest else None
