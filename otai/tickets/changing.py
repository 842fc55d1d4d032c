"""The work behind a data set's next version: labels changed or mapped, tickets added, one Parquet file in and one out.
No tables, no settings.

It reads every ticket, so that for the web it is a job (`otai.serving.jobs`); `otai.tickets.versions` does it in the
caller's own process.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from otai.errors import Invalid
from otai.learning.data.attributes import AttributeKind
from otai.learning.data.cuts.cut_columns import rules_of_schema, schema_with_rules
from otai.learning.data.cuts.cutting import TextRules, as_learnt
from otai.learning.data.normalisation import same_text_key
from otai.learning.data.profile import Profile
from otai.learning.data.profiling import ProfileBuilder, TicketSample, joined_texts
from otai.learning.data.tickets import ATTRIBUTE_PREFIX, LabelNames
from otai.learning.evidence.leaks import LABEL_GIVEN_AWAY, find_leaks
from otai.learning.finding import Finding
from otai.tickets import own_ids
from otai.tickets.comparing import compare
from otai.tickets.reading import ROW_GROUP_TICKETS, ReadingProgress
from otai.tickets.text_preparation import TEXT_WAS_CUT, UNCUT
from otai.words.sentences import Fact


class ChangeInvalid(Invalid):
    code = "change_invalid"


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A ticket to be added; `labels` by attribute, those that are not named stay empty."""

    ticket: str
    text: str
    language: str | None
    labels: Mapping[str, LabelNames]


@dataclass(frozen=True, slots=True)
class LabelChange:
    """One label that is another one in the next version. Labels as a list, whatever the attribute's kind; empty:
    none."""

    ticket: str
    attribute: str
    was: list[str]
    now: list[str]


@dataclass(frozen=True, slots=True)
class Statement:
    """What somebody said one label of a ticket is. `id` is its row's, for the name of a ticket that has none."""

    id: str
    ticket: str
    text: str
    language: str
    attribute: str
    labels: LabelNames


@dataclass(frozen=True, slots=True)
class AttributeOf:
    """An attribute of the version before; its labels from low to high where it is ordered."""

    name: str
    kind: str
    order: tuple[str, ...] = ()

    @property
    def is_multi(self) -> bool:
        """Whether a ticket may have several of its labels."""
        return self.kind == AttributeKind.MULTI


@dataclass(frozen=True, slots=True)
class BaseVersion:
    """The version that a next one is made from: its file, what it is called, and what the next one takes over.
    `not_proposed` are attributes in which no leak is looked for; `still_true` are findings of its import."""

    path: Path
    name: str
    version: int
    attributes: tuple[AttributeOf, ...]
    languages_read: Fact
    not_proposed: frozenset[str] = frozenset()
    still_true: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As JSON, for a job. `from_dict` reads it."""
        return {
            "path": str(self.path),
            "name": self.name,
            "version": self.version,
            "attributes": [[one.name, one.kind, list(one.order)] for one in self.attributes],
            "languages_read": self.languages_read.as_dict(),
            "not_proposed": sorted(self.not_proposed),
            "still_true": [asdict(one) for one in self.still_true],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> BaseVersion:
        """The value of `as_dict`."""
        return cls(
            Path(values["path"]),
            values["name"],
            values["version"],
            tuple(AttributeOf(name, kind, tuple(order)) for name, kind, order in values["attributes"]),
            Fact.from_dict(values["languages_read"]),
            frozenset(values["not_proposed"]),
            tuple(Finding(**one) for one in values["still_true"]),
        )


LINES_WERE_CUT = "lines_were_cut"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be different: by (ticket, attribute), by (same-text key, attribute), every label that `mapping`
    renames, and tickets added.

    `statements` are matched with the tickets by their texts: a ticket that is there takes the new labels, others are
    added; the last word counts.
    """

    by_ticket: Mapping[tuple[str, str], LabelNames] = field(default_factory=dict)
    by_text: Mapping[tuple[bytes, str], LabelNames] = field(default_factory=dict)
    mapping: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    added: Sequence[NewTicket] = ()
    statements: Sequence[Statement] = ()


@dataclass(frozen=True, slots=True)
class Changed:
    profile: Profile
    changes: tuple[LabelChange, ...]
    added: int


