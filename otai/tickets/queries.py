from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow.parquet as pq
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from otai.errors import NotFound
from otai.learning.data.cuts.cut_columns import rules_of_schema
from otai.learning.data.cuts.cutting import TextRules
from otai.learning.data.privacy.personal_labels import LABELS_ARE_PERSONAL
from otai.learning.data.profile import RARE_LABEL_TICKETS, Profile
from otai.learning.finding import Finding
from otai.orgs.models import Organisation
from otai.tickets.files import FileStoreUnavailable, file_store
from otai.tickets.formats_of_before import format_of
from otai.tickets.models import Attribute, DataSet, Label
from otai.words.kept_facts import read_fact
from otai.words.sentences import Fact

USABLE_LABELS = 2
"""An attribute can be learnt when at least this many of its labels have RARE_LABEL_TICKETS tickets: one label teaches
nothing."""


def data_set(organisation: Organisation, name: str, version: int | None = None) -> DataSet:
    """The organisation's data set of that name, its newest version that has its tickets unless one is named.

    Raises NotFound, also for a data set of another organisation.
    """
    found = DataSet.objects.filter(organisation=organisation, name=name)
    found = found.filter(deleted_at=None) if version is None else found.filter(version=version)
    newest = found.order_by("-version").first()
    if newest is None:
        raise NotFound("data_set_of", name=name, version=version)
    return newest


def data_set_with_id(organisation: Organisation, id: UUID) -> DataSet:
    """Raises NotFound, also for a data set of another organisation."""
    found = DataSet.objects.filter(organisation=organisation, id=id).first()
    if found is None:
        raise NotFound("data_set")
    return found


def newest_data_set(organisation: Organisation) -> DataSet | None:
    """What was imported last, without its profile; None before the first import."""
    found = DataSet.objects.filter(organisation=organisation, deleted_at=None).defer("profile", "roles")
    return found.order_by("-imported_at", "-version").first()


def ids_with_tickets(organisation: UUID) -> set[UUID]:
    """The organisation's data sets whose tickets are there."""
    return set(DataSet.objects.filter(organisation=organisation, deleted_at=None).values_list("id", flat=True))


def data_sets(
    organisation: Organisation, *, newest_only: bool = False, with_deleted: bool = False
) -> QuerySet[DataSet]:
    """The organisation's data sets by name and version; those whose tickets were deleted only if asked for."""
    found = DataSet.objects.filter(organisation=organisation).order_by("name", "version")
    if not with_deleted:
        found = found.filter(deleted_at=None)
    if newest_only:
        newest = found.filter(name=OuterRef("name")).order_by("-version")
        found = found.filter(version=Subquery(newest.values("version")[:1]))
    return found


def is_newest(data_set: DataSet) -> bool:
    """Whether it is the newest version of its name that has its tickets: the one that a next version is made from."""
    if data_set.deleted_at is not None:
        return False
    newer = DataSet.objects.filter(organisation=data_set.organisation_id, name=data_set.name, deleted_at=None)
    return not newer.filter(version__gt=data_set.version).exists()


def attributes(data_set: DataSet) -> QuerySet[Attribute]:
    """In the order of the source. Their labels may be many: ask for those that are needed."""
    return Attribute.objects.filter(data_set=data_set).order_by("position")


def usable_attributes(data_set: DataSet) -> QuerySet[Attribute]:
    """The attributes that a run can learn: those with at least 2 labels that 5 or more tickets carry
    (docs/policies.md).

    Tickets set aside as test do not count, since they teach nothing.
    """
    learnable = Count("labels", filter=Q(labels__training_count__gte=RARE_LABEL_TICKETS))
    return attributes(data_set).annotate(learnable_labels=learnable).filter(learnable_labels__gte=USABLE_LABELS)


def proposed_attributes(data_set: DataSet) -> list[str]:
    """The usable attributes that sort tickets, as the import proposed them: what a run takes where nobody says
    which."""
    return proposed_among([attribute.name for attribute in usable_attributes(data_set)], data_set)


