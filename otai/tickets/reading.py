"""A file read from end to end, without tables: what its columns are taken for, and its tickets as a Parquet file with
their profile.

preview_columns(file)            the guess, from the first rows
read_tickets(file, into=target)  all tickets; what an import writes into the database comes from its answer
"""

from __future__ import annotations

import dataclasses
import gc
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from otai.learning.data.attributes import AttributeKind
from otai.learning.data.cuts.cut_columns import rules_of_schema
from otai.learning.data.cuts.cutting import TextRules
from otai.learning.data.language import LanguageMixture
from otai.learning.data.privacy.personal import PERSONAL_KINDS
from otai.learning.data.profile import DETECTED_FOR_ALL, Profile
from otai.learning.data.profiling import TEXT_HASH, ProfileBuilder, joined_texts
from otai.learning.data.texts.transcripts import holds_transcripts
from otai.learning.evidence.leaks import find_leaks
from otai.learning.finding import Finding
from otai.tickets import known_afterwards, own_ids
from otai.tickets.beside import (
    GivenTable,
    given_tables,
    is_of_messages,
    known_of_look,
    known_of_version,
    roles_beside,
    ticket_beside,
)
from otai.tickets.cells import TicketMaker
from otai.tickets.column_names import folded
from otai.tickets.column_stats import SAMPLED_CHARACTERS, Look, look_at
from otai.tickets.columns import AttributeColumns, ColumnRoles
from otai.tickets.comparing import Before, compare
from otai.tickets.day_order import UnsettledDates, day_order_of
from otai.tickets.files import FileStoreUnavailable
from otai.tickets.growing import Growing
from otai.tickets.guessing import guess_roles, times_beside
from otai.tickets.import_findings import findings_of_import
from otai.tickets.joining import Joined, join
from otai.tickets.label_orders import falls, order_of
from otai.tickets.limits import LIMITS, Limits
from otai.tickets.linking import LINKS
from otai.tickets.newest_rows import SENDER
from otai.tickets.options import ImportOptions, ReadOptions
from otai.tickets.preview import Preview, rows_become
from otai.tickets.problems import BadRows, refused
from otai.tickets.repeated_columns import as_several, held_in_several
from otai.tickets.row_order import MESSAGE_ID, SAID_AT, UPDATED, RowOrder, row_order, rules_of, unowned_messages
from otai.tickets.sources.opening import open_source
from otai.tickets.sources.table import Source
from otai.tickets.text_preparation import TextPreparation, findings_of_joining, masked_copy
from otai.tickets.text_roles import lost_subject
from otai.tickets.text_stage import text_stage
from otai.tickets.tickets_writer import ROW_GROUP_TICKETS, TicketsWriter
from otai.words.sentences import Fact

LANGUAGES_LOOKED_AT = 20_000
"""Finding a language takes a third of a millisecond. It is found for every ticket up to twice this number; of larger
sets for every second, third ... ticket, so that at least so many are looked at."""

ReadingProgress = Callable[[float, int], None]
"""Called with the share of the work that is done (0 to 1) and the tickets so far."""


def preview_columns(
    source: Path,
    *,
    filename: str | None = None,
    options: ReadOptions = ReadOptions(),
    must_have_text: bool = True,
    limits: Limits = LIMITS,
) -> Preview:
    """The guess that `import_tickets` would make, without importing. Raises DatasetInvalid and ColumnsInvalid as it
    would.

    Without `must_have_text` a file in which no column looks like the text of a ticket is shown all the same, so that a
    person can say it.
    """
    opened = open_source(source, filename=filename, options=options, limits=limits)
    look = look_at(opened)
    sheets = (*opened.noted.sheets, *opened.noted.sheets_left_out)
    must_have_text = must_have_text and not opened.noted.joined_by_id
    roles = guess_roles(look, options.roles, must_have_text=must_have_text)
    dates = UnsettledDates.of_look(look, roles.single.get("created"), said=options.dates)
    return Preview(opened.format, look, roles, sheets, dates, rows_become(look, roles, opened.noted))


