"""The next version of a data set, made from one that is there: labels corrected or mapped, tickets added. The older
versions stay as they are.

The work itself is in `changing.py`, which knows no tables; here are the rows around it.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.db import transaction

from otai.db import new_id
from otai.jobs.folders import arrivals_folder
from otai.learning.data.profile import LANGUAGES_OF_THE_VERSION_BEFORE, Profile
from otai.learning.evidence.leaks import LABEL_GIVEN_AWAY
from otai.orgs import quotas
from otai.orgs.quotas import Quota
from otai.tickets.changing import (
    LINES_WERE_CUT,
    AttributeOf,
    BaseVersion,
    Changed,
    ChangeInvalid,
    LabelChange,
    LabelNames,
    NewTicket,
    Statement,
    Wanted,
    change,
    cut,
    leaks_of,
    lines_given_away,
    uncut,
)
from otai.tickets.files import StoredFile, file_store
from otai.tickets.models import DataSet
from otai.tickets.operations import save_data_set
from otai.tickets.queries import not_proposed, tickets_path
from otai.words.kept_facts import stored_fact
from otai.words.sentences import Fact

STILL_TRUE = ("text_was_cut", LINES_WERE_CUT, "personal_data")
"""Findings of the import that the next version keeps: its texts are the same."""

CUT = Fact("made_as.without_given_lines")
UNCUT_AGAIN = Fact("made_as.texts_uncut")

__all__ = [
    "CUT",
    "STILL_TRUE",
    "UNCUT_AGAIN",
    "ChangeInvalid",
    "Changed",
    "LabelChange",
    "LabelNames",
    "NewTicket",
    "NextVersion",
    "Statement",
    "Wanted",
    "base_version",
    "given_away",
    "next_version",
    "save_next_version",
    "stored",
    "with_texts_uncut",
    "without_given_lines",
]


@dataclass(frozen=True, slots=True)
class NextVersion:
    """What was made, every label that is another one in it, and how many tickets are new."""

    data_set: DataSet
    changes: tuple[LabelChange, ...]
    added: int


def next_version(
    base: DataSet,
    *,
    by_ticket: Mapping[tuple[str, str], LabelNames] | None = None,
    by_text: Mapping[tuple[bytes, str], LabelNames] | None = None,
    mapping: Mapping[str, Mapping[str, str | None]] | None = None,
    added: Sequence[NewTicket] = (),
    statements: Sequence[Statement] = (),
    made_as: Fact,
    now: datetime,
) -> NextVersion:
    """A new version of `base` with some labels changed and tickets added, as `changing.Wanted` says. `made_as` says
    what was done, where an import says its file. Reads every ticket, in this process.

    Raises ChangeInvalid for a ticket, attribute or label that is not there or cannot be, FileStoreUnavailable and
    TicketsDeleted; nothing is changed then.
    """
    base.require_tickets()
    wanted = Wanted(by_ticket or {}, by_text or {}, mapping or {}, added, statements)
    with tempfile.TemporaryDirectory(prefix="version-", dir=arrivals_folder()) as folder:
        path = Path(folder) / "tickets.parquet"
        changed = change(
            base_version(base),
            wanted=wanted,
            into=path,
        )
        file = stored(path, base.organisation_id)
    return NextVersion(_saved(base, file, changed.profile, made_as=made_as, now=now), changed.changes, changed.added)


def base_version(base: DataSet) -> BaseVersion:
    """What `changing` needs to know of it. Raises FileStoreUnavailable and TicketsDeleted."""
    profile = Profile.from_dict(base.profile)
    attributes = base.attributes.order_by("position")
    return BaseVersion(
        path=tickets_path(base),
        name=str(base),
        version=base.version,
        attributes=tuple(AttributeOf(one.name, str(one.kind), tuple(one.order)) for one in attributes),
        languages_read=profile.languages_read or LANGUAGES_OF_THE_VERSION_BEFORE,
        not_proposed=not_proposed(base),
        still_true=tuple(one for one in profile.findings if one.code in STILL_TRUE),
    )


def given_away(base: DataSet) -> tuple[set[str], set[str]] | None:
    """The lines and phrases (hashes) that give labels away, as the import found them. None: it found none, or did not
    look for them, so that `leaks_of` its tickets has to tell, which takes seconds. Raises ChangeInvalid and
    TicketsDeleted."""
    base.require_tickets()
    findings = Profile.from_dict(base.profile).findings
    return lines_given_away(findings) if any(one.code == LABEL_GIVEN_AWAY for one in findings) else None


def without_given_lines(base: DataSet, *, now: datetime) -> DataSet:
    """A new version without the lines and phrases that give labels away (the findings `label_given_away`), in subject
    and body. The rule goes with it: a model trained on it cuts the same from new tickets. The version before keeps
    them.

    Raises ChangeInvalid where no such lines were found, TicketsDeleted and FileStoreUnavailable.
    """
    lines, phrases = given_away(base) or lines_given_away(leaks_of(base_version(base)))
    with tempfile.TemporaryDirectory(prefix="version-", dir=arrivals_folder()) as folder:
        path = Path(folder) / "tickets.parquet"
        profile = cut(base_version(base), lines=lines, phrases=phrases, into=path)
        file = stored(path, base.organisation_id)
    return _saved(base, file, profile, made_as=CUT, now=now)


def with_texts_uncut(base: DataSet, *, now: datetime) -> DataSet:
    """A new version whose texts are as they came, with the earlier mails, signatures and notices that the import cut. A
    model trained on it cuts nothing of that from new tickets. The version before stays as it is.

    Raises ChangeInvalid where nothing was cut, TicketsDeleted and FileStoreUnavailable.
    """
    base.require_tickets()
    with tempfile.TemporaryDirectory(prefix="version-", dir=arrivals_folder()) as folder:
        path = Path(folder) / "tickets.parquet"
        profile = uncut(base_version(base), into=path)
        file = stored(path, base.organisation_id)
    return _saved(base, file, profile, made_as=UNCUT_AGAIN, now=now)


def stored(path: Path, organisation: UUID) -> StoredFile:
    """The file of a version, in the store. Raises FileStoreUnavailable."""
    return file_store().put(path, folder=f"tickets/{organisation}/{new_id()}", suffix=".parquet")


def _saved(base: DataSet, file: StoredFile, profile: Profile, *, made_as: Fact, now: datetime) -> DataSet:
    try:
        return save_next_version(base, file, profile, made_as=made_as, now=now)
    except BaseException:
        # No row speaks of the file, so nobody would ever delete it.
        file_store().delete(file.path)
        raise


def save_next_version(base: DataSet, file: StoredFile, profile: Profile, *, made_as: Fact, now: datetime) -> DataSet:
    """The rows of what was made from `base`, under the next free version of its name. Raises TicketsDeleted where they
    are gone meanwhile, and QuotaReached: a version is stored like what is imported."""
    base.require_tickets()
    made = Fact("format_of_version", {"version": base.version})
    profile = dataclasses.replace(profile, read_as=made)
    with transaction.atomic():
        quotas.require(base.organisation_id, Quota.STORAGE, more=file.bytes)
        return save_data_set(_next_version(base, file, profile, made_as=made_as, said=made, now=now), profile)


def _next_version(
    base: DataSet, file: StoredFile, profile: Profile, *, made_as: Fact, said: Fact, now: datetime
) -> DataSet:
    return DataSet(
        organisation_id=base.organisation_id,
        name=base.name,
        file=file.path,
        sha256=file.sha256,
        bytes=file.bytes,
        tickets=profile.tickets,
        left_out_rows=base.left_out_rows,
        made_as=made_as.as_dict(),
        source_format=stored_fact(said),
        imported_at=now,
        profile=profile.summary().as_dict(),
        roles=base.roles,
    )