def change(
    base: BaseVersion,
    *,
    wanted: Wanted,
    into: Path,
    progress: ReadingProgress = lambda share, tickets: None,
) -> Changed:
    """Writes the tickets of `base` to `into` with what is `wanted` changed.

    Raises ChangeInvalid for a ticket, attribute or label that is not there or cannot be, and where nothing would
    change.
    """
    known = {one.name: one for one in base.attributes}
    keys = list(text_keys_of(base.path)) if wanted.by_text or wanted.statements else []
    if wanted.statements:
        wanted = _matched(wanted, keys, known, rules=rules_of(base.path))
    require_known(known, wanted)
    progress(0.3 if keys else 0.0, 0)
    missing = {ticket for ticket, _ in wanted.by_ticket}
    changes: list[LabelChange] = []
    with pq.ParquetFile(base.path) as source:
        rows = source.metadata.num_rows
        if not rows and not wanted.added:
            raise ChangeInvalid("nothing")
        target = _Target(base, into, source.schema_arrow, renamed=wanted.mapping)
        done = has_split = 0
        # A row group at a time: a million tickets are more than a job may hold at once.
        for batch in source.iter_batches(batch_size=ROW_GROUP_TICKETS):
            ids = [str(ticket) for ticket in batch["ticket"].to_pylist()]
            missing.difference_update(ids)
            part = keys[done : done + len(ids)] or [b""] * len(ids)
            table, changed = _relabelled(pa.Table.from_batches([batch]), ids, part, known, wanted)
            changes += changed
            has_split |= "split" in table.schema.names and table["split"].null_count < table.num_rows
            target.add(table)
            done += len(ids)
            progress((0.3 if keys else 0.0) + (0.7 if keys else 1.0) * done / rows, done)
    if missing:
        target.close()
        raise ChangeInvalid("no_ticket", data_set=base.name, ticket=min(missing), tickets=sorted(missing)[:100])
    if not changes and not wanted.added:
        target.close()
        raise ChangeInvalid("nothing")
    if wanted.added:
        target.add(_as_table(wanted.added, target.schema, known, first_row=done + 1, has_split=bool(has_split)))
    return Changed(target.finish(), tuple(changes), len(wanted.added))


def rules_of(path: Path) -> TextRules | None:
    """What the import cut from texts and masked in them. None: nothing."""
    return rules_of_schema(pq.read_schema(path))


class _Target:
    """The Parquet file that is being written, and the profile of what is in it. A label that has no place in the order
    of its attribute yet stands last, until someone gives it one."""

    def __init__(
        self,
        base: BaseVersion,
        path: Path,
        schema: pa.Schema,
        *,
        renamed: Mapping[str, Mapping[str, str | None]] | None = None,
    ) -> None:
        self.schema = schema
        self._renamed = renamed or {}
        self._base = base
        self._path = path
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        kinds = {one.name: one.kind for one in base.attributes}
        self._builder = ProfileBuilder(kinds, languages_read=base.languages_read)

    def add(self, table: pa.Table) -> None:
        self._writer.write_table(table, row_group_size=ROW_GROUP_TICKETS)
        for batch in table.combine_chunks().to_batches(max_chunksize=ROW_GROUP_TICKETS):
            self._builder.add(batch)

    def finish(self, *done: Finding) -> Profile:
        """The profile, with what came, changed and went since the version before, what was `done` to it, and lines that
        give labels away."""
        self.close()
        base = self._base
        for one in base.attributes:
            if one.kind == AttributeKind.ORDERED:
                there = self._builder.labels_of(one.name)
                # A label that is renamed keeps its place.
                kept = [label for label in _renamed(one.order, self._renamed.get(one.name, {})) if label in there]
                self._builder.put_in_order(one.name, [*kept, *sorted(there.difference(kept))])
        texts, labels = self._builder.sample()
        proposed = [one.name for one in base.attributes if one.name not in base.not_proposed]
        leaks = find_leaks(texts, {name: labels[name] for name in proposed}).findings()
        since = compare(base.path, self._path, by_id=True).findings(version=base.version)
        return self._builder.finish().with_findings([*since, *done, *leaks, *base.still_true])

    def close(self) -> None:
        self._writer.close()


def _matched(
    wanted: Wanted, keys: Sequence[bytes], known: Mapping[str, AttributeOf], *, rules: TextRules | None
) -> Wanted:
    there = set(keys)
    # The tickets that are there were read, cut and masked at the import; what is said of them came as the customer
    # sent it.
    texts = as_learnt([one.text for one in wanted.statements], rules)
    by_text = dict(wanted.by_text)
    new: dict[bytes, NewTicket] = {}
    for one, text in zip(wanted.statements, texts, strict=True):
        if one.attribute not in known:
            continue
        key = same_text_key(text)
        if key in there:
            by_text[key, one.attribute] = one.labels
            continue
        before = dict(new[key].labels) if key in new else {}
        ticket = one.ticket or own_ids.of_feedback(one.id)
        new[key] = NewTicket(ticket, text, one.language or None, {**before, one.attribute: one.labels})
    return Wanted(wanted.by_ticket, by_text, wanted.mapping, (*wanted.added, *new.values()))