@dataclass(frozen=True, slots=True)
class ReadTickets:
    """What a file holds: its profile, what each column was used for, as what it was read, and how many bad rows were
    left out."""

    profile: Profile
    roles: ColumnRoles
    format: Fact
    left_out_rows: int

    def as_dict(self) -> dict[str, Any]:
        """As JSON, for a job. `from_dict` reads it."""
        return {
            "profile": self.profile.as_dict(),
            "roles": self.roles.as_dict(),
            "format": self.format.as_dict(),
            "left_out_rows": self.left_out_rows,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ReadTickets:
        """The value of `as_dict`."""
        return cls(
            Profile.from_dict(values["profile"]),
            ColumnRoles.from_dict(values["roles"]),
            Fact.from_dict(values["format"]),
            values["left_out_rows"],
        )


def read_tickets(
    source: Path,
    *,
    into: Path,
    filename: str | None = None,
    options: ImportOptions = ImportOptions(),
    further: Sequence[Path] = (),
    before: Before | None = None,
    progress: ReadingProgress | None = None,
    limits: Limits = LIMITS,
) -> ReadTickets:
    """Writes the tickets of `source` to the Parquet file `into`. Bounded memory: the source is read once for its
    encoding, its beginning for the guess, and once for the tickets. Raises DatasetInvalid and ColumnsInvalid as
    `import_tickets` does, and FileStoreUnavailable where there is no room to write.

    `further` files are read like the first: rows with one ticket's id become one ticket, the newest row wins. `before`
    is the version of the data set that this one follows: the profile says what came, changed and went since. With
    `options.add` its tickets come before all of the files, and columns are read as they were there.
    """
    files = [(source, filename or source.name), *((path, path.name) for path in further)]
    bad = BadRows(skip=options.skip_bad_rows)
    with tempfile.TemporaryDirectory(prefix="otai-reading-", dir=into.parent) as folder:
        base = _base_of(before, options, Path(folder)) if before is not None and options.add else None
        growing = Growing(base.roles if base is not None else None)
        parts: list[_Part] = []
        tables = given_tables(files, options, limits)
        known = known_of_version(base.path, base.roles) if base is not None else None
        waiting = list(tables)
        while waiting:
            table = waiting.pop(0)
            look = look_at(table.source)
            ticket = table.ticket or ticket_beside(known, look)
            said = options.roles or ColumnRoles()
            several = _held_in_several(table, said, growing, ticket)
            if several and base is None:
                # What was read so far took each cell for one label, or for none.
                options = dataclasses.replace(options, roles=as_several(said, several))
                growing, parts, known, waiting = Growing(None), [], None, list(tables)
                bad = BadRows(skip=options.skip_bad_rows)
                continue
            if several:
                growing.hold_in_several(several)
            if ticket is None:
                roles = growing.of_file(table.source.columns, ColumnRoles() if parts else said)
            else:
                roles = roles_beside(look, ticket, table.source)
            asked = _of_part(options, roles, base=base)
            prefix = own_ids.prefix(file=len(parts) + 1, after_version=base.version if base is not None else None)
            reading = _begun(table, look, asked, base, prefix=prefix, limits=limits, beside=ticket)
            known = known or known_of_look(look, reading.roles)
            (growing.add if ticket is None else growing.add_beside)(reading.roles)
            # Nothing keeps the look: its samples are as large as all that follows holds at a time.
            del look
            parts.append(_run(reading, Path(folder) / f"{len(parts) + 1}.parquet", bad, progress))
        if not options.skip_bad_rows:
            bad.refuse()
        read = _finished(parts, into, bad, base=base, growing=growing)
        return read if before is None else _compared(read, into, before, base)


def _held_in_several(
    table: GivenTable, said: ColumnRoles, growing: Growing, ticket: str | None
) -> Sequence[AttributeColumns]:
    if growing.roles is None or ticket is not None:
        return ()
    return held_in_several(table.source, said, first=growing.roles)


@dataclass(frozen=True, slots=True)
class _Base:
    """The tickets that others are added to: their file, their version and roles, and what was cut from their texts
    (None: nothing)."""

    path: Path
    version: int
    roles: ColumnRoles
    rules: TextRules | None


def _base_of(before: Before, options: ImportOptions, folder: Path) -> _Base:
    rules = rules_of_schema(pq.read_schema(before.path))
    if not options.mask or (rules is not None and rules.masked):
        return _Base(before.path, before.version, before.roles, rules)
    # One version is stored in one way: what is there already is masked as well.
    masked = dataclasses.replace(rules or TextRules(kinds=()), masked=PERSONAL_KINDS)
    copy = masked_copy(before.path, folder / "base.parquet", masked.masked)
    return _Base(copy, before.version, before.roles, masked)


def _of_part(options: ImportOptions, roles: ColumnRoles, *, base: _Base | None) -> ImportOptions:
    """The options as they hold for one file."""
    if base is None:
        return dataclasses.replace(options, roles=roles)
    # Cut and masked as the tickets were that it is added to.
    return dataclasses.replace(options, roles=roles, keep_quotes=True, mask=False)


@dataclass(frozen=True, slots=True)
class _Part:
    """One file, read: its tickets at `path`."""

    reading: _Reading
    path: Path


def _begun(
    table: GivenTable,
    look: Look,
    options: ImportOptions,
    base: _Base | None,
    *,
    prefix: str,
    limits: Limits,
    beside: str | None,
) -> _Reading:
    """A table after its first rows: columns guessed, what recurs in texts learned. `beside` is the column that names
    the ticket, where it belongs to tickets of another. Raises DatasetInvalid where it holds no row."""
    opened = table.source
    if not look.rows:
        _refuse_without_tickets(opened)
    guessed = guess_roles(look, options.roles, must_have_text=beside is None and not opened.noted.joined_by_id)
    said = (options.roles or ColumnRoles()).resolved(opened.columns)
    preparation = TextPreparation.of_look(
        look,
        guessed,
        cuts=not options.keep_quotes,
        masked=PERSONAL_KINDS if options.mask else (),
        base=base.rules if base is not None else None,
    )
    named = frozenset(said.used.difference(said.confirmed)) if beside is None else frozenset()
    order = row_order(opened, look, guessed, times_beside(look, guessed))
    if beside is not None:
        order = dataclasses.replace(order, is_beside=True, of_messages=is_of_messages(look, guessed))
    return _Reading(
        opened, look, guessed, named, preparation, size=table.size, prefix=prefix, dates=options.dates, limits=limits,
        order=order,
    )  # fmt: skip


def _run(reading: _Reading, into: Path, bad: BadRows, progress: ReadingProgress | None) -> _Part:
    try:
        with _without_cycles():
            reading.run(into, bad, progress)
    except OSError as error:
        raise FileStoreUnavailable("tickets", error=error) from error
    return _Part(reading, into)


def _finished(parts: Sequence[_Part], into: Path, bad: BadRows, *, base: _Base | None, growing: Growing) -> ReadTickets:
    """The parts as one file of tickets, each id once, with their profile."""
    first = parts[0].reading
    joined = None
    assert growing.roles is not None
    for part in parts[1:]:
        first.add(part.reading)
    first.take_over(growing.roles)
    if base is not None:
        first.cut_as(base.rules)
    if base is not None or len(parts) > 1 or first.repeats or first.has_senders:
        joined = first.join(parts, into, base=base.path if base is not None else None)
    else:
        parts[0].path.replace(into)
    profile, settled = first.finish(bad, joined)
    profile = profile.with_findings(list(growing.findings()))
    return ReadTickets(profile, settled, first.format, bad.count)


def _compared(read: ReadTickets, path: Path, before: Before, base: _Base | None) -> ReadTickets:
    """With what came, changed and went since the version before, among the findings of the profile."""
    by_id = base is not None or (before.has_ids and "ticket" in read.roles.single)
    try:
        since = list(
            compare(base.path if base is not None else before.path, path, by_id=by_id).findings(version=before.version)
        )
    except FileNotFoundError:
        # Its tickets were deleted meanwhile.
        since = []
    return dataclasses.replace(read, profile=read.profile.with_findings(since))


@contextmanager
def _without_cycles() -> Iterator[None]:
    """Reading makes millions of lists and no cycles; looking for cycles among them again and again takes a third of its
    time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Reading:
    """The one pass over the source: rows to tickets, tickets to a Parquet file and to the profile."""

    def __init__(
        self,
        source: Source,
        look: Look,
        roles: ColumnRoles,
        named: frozenset[str],
        preparation: TextPreparation,
        *,
        size: int,
        prefix: str,
        dates: str | None,
        limits: Limits,
        order: RowOrder,
    ) -> None:
        self.order = order
        self._rules = rules_of(order, roles, look)
        self._source = source
        self._sources = [source]
        self._preparation = preparation
        # Rows without an id are known by their number.
        self._prefix = prefix if "ticket" not in roles.single else ""
        self._roles = roles
        self._named = named
        self._limits = limits
        self._size = max(size, 1)
        when = roles.single.get("created", order.updated or order.said_at)
        days = day_order_of(source, look, when, said=dates)
        self._maker = TicketMaker(
            source.columns,
            roles,
            limits=limits,
            named=named,
            day_first=days.day_first,
            joins=True,
            leaves_texts=True,
            order=order,
        )
        if (body := roles.single.get("body")) is not None:
            self._maker.reader.reads_chats = holds_transcripts(look.column(body).cells)
            if self._maker.reader.reads_chats:
                preparation.reads_chats()
        if not days.is_settled:
            read_as = UnsettledDates(when or "", days.example, days.read_as)
            self._maker.noticed.unsettled_dates.append(read_as)
        self._maker.noticed.lost_subject = lost_subject(look, roles, named=named)
        self._maker.noticed.unowned_messages = unowned_messages(look, roles)
        self._learn(look)
        self._mixture = LanguageMixture()
        self._language_stride = 1
        languages_read = Fact("languages_from_column", {"column": roles.single.get("language")})
        if "language" not in roles.single:
            expected = look.rows if look.is_whole else look.rows * self._size // max(source.bytes_read(), 1)
            self._language_stride = max(1, expected // LANGUAGES_LOOKED_AT)
            some = Fact("languages_detected_for_some", {"every": self._language_stride})
            languages_read = DETECTED_FOR_ALL if self._language_stride == 1 else some
        self._languages_read = languages_read
        self._builder = self._new_builder()
        self._tickets = 0

    def _learn(self, look: Look) -> None:
        """What recurs in the first rows, as texts of tickets."""
        if (name := self._roles.single.get("body")) is None:
            return
        cells = look.column(name).cells
        texts = self._maker.texts_of(cells).to_pylist()
        # Of a longer cell the sample holds the beginning alone.
        told = [row for row, text in enumerate(texts) if text and len(cells[row] or "") < SAMPLED_CHARACTERS]
        labels = {
            found.name: look.column(found.columns[0]).cells
            for found in self._roles.attributes
            if found.kind is not AttributeKind.MULTI
        }
        self._preparation.learn(
            [texts[row] for row in told], {name: [column[row] for row in told] for name, column in labels.items()}
        )

    def _new_builder(self) -> ProfileBuilder:
        return ProfileBuilder(
            {found.name: str(found.kind) for found in self._roles.attributes},
            orders={found.name: found.order for found in self._roles.attributes},
            languages_read=self._languages_read,
        )

    @property
    def format(self) -> Fact:
        return self._source.format

    @property
    def roles(self) -> ColumnRoles:
        """What the columns are used for."""
        return self._roles

    @property
    def repeats(self) -> bool:
        """Whether several rows have one ticket's id."""
        return self._maker.noticed.repeated_ids > 0

    @property
    def has_senders(self) -> bool:
        return SENDER in self._maker.schema.names

    @property
    def later_tables(self) -> Sequence[int]:
        """The numbers of rows at which a further file of an archive, or sheet, begins."""
        return self._source.noted.later_tables

    def add(self, later: _Reading) -> None:
        """What was noticed in a later file, and what was cut from its texts: one profile tells of all."""
        self._sources += later._sources
        self._rules = {**later._rules, **self._rules}
        self._maker.noticed.add(later._maker.noticed)
        self._preparation.join(later._preparation)

    def take_over(self, roles: ColumnRoles) -> None:
        """The attributes of all that is read together with this."""
        if roles is not self._roles:
            self._roles = roles
            self._maker.schema = TicketMaker(self._source.columns, roles, limits=self._limits, joins=True).schema

    def cut_as(self, rules: TextRules | None) -> None:
        """As the texts were cut that this is added to."""
        if rules is None:
            self._preparation.rules = None
        elif self._preparation.rules is not None:
            self._preparation.rules = rules.with_learnt(dataclasses.replace(self._preparation.rules, tails=frozenset()))

    def join(self, parts: Sequence[_Part], into: Path, *, base: Path | None) -> Joined:
        """The rows of the base and of all parts as tickets, each id once; the profile is of these."""
        self._builder = self._new_builder()
        detected = "language" not in self._roles.single

        def add(batch: pa.RecordBatch) -> None:
            known = pc.is_valid(batch.column("language")).to_numpy(zero_copy_only=False) if detected else None
            self._builder.add(batch, language_known=known)

        staged = (SENDER, UPDATED, SAID_AT, MESSAGE_ID)
        kept = [field for field in self._preparation.schema(self._maker.schema) if field.name not in staged]
        schema = self._preparation.schema(pa.schema(kept))
        together = [*([base] if base is not None else []), *(part.path for part in parts)]
        if LINKS not in schema.names and any(LINKS in pq.read_schema(part).names for part in together):
            schema = schema.append(pa.field(LINKS, pa.list_(pa.string())))
        stored = 0 if base is None else pq.ParquetFile(base).metadata.num_rows
        agent = known_afterwards.agent_of(self._roles)
        return join(
            together,
            into,
            schema,
            add=add,
            base_rows=stored,
            agent=agent,
            of_messages=[part.reading.order.of_messages for part in parts],
            are_beside=[part.reading.order.is_beside for part in parts],
            later_tables=[part.reading.later_tables for part in parts],
            row_group=ROW_GROUP_TICKETS,
        )

    def run(self, target: Path, bad: BadRows, progress: ReadingProgress | None) -> None:
        schema = self._preparation.schema(self._maker.schema)
        with tempfile.TemporaryDirectory(prefix="otai-texts-", dir=target.parent) as folder:
            stage = text_stage(self._maker.reader, self._preparation, size=self._size, folder=Path(folder))
            try:
                with closing(TicketsWriter(target, schema)) as writer:
                    for read in self._source.batches(bad):
                        for batch in stage.give(self._maker.tickets(read, bad)):
                            writer.write(self._counted(batch))
                        if progress is not None:
                            progress(min(self._source.bytes_read() / self._size, 1.0), self._tickets)
                    for batch in stage.end():
                        writer.write(self._counted(batch))
            finally:
                stage.close()
        if progress is not None:
            progress(1.0, self._tickets)

    def _counted(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch as it is stored, after the profile has seen it."""
        batch = self._with_languages(self._with_own_ids(batch))
        self._tickets += batch.num_rows
        for found in self._roles.attributes:
            if self._builder.label_count(found.name) > self._limits.labels:
                self._refuse_labels(found.name, found.columns[0])
        return batch.select([name for name in batch.schema.names if name != TEXT_HASH])

    def _with_own_ids(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if not self._prefix:
            return batch
        at = batch.schema.get_field_index("ticket")
        ids = pc.binary_join_element_wise(self._prefix, batch.column(at), "")
        return batch.set_column(at, batch.schema.field(at), ids)

    def _with_languages(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The language of each ticket, or of some, if no column says it; and the batch into the profile with it."""
        rows = batch.num_rows
        if "language" in self._roles.single or rows == 0:
            self._builder.add(batch)
            return batch
        # Continues over batches: which tickets are looked at does not depend on how the source was cut.
        picked = np.arange(-self._tickets % self._language_stride, rows, self._language_stride)
        texts = joined_texts(batch).take(pa.array(picked)).to_pylist()
        languages: list[str | None] = [None] * rows
        for index, language in zip(picked.tolist(), self._mixture.detect(texts), strict=True):
            languages[index] = language
        position = batch.schema.get_field_index("language")
        batch = batch.set_column(position, batch.schema.field(position), pa.array(languages, pa.string()))
        known = np.zeros(rows, dtype=bool)
        known[picked] = True
        self._builder.add(batch, language_known=known)
        return batch

    def _refuse_labels(self, attribute: str, column: str) -> None:
        raise refused("labels", attribute=attribute, most=self._limits.labels, column=column)

    def finish(self, bad: BadRows, joined: Joined | None) -> tuple[Profile, ColumnRoles]:
        """The profile with what the import noticed, and the roles as they ended. Raises DatasetInvalid when no ticket
        came in."""
        if not self._tickets:
            bad.refuse()
            _refuse_without_tickets(self._source)
        profile = self._builder.finish()
        roles = self._roles
        for attribute in roles.attributes:
            if attribute.kind is not AttributeKind.ORDERED:
                continue
            labels = [label.name for label in profile.attribute(attribute.name).labels]
            if self._is_order_given(attribute.columns[0], attribute.order):
                order = _as_spelt(attribute.order, labels)
            else:
                # The order was found in the first rows; labels that came later may belong to it, or show that there is
                # none. What somebody named as ordered stays so, with a finding about the others.
                is_named = attribute.columns[0] in self._named
                order = order_of(labels, first_is_highest=falls(attribute.order)) or (
                    _as_spelt(attribute.order, labels) if is_named else ()
                )
            kind = AttributeKind.ORDERED if order else AttributeKind.SINGLE
            profile = profile.with_attribute(attribute.name, kind=str(kind), order=order)
            changed = dataclasses.replace(attribute, kind=kind, order=order)
            roles = dataclasses.replace(
                roles, attributes=tuple(changed if one is attribute else one for one in roles.attributes)
            )
        if joined is not None:
            roles = known_afterwards.without_changed_later(roles, joined)
        rows = joined.rows if joined is not None and joined.rows > joined.tickets else None
        noticed = findings_of_import(self._sources, self._maker.noticed, roles, left_out=bad, are_rows=rows is not None)
        noticed += self._preparation.findings(profile.tickets, rows=rows)
        noticed += self._given_away()
        if joined is not None:
            noticed += findings_of_joining(joined, tickets=profile.tickets, by=self._rules)
        return profile.with_findings(noticed, read_as=self._source.format), roles

    def _given_away(self) -> list[Finding]:
        """Lines that nearly decide a label, with what they are worth."""
        texts, labels = self._builder.sample()
        proposed = {found.name: labels[found.name] for found in self._roles.attributes if found.proposed}
        return find_leaks(texts, proposed).findings()

    def _is_order_given(self, column: str, order: tuple[str, ...]) -> bool:
        return column in self._named and bool(order) and order != order_of(order, first_is_highest=falls(order))


def _as_spelt(order: Sequence[str], labels: Sequence[str]) -> tuple[str, ...]:
    """An order that somebody typed, in the spelling of the labels: low stands for Low."""
    spelt = {folded(label): label for label in labels}
    return tuple(label if label in labels else spelt.get(folded(label), label) for label in order)


def _refuse_without_tickets(source: Source) -> None:
    bad = BadRows(skip=True)
    for _ in source.batches(bad):
        break
    bad.refuse()
    raise refused("header_alone", columns=len(source.columns))
