"""The next version of a data set, made from one that is there: labels corrected or mapped, tickets added. The older versions stay as they are."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from otai.db import new_id
from otai.errors import Invalid
from otai.learning.data.cutting import TextRules
from otai.learning.data.profile import LANGUAGES_OF_THE_VERSION_BEFORE, Profile
from otai.learning.data.profiling import ProfileBuilder
from otai.learning.data.splitting import same_text_key
from otai.learning.data.tickets import ATTRIBUTE_PREFIX
from otai.learning.evidence.leaks import LABEL_GIVEN_AWAY, find_leaks
from otai.tickets.comparing import compare
from otai.tickets.files import file_store
from otai.tickets.models import Attribute, DataSet
from otai.tickets.operations import save_data_set
from otai.tickets.queries import not_proposed
from otai.tickets.reading import ROW_GROUP_TICKETS

Labels = tuple[str, ...]

STILL_TRUE = ("text_was_cut", "personal_data")
"""Findings of the import that the next version keeps: its texts are the same."""


class ChangeInvalid(Invalid):
    code = "change_invalid"


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A ticket to be added; `labels` by attribute, those that are not named stay empty."""

    ticket: str
    text: str
    language: str | None
    labels: Mapping[str, Labels]


@dataclass(frozen=True, slots=True)
class LabelChange:
    """One label that is another one in the next version. Labels as a list, whatever the attribute's kind; empty: none."""

    ticket: str
    attribute: str
    was: list[str]
    now: list[str]


@dataclass(frozen=True, slots=True)
class NextVersion:
    data_set: DataSet
    changes: tuple[LabelChange, ...]
    added: int


def next_version(
    base: DataSet,
    *,
    by_ticket: Mapping[tuple[str, str], Labels] | None = None,
    by_text: Mapping[tuple[bytes, str], Labels] | None = None,
    mapping: Mapping[str, Mapping[str, str | None]] | None = None,
    added: Sequence[NewTicket] = (),
    what: str,
    now: datetime,
) -> NextVersion:
    """A new version of `base` with some labels changed: by (ticket, attribute), by (same-text key, attribute), or every label of an attribute
    that `mapping` renames (None: leaves out); and with tickets added. `what` is shown where an import shows its file.

    Raises ChangeInvalid for a ticket, attribute or label that is not there or cannot be, FileStoreUnavailable and TicketsDeleted;
    nothing is changed then.
    """
    base.require_tickets()
    attributes = {attribute.name: attribute for attribute in base.attributes.order_by("position")}
    by_ticket, by_text, mapping = by_ticket or {}, by_text or {}, mapping or {}
    _require_known(attributes, by_ticket, by_text, mapping, added)
    for name, renamed in mapping.items():
        # A label that is renamed keeps its place.
        named = (renamed.get(label, label) for label in attributes[name].order)
        attributes[name].order = list(dict.fromkeys(label for label in named if label is not None))
    table = pq.read_table(file_store().local_path(base.file))
    ids = [str(ticket) for ticket in table["ticket"].to_pylist()]
    if missing := sorted({ticket for ticket, _ in by_ticket} - set(ids)):
        raise ChangeInvalid("no_ticket", data_set=base, ticket=missing[0], tickets=missing[:100])
    keys = _text_keys(table) if by_text else [b""] * len(ids)
    changes: list[LabelChange] = []
    for name, attribute in attributes.items():
        is_multi = attribute.kind == Attribute.Kind.MULTI
        column = ATTRIBUTE_PREFIX + name
        values = table[column].to_pylist()
        renamed = mapping.get(name, {})
        for row, value in enumerate(values):
            was = _as_labels(value)
            now_labels = by_ticket.get((ids[row], name))
            if now_labels is None:
                now_labels = by_text.get((keys[row], name))
            if now_labels is None:
                named = (renamed.get(label, label) for label in was)
                now_labels = tuple(dict.fromkeys(label for label in named if label is not None)) if renamed else was
            if now_labels != was:
                changes.append(LabelChange(ids[row], name, list(was), list(now_labels)))
                values[row] = list(now_labels) if is_multi else (now_labels[0] if now_labels else None)
        at = table.schema.get_field_index(column)
        table = table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))
    if not changes and not added:
        raise ChangeInvalid("nothing")
    if added:
        table = pa.concat_tables([table, _as_table(added, table, attributes)])
    made = _stored_version(base, table, attributes, what=what, now=now)
    return NextVersion(made, tuple(changes), len(added))


def without_given_lines(base: DataSet, *, now: datetime) -> DataSet:
    """A new version without the lines and phrases that give labels away (the findings `label_given_away`), in subject and body. The rule goes
    with it: a model trained on it cuts the same from new tickets. The version before keeps them.

    Raises ChangeInvalid where no such lines were found, TicketsDeleted and FileStoreUnavailable.
    """
    base.require_tickets()
    found = [one.values for one in Profile.from_dict(base.profile).findings if one.code == LABEL_GIVEN_AWAY]
    lines, phrases = ({key for values in found for key in values.get(of, ())} for of in ("lines", "phrases"))
    if not lines and not phrases:
        raise ChangeInvalid("no_lines")
    table = pq.read_table(file_store().local_path(base.file))
    rules = TextRules.of_schema(table.schema) or TextRules(kinds=())
    rules = dataclasses.replace(rules, lines=rules.lines | lines, phrases=rules.phrases | phrases)
    for name in ("subject", "body"):
        at = table.schema.get_field_index(name)
        texts = table[name].to_pylist()
        without = rules.subject_without_given if name == "subject" else rules.without_given
        cut = [text and (without(text) or None) for text in texts]
        table = table.set_column(at, table.schema.field(at), pa.array(cut, pa.string()))
    table = table.cast(rules.in_schema(table.schema))
    attributes = {attribute.name: attribute for attribute in base.attributes.order_by("position")}
    return _stored_version(base, table, attributes, what="lines cut that give labels away", now=now)