def require_known(attributes: Mapping[str, AttributeOf], wanted: Wanted) -> None:
    """Raises ChangeInvalid for an attribute that is not there, and for labels that cannot be."""
    named = {name for _, name in wanted.by_ticket} | {name for _, name in wanted.by_text} | set(wanted.mapping)
    named |= {name for ticket in wanted.added for name in ticket.labels}
    if unknown := sorted(named - set(attributes)):
        raise ChangeInvalid("no_attribute", attribute=unknown[0], known=list(attributes), attributes=unknown)
    given = [(name, labels) for (_, name), labels in (*wanted.by_ticket.items(), *wanted.by_text.items())]
    given += [(name, labels) for ticket in wanted.added for name, labels in ticket.labels.items()]
    given += [
        (name, (label,)) for name, renamed in wanted.mapping.items() for label in renamed.values() if label is not None
    ]
    for name, labels in given:
        if not attributes[name].is_multi and len(labels) > 1:
            raise ChangeInvalid("one_label", labels=len(labels), attribute=name)
        for label in labels:
            if not label.strip() or len(label) > 200 or not label.isprintable():
                raise ChangeInvalid("label", attribute=name)


def _relabelled(
    table: pa.Table, ids: Sequence[str], keys: Sequence[bytes], known: Mapping[str, AttributeOf], wanted: Wanted
) -> tuple[pa.Table, list[LabelChange]]:
    changes: list[LabelChange] = []
    for name, attribute in known.items():
        column = ATTRIBUTE_PREFIX + name
        values = table[column].to_pylist()
        renamed = wanted.mapping.get(name, {})
        for row, value in enumerate(values):
            was = _as_labels(value)
            now = wanted.by_ticket.get((ids[row], name))
            if now is None:
                now = wanted.by_text.get((keys[row], name))
            if now is None:
                now = _renamed(was, renamed) if renamed else was
            if now != was:
                changes.append(LabelChange(ids[row], name, list(was), list(now)))
                values[row] = list(now) if attribute.is_multi else (now[0] if now else None)
        at = table.schema.get_field_index(column)
        table = table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))
    return table, changes


def text_keys_of(path: Path) -> Iterator[bytes]:
    """What each ticket's text is known by, in the order of the file."""
    with pq.ParquetFile(path) as source:
        for batch in source.iter_batches(batch_size=ROW_GROUP_TICKETS, columns=["subject", "body"]):
            pairs = zip(batch["subject"].to_pylist(), batch["body"].to_pylist(), strict=True)
            yield from (text_key(subject, body) for subject, body in pairs)


def text_key(subject: str | None, body: str | None) -> bytes:
    """What a ticket's text is known by."""
    return same_text_key(f"{subject or ''}\n{body}" if body is not None else subject or "")


def _renamed(labels: Iterable[str], renamed: Mapping[str, str | None]) -> LabelNames:
    named = (renamed.get(label, label) for label in labels)
    return tuple(dict.fromkeys(label for label in named if label is not None))


def _as_labels(value: Any) -> LabelNames:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else (value,)


def _as_table(
    added: Sequence[NewTicket],
    schema: pa.Schema,
    attributes: Mapping[str, AttributeOf],
    *,
    first_row: int,
    has_split: bool,
) -> pa.Table:
    columns: dict[str, list[Any]] = {name: [None] * len(added) for name in schema.names}
    for at, ticket in enumerate(added):
        subject, newline, body = ticket.text.partition("\n")
        columns["ticket"][at], columns["subject"][at] = ticket.ticket, subject
        columns["body"][at] = body if newline else None
        columns["language"][at] = ticket.language
        if "row" in columns:
            columns["row"][at] = first_row + at
        for name, labels in ticket.labels.items():
            columns[ATTRIBUTE_PREFIX + name][at] = (
                list(labels) if attributes[name].is_multi else (labels[0] if labels else None)
            )
        if has_split:
            columns["split"][at] = "train"
    return pa.table({name: pa.array(columns[name], schema.field(name).type) for name in schema.names}, schema=schema)