def proposed_among(usable: Sequence[str], data_set: DataSet) -> list[str]:
    """Those of the usable attributes; all, where none of them was proposed."""
    kept = not_proposed(data_set)
    return [name for name in usable if name not in kept] or list(usable)


def not_proposed(data_set: DataSet) -> frozenset[str]:
    """The attributes that the import kept without proposing them (`AttributeColumns.proposed`)."""
    return frozenset(
        found["name"] for found in data_set.roles.get("attributes", ()) if found.get("proposed", True) is False
    )


LEAKS = ("label_given_away", "label_in_text")
"""Findings that a report card will look better for than the model is: to be known before anything is paid."""


def leaks(data_set: DataSet, attributes: Collection[str]) -> list[Finding]:
    """What of these attributes stands in the tickets' own texts, or is given away by them."""
    found = Profile.from_dict(data_set.profile).findings
    return [finding for finding in found if finding.code in LEAKS and finding.attribute in attributes]


def personal_labels(data_set: DataSet, attributes: Collection[str]) -> list[Finding]:
    """Of these attributes those whose labels are personal data, which a model of them will carry: to be known before
    anything is paid."""
    found = Profile.from_dict(data_set.profile).findings
    return [finding for finding in found if finding.code == LABELS_ARE_PERSONAL and finding.attribute in attributes]


def profile(data_set: DataSet) -> Profile:
    """What was found in the data set when it was imported, with the most frequent labels."""
    return Profile.from_dict(data_set.profile).summary()


def read_as(data_set: DataSet) -> Fact:
    """As what its file was read; a release before kept that as an English phrase."""
    return format_of(data_set.profile.get("read_as") or read_fact(data_set.source_format))


def labels(data_set: DataSet, attribute: str) -> QuerySet[Label]:
    """All labels of one attribute, the first where none is named. Raises NotFound."""
    # Compared here: PostgreSQL refuses a question that holds a NUL.
    found = next((one for one in attributes(data_set) if one.name == attribute or not attribute), None)
    if found is None:
        raise NotFound("attribute", name=attribute[:200])
    return Label.objects.filter(attribute=found)


def tickets(data_set: DataSet, *, offset: int = 0, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """The tickets in the order of the source, as dicts with the columns of the Parquet file.

    Streams: at no time is more than one row group in memory, and groups before `offset` are not read. Raises
    FileStoreUnavailable and TicketsDeleted.
    """
    data_set.require_tickets()
    if limit is not None and limit <= 0:
        return
    with file_store().open(data_set.file) as handle, pq.ParquetFile(handle) as parquet:
        to_skip = max(offset, 0)
        groups: list[int] = []
        for group in range(parquet.num_row_groups):
            rows = parquet.metadata.row_group(group).num_rows
            if not groups and to_skip >= rows:
                to_skip -= rows
                continue
            groups.append(group)
        left = limit
        for batch in parquet.iter_batches(batch_size=1024, row_groups=groups):
            if to_skip >= batch.num_rows:
                to_skip -= batch.num_rows
                continue
            wanted = batch.slice(to_skip, left)
            to_skip = 0
            yield from wanted.to_pylist()
            if left is not None:
                left -= wanted.num_rows
                if left <= 0:
                    return


def tickets_path(data_set: DataSet) -> Path:
    """The Parquet file of its tickets on this machine. Raises FileStoreUnavailable and TicketsDeleted, also where they
    were deleted since the row was read."""
    data_set.require_tickets()
    try:
        return file_store().local_path(data_set.file)
    except FileStoreUnavailable:
        data_set.refresh_from_db(fields=["deleted_at"])
        data_set.require_tickets()
        raise


def text_rules(data_set: DataSet) -> TextRules | None:
    """What the import cut from texts and masked in them, for new texts to be treated alike. None: nothing. Raises
    FileStoreUnavailable and TicketsDeleted."""
    return rules_of_schema(pq.read_schema(tickets_path(data_set)))