def _require_known(
    attributes: Mapping[str, Attribute],
    by_ticket: Mapping[tuple[str, str], Labels],
    by_text: Mapping[tuple[bytes, str], Labels],
    mapping: Mapping[str, Mapping[str, str | None]],
    added: Sequence[NewTicket],
) -> None:
    named = {name for _, name in by_ticket} | {name for _, name in by_text} | set(mapping)
    named |= {name for ticket in added for name in ticket.labels}
    if unknown := sorted(named - set(attributes)):
        raise ChangeInvalid("no_attribute", attribute=unknown[0], known=list(attributes), attributes=unknown)
    given = [(name, labels) for (_, name), labels in (*by_ticket.items(), *by_text.items())]
    given += [(name, labels) for ticket in added for name, labels in ticket.labels.items()]
    given += [(name, (label,)) for name, renamed in mapping.items() for label in renamed.values() if label is not None]
    for name, labels in given:
        if attributes[name].kind != Attribute.Kind.MULTI and len(labels) > 1:
            raise ChangeInvalid("one_label", labels=len(labels), attribute=name)
        for label in labels:
            if not label.strip() or len(label) > 200 or not label.isprintable():
                raise ChangeInvalid("label", attribute=name)


def _text_keys(table: pa.Table) -> list[bytes]:
    pairs = zip(table["subject"].to_pylist(), table["body"].to_pylist(), strict=True)
    return [same_text_key(f"{subject or ''}\n{body}" if body is not None else subject or "") for subject, body in pairs]


def _as_labels(value: Any) -> Labels:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else (value,)


def _as_table(added: Sequence[NewTicket], base: pa.Table, attributes: Mapping[str, Attribute]) -> pa.Table:
    schema, first_row = base.schema, base.num_rows + 1
    has_split = "split" in schema.names and base["split"].null_count < base.num_rows
    columns: dict[str, list[Any]] = {name: [None] * len(added) for name in schema.names}
    for at, ticket in enumerate(added):
        subject, newline, body = ticket.text.partition("\n")
        columns["ticket"][at], columns["subject"][at] = ticket.ticket, subject
        columns["body"][at] = body if newline else None
        columns["language"][at] = ticket.language
        if "row" in columns:
            columns["row"][at] = first_row + at
        for name, labels in ticket.labels.items():
            is_multi = attributes[name].kind == Attribute.Kind.MULTI
            columns[ATTRIBUTE_PREFIX + name][at] = list(labels) if is_multi else (labels[0] if labels else None)
        if has_split:
            columns["split"][at] = "train"
    return pa.table({name: pa.array(columns[name], schema.field(name).type) for name in schema.names}, schema=schema)


def _stored_version(
    base: DataSet, table: pa.Table, attributes: Mapping[str, Attribute], *, what: str, now: datetime
) -> DataSet:
    orders = {}
    for name, attribute in attributes.items():
        if attribute.kind == Attribute.Kind.ORDERED:
            there = dict.fromkeys(
                label for value in table[ATTRIBUTE_PREFIX + name].to_pylist() for label in _as_labels(value)
            )
            kept = [label for label in attribute.order if label in there]
            # A label that has no place in the order yet stands last, until someone gives it one.
            orders[name] = [*kept, *sorted(label for label in there if label not in kept)]
    builder = ProfileBuilder(
        {name: str(attribute.kind) for name, attribute in attributes.items()},
        orders=orders,
        languages_read=Profile.from_dict(base.profile).languages_read or LANGUAGES_OF_THE_VERSION_BEFORE,
    )
    for batch in table.combine_chunks().to_batches(max_chunksize=ROW_GROUP_TICKETS):
        builder.add(batch)
    texts, labels = builder.sample()
    profile = builder.finish()
    single = {name: labels[name] for name, one in attributes.items() if one.kind != Attribute.Kind.MULTI}
    found = [
        leak.finding()
        for leak in find_leaks(texts, {name: single[name] for name in single if name not in not_proposed(base)})
    ]
    found += [one for one in Profile.from_dict(base.profile).findings if one.code in STILL_TRUE]
    with tempfile.TemporaryDirectory(prefix="otai-version-") as folder:
        path = Path(folder) / "tickets.parquet"
        pq.write_table(table, path, compression="zstd", row_group_size=ROW_GROUP_TICKETS)
        since = compare(file_store().local_path(base.file), path, by_id=True).findings(version=base.version)
        profile = profile.with_findings([*since, *found])
        stored = file_store().put(path, folder=f"tickets/{base.organisation_id}/{new_id()}", suffix=".parquet")
    try:
        return save_data_set(
            DataSet(
                organisation_id=base.organisation_id,
                name=base.name,
                file=stored.path,
                sha256=stored.sha256,
                bytes=stored.bytes,
                tickets=profile.tickets,
                left_out_rows=base.left_out_rows,
                source_filename=what[:255],
                source_format=f"made from version {base.version}",
                imported_at=now,
                profile=profile.as_dict(),
                roles=base.roles,
            ),
            profile,
        )
    except BaseException:
        # No row speaks of the file, so nobody would ever delete it.
        file_store().delete(stored.path)
        raise
