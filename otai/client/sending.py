"""Large files go to a Studio in parts, by tus 1.0 (`POST /uploads`): what has arrived stays there for a day, so that a
broken connection goes on, and so does a program that was ended."""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.parse import quote as quoted

import httpx

from otai.client.refusals import TRY_AGAIN, asked_wait, backoff, refusal
from otai.errors import Invalid, Unavailable

in_parts_from_bytes = 8 << 20
"""Smaller files are sent at once: sending them again costs little."""
least_part_bytes, first_part_bytes = 256 << 10, 1 << 20
quick_seconds = 2.0
"""A part that took less is followed by one of twice its size; one that broke, by one of half."""
patient_seconds = 900.0
"""So long no byte may arrive before the program says so and ends."""
longest_pause_seconds = 30.0

OnProgress = Callable[[int, int], None]


class _Broke(Exception):
    """The part may have arrived or not."""

    def __init__(self, wait: float | None = None) -> None:
        super().__init__()
        self.wait = wait


def send(
    http: httpx.Client, file: Path, *, sleep: Callable[[float], None], on_progress: OnProgress | None = None
) -> str | None:
    """Sends the file; returns the upload's id, for `POST /data-sets?upload=`. None: it is small, or the Studio is of a
    release that takes no parts. Goes on with what an earlier try has sent of the same file. Raises Unavailable
    (`upload_broke`) when nothing has arrived for a quarter of an hour, and what the API refuses with."""
    size = file.stat().st_size
    if size < in_parts_from_bytes:
        return None
    begun = _begun(http, file, size, sleep)
    if begun is None:
        return None
    id, sent, most = begun
    report: OnProgress = on_progress or (lambda _sent, _size: None)
    length, tries, arrived_at, unsure = min(first_part_bytes, most), 0, time.monotonic(), False
    report(sent, size)
    with file.open("rb") as handle:
        while sent < size:
            began = time.monotonic()
            try:
                before = sent
                sent = _received(http, id) if unsure else sent
                if sent < size:
                    unsure = True
                    sent = _send_part(http, id, handle, sent, length)
                unsure = False
            except (_Broke, httpx.TransportError) as broke:
                if time.monotonic() - arrived_at > patient_seconds:
                    minutes = round(patient_seconds / 60)
                    raise Unavailable("silent", sent=sent, bytes=size, minutes=minutes, code="upload_broke") from None
                length, tries = max(length // 2, least_part_bytes), tries + 1
                wait = broke.wait if isinstance(broke, _Broke) else None
                sleep(min(wait or backoff(min(tries, 8)), longest_pause_seconds))
                continue
            if sent > before:
                arrived_at, tries = time.monotonic(), 0
                report(sent, size)
            if time.monotonic() - began < quick_seconds:
                length = min(2 * length, most)
    return id


def mark_of(file: Path) -> str:
    """By which the same file is known again: name, size, time of its last change, and a hash of its first MiB."""
    about = file.stat()
    with file.open("rb") as handle:
        beginning = hashlib.sha256(handle.read(1 << 20)).hexdigest()[:32]
    return f"{quoted(file.name)[-100:]} {about.st_size} {about.st_mtime_ns} {beginning}"


def _begun(http: httpx.Client, file: Path, size: int, sleep: Callable[[float], None]) -> tuple[str, int, int] | None:
    """Id, how many bytes are there, and how many a part may have."""
    mark = mark_of(file)
    said = {"filename": file.name, "fingerprint": mark}
    metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
    known = _asked(http, lambda: http.get("/uploads"), sleep)
    if known.status_code in (404, 405) or (known.is_success and "arriving" not in known.json()):
        return None
    if not known.is_success:
        raise refusal(known)
    there = known.json()
    most = int(there["part_bytes"])
    for before in there["arriving"]:
        if before["fingerprint"] == mark and before["bytes"] == size:
            return before["id"], before["received"], most
    headers = {
        "Upload-Length": str(size),
        "Upload-Metadata": metadata,
        "Tus-Resumable": "1.0.0",
        "Idempotency-Key": uuid.uuid4().hex,
    }
    begun = _asked(http, lambda: http.post("/uploads", headers=headers), sleep)
    if not begun.is_success:
        raise refusal(begun)
    return begun.json()["id"], 0, most


def _asked(
    http: httpx.Client, ask: Callable[[], httpx.Response], sleep: Callable[[float], None], *, tries: int = 5
) -> httpx.Response:
    for attempt in range(1, tries + 1):
        try:
            response = ask()
        except httpx.TransportError as error:
            if attempt == tries:
                raise Unavailable("unreachable", url=http.base_url, error=error, code="studio_unreachable") from None
            sleep(backoff(attempt))
            continue
        if response.status_code not in TRY_AGAIN or attempt == tries:
            return response
        sleep(min(asked_wait(response) or backoff(attempt), longest_pause_seconds))
    raise AssertionError("unreachable")


def _received(http: httpx.Client, id: str) -> int:
    response = http.head(f"/uploads/{id}")
    if response.status_code in TRY_AGAIN:
        raise _Broke(asked_wait(response))
    if not response.is_success:
        raise refusal(response)
    return int(response.headers["Upload-Offset"])


def _send_part(http: httpx.Client, id: str, handle: IO[bytes], sent: int, length: int) -> int:
    """How many bytes are there afterwards."""
    handle.seek(sent)
    part = handle.read(length)
    if not part:
        raise Invalid("changed", code="invalid_upload")
    checksum = base64.b64encode(hashlib.sha256(part).digest()).decode()
    headers = {
        "Content-Type": "application/offset+octet-stream",
        "Upload-Offset": str(sent),
        "Upload-Checksum": f"sha256 {checksum}",
        "Tus-Resumable": "1.0.0",
    }
    response = http.patch(f"/uploads/{id}", content=part, headers=headers)
    if response.is_success or (response.status_code == 409 and "Upload-Offset" in response.headers):
        return int(response.headers["Upload-Offset"])
    if response.status_code in TRY_AGAIN or response.status_code == 460:
        raise _Broke(asked_wait(response))
    raise refusal(response)