def lines_given_away(findings: Iterable[Finding]) -> tuple[set[str], set[str]]:
    """The lines and phrases (hashes) that give labels away, as findings name them. Raises ChangeInvalid where there are
    none."""
    found = [one.values for one in findings if one.code == LABEL_GIVEN_AWAY]
    lines, phrases = ({key for values in found for key in values.get(of, ())} for of in ("lines", "phrases"))
    if not lines and not phrases:
        raise ChangeInvalid("no_lines")
    return lines, phrases


def cut(base: BaseVersion, *, lines: Set[str], phrases: Set[str], into: Path) -> Profile:
    """Writes the tickets of `base` to `into` without these lines and phrases (hashes), in subject and body; the rule
    goes with the file."""
    with pq.ParquetFile(base.path) as source:
        rules = rules_of_schema(source.schema_arrow) or TextRules(kinds=())
        rules = dataclasses.replace(rules, lines=rules.lines | lines, phrases=rules.phrases | phrases)
        target = _Target(base, into, schema_with_rules(rules, source.schema_arrow))
        shorter = 0
        for batch in source.iter_batches(batch_size=ROW_GROUP_TICKETS):
            before = table = pa.Table.from_batches([batch])
            for name, without in (("subject", rules.subject_without_given), ("body", rules.without_given)):
                at = table.schema.get_field_index(name)
                kept = [text and (without(text) or None) for text in table[name].to_pylist()]
                table = table.set_column(at, table.schema.field(at), pa.array(kept, pa.string()))
            changed = pc.or_(
                *(pc.not_equal(_filled(table[name]), _filled(before[name])) for name in ("subject", "body"))
            )
            shorter += pc.sum(changed).as_py() or 0
            target.add(table.cast(target.schema))
    return target.finish(found_cut(shorter, of=source.metadata.num_rows))


def found_cut(tickets: int, *, of: int) -> Finding:
    """That lines which gave labels away were cut from so many of the tickets."""
    return Finding(LINES_WERE_CUT, values={"tickets": tickets, "of": of})


def _filled(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(texts, "")


def uncut(base: BaseVersion, *, into: Path) -> Profile:
    """Writes the tickets of `base` to `into` with the bodies as they came, before earlier mails, signatures and notices
    were cut from them. What gives labels away stays cut, and personal data masked.

    Raises ChangeInvalid where nothing was cut, or the bodies are not kept beside.
    """
    base = dataclasses.replace(base, still_true=tuple(one for one in base.still_true if one.code != TEXT_WAS_CUT))
    with pq.ParquetFile(base.path) as source:
        rules = rules_of_schema(source.schema_arrow)
        if rules is None or UNCUT not in source.schema_arrow.names:
            raise ChangeInvalid("nothing_cut")
        rules = dataclasses.replace(rules, kinds=(), tails=frozenset())
        target = _Target(base, into, schema_with_rules(rules, source.schema_arrow))
        restored = 0
        for batch in source.iter_batches(batch_size=ROW_GROUP_TICKETS):
            table = pa.Table.from_batches([batch])
            kept = table[UNCUT].to_pylist()
            restored += sum(text is not None for text in kept)
            own = zip(kept, table["body"].to_pylist(), strict=True)
            bodies = [cut_body if text is None else rules.without_given(text) or None for text, cut_body in own]
            for name, texts in (("body", bodies), (UNCUT, [None] * len(bodies))):
                at = table.schema.get_field_index(name)
                table = table.set_column(at, table.schema.field(at), pa.array(texts, pa.string()))
            target.add(table.cast(target.schema))
    if not restored:
        target.close()
        raise ChangeInvalid("nothing_cut")
    return target.finish()


ROW_GROUPS_LOOKED_AT = 16


def leaks_of(base: BaseVersion) -> list[Finding]:
    """What gives labels away in a version that was imported before anybody looked for it, found in tickets spread over
    all of its file."""
    wanted = [one.name for one in base.attributes if one.name not in base.not_proposed]
    file = pq.ParquetFile(base.path)
    there = [name for name in wanted if ATTRIBUTE_PREFIX + name in file.schema_arrow.names]
    sample = TicketSample(there)
    step = max(1, -(-file.num_row_groups // ROW_GROUPS_LOOKED_AT))
    for batch in file.iter_batches(
        row_groups=list(range(0, file.num_row_groups, step)),
        columns=["subject", "body", *(ATTRIBUTE_PREFIX + name for name in there)],
    ):
        sample.offer(batch, joined_texts(batch))
    return find_leaks(sample.texts, sample.labels).findings()
