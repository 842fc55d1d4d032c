"""A signed statement of where every chain ended at one moment, to be kept away from the database.

The chain finds a row that was edited; it cannot find a chain that was rewritten from some row to its end by someone who
can compute SHA-256. A checkpoint can: what it names must still be there. docs/decisions/0204 says why HMAC.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from otai import keyring
from otai.errors import Invalid
from otai.keyring import InstallationKey
from otai.ledger.audit import MOST_PROBLEMS, LedgerProblem, one_snapshot
from otai.ledger.models import Account, Transfer
from otai.ledger.operations.requests import checked_moment
from otai.orgs import kept_keys

FORMAT = "otai-ledger-checkpoint-1"
ALGORITHM = "HMAC-SHA256"
MIN_KEY_BYTES = 16
FOLDER = "checkpoints"


class InvalidCheckpoint(Invalid):
    """Not a checkpoint of ours, changed since it was signed, signed with another key; or there is no usable key."""

    code = "invalid_checkpoint"


PURPOSE = "ledger checkpoint"


def checkpoint_key() -> InstallationKey:
    """The key from the setting OTAI_CHECKPOINT_KEY, else one derived from the secret key in force.

    The first is better: a key that the database's own machine does not have cannot be used by whoever takes that
    machine over.
    """
    if key := settings.OTAI_CHECKPOINT_KEY:
        return InstallationKey(keyring.key_of(key).id, _usable(key.encode()))
    return _derived(keyring.current_key())


def known_keys() -> list[InstallationKey]:
    """All keys with which checkpoints of ours were signed: present ones, former ones, and those kept of secret keys
    that are gone (`otai keys rewrap`)."""
    own = [settings.OTAI_CHECKPOINT_KEY, *settings.OTAI_OLD_CHECKPOINT_KEYS]
    given = [InstallationKey(keyring.key_of(key).id, _usable(key.encode())) for key in own if key]
    return [*given, *map(_derived, keyring.known()), *kept_keys.opened(PURPOSE)]


def _derived(key: InstallationKey) -> InstallationKey:
    return InstallationKey(key.id, hashlib.sha256(b"otai.ledger.checkpoint\0" + key.secret).digest())


def by_key() -> dict[str, int]:
    """By former secret key, whether checkpoints may be signed with it alone; and those kept, by what seals them."""
    return kept_keys.by_key(PURPOSE)


def rewrap() -> int:
    """Keeps of each former secret key the one that signed checkpoints, sealed under the current key: copies elsewhere
    cannot be signed anew."""
    return kept_keys.rewrap(PURPOSE, _derived)


def _usable(key: bytes) -> bytes:
    if len(key) < MIN_KEY_BYTES:
        raise InvalidCheckpoint("key", fewest=MIN_KEY_BYTES, bytes=len(key))
    return key


def export_checkpoint(*, now: datetime, key: bytes | None = None) -> str:
    """The checkpoint as a JSON document: for each organisation the place and hash of its last transfer, and the
    signature."""
    checked_moment(now, what="now")
    with one_snapshot():
        ends = [
            {"organisation": str(organisation), "seq": seq, "hash": bytes(last_hash).hex()}
            for organisation, seq, last_hash in Account.objects.order_by("organisation_id")
            .values_list("organisation_id", "last_seq", "last_hash")
            .iterator(chunk_size=5000)
        ]
        others = {chain.name: chain.head() for chain in other_chains}
    document: dict[str, Any] = {
        "format": FORMAT,
        "algorithm": ALGORITHM,
        "made_at": now.isoformat(),
        "organisations": ends,
        "chains": {name: {"seq": seq, "hash": last} for name, (seq, last) in others.items()},
    }
    signer = InstallationKey("", _usable(key)) if key else checkpoint_key()
    document["key"] = signer.id
    document["signature"] = _signature(document, signer.secret)
    return json.dumps(document, indent=1)


def keep_daily(*, now: datetime) -> Path | None:
    """Writes the day's checkpoint below `OTAI_HOME/checkpoints`, once a day (UTC), whole or not at all; None where it
    is there. Copy the folder elsewhere: what lies beside the database goes with it."""
    folder = Path(settings.OTAI_HOME) / FOLDER
    path = folder / f"{now.astimezone(UTC):%Y-%m-%d}.json"
    if path.exists():
        return None
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / f".{path.name}.{os.getpid()}.{threading.get_ident()}"
    written.write_text(export_checkpoint(now=now), encoding="utf-8")
    written.replace(path)
    return path


def newest_kept() -> Path | None:
    """The newest of the daily checkpoints, None where there is none yet."""
    return max((Path(settings.OTAI_HOME) / FOLDER).glob("????-??-??.json"), default=None)


@dataclass(frozen=True, slots=True)
class OtherChain:
    """A chain of a room above that checkpoints name too: `head()` says its last place and hash, `hash_at(place)` the
    hash at a place, None where that is gone."""

    name: str
    head: Callable[[], tuple[int, str]]
    hash_at: Callable[[int], str | None]


other_chains: list[OtherChain] = []


@dataclass(frozen=True, slots=True)
class CheckpointReport:
    """`clean` if everything that the checkpoint names is still there. `transfers_since` were made after it."""

    made_at: str
    organisations: int
    transfers_since: int
    problems: list[LedgerProblem]

    @property
    def clean(self) -> bool:
        """Whether all chains of the checkpoint are still there unchanged: no problem was found."""
        return not self.problems


def verify_checkpoint(text: str, *, key: bytes | None = None) -> CheckpointReport:
    """Compares a checkpoint with the database. Together with a clean audit: nothing up to the checkpoint was changed
    since.

    Raises InvalidCheckpoint if the document itself is not to be trusted.
    """
    document = _opened(text, [InstallationKey("", _usable(key))] if key else known_keys())
    problems: list[LedgerProblem] = []
    since = 0
    with one_snapshot():
        for end in document["organisations"]:
            organisation, seq, expected = UUID(end["organisation"]), end["seq"], end["hash"]
            hash_here = _hash_at(organisation, seq)
            if hash_here is None:
                problems.append(LedgerProblem(organisation, "was in the checkpoint and is gone", seq=seq))
            elif hash_here.hex() != expected:
                problems.append(LedgerProblem(organisation, "the chain up to here was rewritten", seq=seq))
            account = Account.objects.filter(organisation=organisation).values_list("last_seq", flat=True).first()
            since += max(0, (account or 0) - seq)
            if len(problems) >= MOST_PROBLEMS:
                break
        problems += _of_other_chains(document.get("chains", {}))
    return CheckpointReport(document["made_at"], len(document["organisations"]), since, problems)


def _of_other_chains(named: Mapping[str, Any]) -> Iterator[LedgerProblem]:
    for chain in other_chains:
        end = named.get(chain.name)
        if end is None or not end["seq"]:
            # A checkpoint of before, or of an empty chain.
            continue
        found = chain.hash_at(end["seq"])
        if found != end["hash"]:
            what = "was in the checkpoint and is gone" if found is None else "was rewritten up to here"
            yield LedgerProblem(None, f"the chain of {chain.name} {what}", seq=end["seq"])


def _hash_at(organisation: UUID, seq: int) -> bytes | None:
    found = Transfer.objects.filter(organisation=organisation, seq=seq).values_list("hash", flat=True).first()
    return bytes(found) if found is not None else None


def _opened(text: str, keys: Sequence[InstallationKey]) -> dict[str, Any]:
    try:
        document = json.loads(text)
        signature = document.pop("signature")
        is_ours = document["format"] == FORMAT and document["algorithm"] == ALGORITHM
    except (ValueError, KeyError, TypeError, AttributeError):
        is_ours = False
    if not is_ours:
        raise InvalidCheckpoint("form")
    # One of before names no key: any of ours may have signed it. One that was signed with a key in a file has no id.
    named = document.get("key")
    fitting = [key for key in keys if not named or not key.id or key.id == named]
    if not isinstance(signature, str) or not any(
        hmac.compare_digest(signature.encode(errors="replace"), _signature(document, key.secret).encode())
        for key in fitting
    ):
        raise InvalidCheckpoint("signature")
    return dict(document)


def _signature(document: dict[str, Any], key: bytes) -> str:
    form = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return hmac.new(key, form, hashlib.sha256).hexdigest()
