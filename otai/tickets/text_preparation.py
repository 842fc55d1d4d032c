"""Between cells and the data set: what is cut from texts, and what was found there, counted with examples for the
findings."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from otai.learning.data.cuts.boilerplate import tails_of
from otai.learning.data.cuts.cut_columns import CutCount, cut_texts, schema_with_rules
from otai.learning.data.cuts.cutting import KINDS, RECURRING, TextRules, cut, desk_of, name_key
from otai.learning.data.privacy.personal import MARKS, PersonalCount, mask_ticket
from otai.learning.data.profiling import joined_texts
from otai.learning.finding import Finding
from otai.tickets import column_names as names
from otai.tickets.column_stats import Look
from otai.tickets.columns import ColumnRoles
from otai.tickets.joining import Joined

UNCUT = "uncut_body"
"""Where something was cut from a body, the body as it came; else null. What makes a cut reversible."""

ROW = "row"
TEXT_WAS_CUT = "text_was_cut"
PERSONAL_TEXTS = 1_000
LOOKED_AT_CHARACTERS = 4_000
MOST_DESK_NAMES = 2_000


@dataclass(slots=True)
class TextPreparation:
    """Cuts the bodies of tickets batch by batch, and remembers how much it cut. `rules` None: nothing is cut."""

    rules: TextRules | None
    count: CutCount = field(default_factory=CutCount)
    personal: PersonalCount = field(default_factory=PersonalCount)
    learns: bool = True
    """False where tickets are added to others: they are cut as those were."""

    @classmethod
    def of_look(
        cls,
        look: Look,
        roles: ColumnRoles,
        *,
        cuts: bool = True,
        masked: Sequence[str] = (),
        base: TextRules | None = None,
    ) -> TextPreparation:
        """Names of agents in a column tell which mails of a chain are the desk's; they are kept as hashes. `base`: the
        rules of tickets that these are added to; what was cut there is cut here."""
        if base is None and not cuts and not masked:
            return cls(None)
        desk: set[str] = set()
        for column in look.columns:
            if column.words.fits(names.AGENT) and column.distinct <= MOST_DESK_NAMES:
                desk.update(name_key(value) for value in column.counts if " " in value.strip())
        if base is not None:
            return cls(dataclasses.replace(base, desk=base.desk | desk), learns=False)
        return cls(TextRules(kinds=KINDS if cuts else (), desk=frozenset(desk), masked=tuple(masked)))

    def reads_chats(self) -> None:
        """Of chats the customer's first words are the ticket: so it is done to new tickets as well."""
        self.rules = dataclasses.replace(self.rules or TextRules(kinds=()), chats=True)

    def learn(self, texts: Sequence[str], labels: Mapping[str, Sequence[str | None]]) -> None:
        """From bodies of the first rows: who answers in chains, and what ends many texts word for word. `labels` by
        attribute, one a text."""
        if self.rules is None or not self.rules.kinds or not self.learns:
            return
        self.rules = dataclasses.replace(self.rules, desk=self.rules.desk | desk_of(texts))
        cut_already = [cut(text, self.rules).text for text in texts]
        self.rules = dataclasses.replace(self.rules, tails=tails_of(cut_already, labels))

    def counted(self) -> dict[str, Any]:
        """JSON-serialisable; `add` takes it in another process."""
        cut_of, found = self.count, self.personal
        return {
            "cut": [dict(cut_of.texts), cut_of.examples, cut_of.rows],
            "personal": [found.texts, found.holding, dict(found.by_kind), found.examples],
        }

    def add(self, counted: Mapping[str, Any]) -> None:
        """What the preparation of another process `counted`."""
        texts, examples, rows = counted["cut"]
        self.count.add(CutCount(Counter(texts), examples, rows))
        looked_at, holding, by_kind, shown = counted["personal"]
        self.personal.add(PersonalCount(looked_at, holding, Counter(by_kind), shown))

    def join(self, other: TextPreparation) -> None:
        """Of a further file: what its preparation counted, and whose mails and which ends of texts it cut. New tickets
        are cut by the rules of all."""
        self.add(other.counted())
        if other.rules is not None:
            self.rules = other.rules if self.rules is None else self.rules.with_learnt(other.rules)

    def schema(self, schema: pa.Schema) -> pa.Schema:
        """The schema of tickets, with a place for what was cut."""
        if self.rules is None:
            return schema
        if UNCUT not in schema.names:
            schema = schema.insert(schema.get_field_index("body") + 1, pa.field(UNCUT, pa.string()))
        return schema_with_rules(self.rules, schema)

    def of(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with its bodies cut, and the bodies as they came where something was."""
        self._look_for_personal_data(batch)
        if self.rules is None:
            return batch
        if self.rules.masked:
            batch = self._masked(batch)
        at = batch.schema.get_field_index("body")
        bodies = batch.column(at)
        own = cut_texts(bodies, self.rules, self.count) if self.rules.kinds else bodies
        batch, own = self._without_given(batch, own)
        uncut = pa.nulls(len(bodies), pa.string())
        if own is not bodies:
            changed = pc.and_(pc.is_valid(bodies), pc.fill_null(pc.not_equal(own, bodies), True))
            uncut = pc.if_else(changed, bodies, pa.scalar(None, pa.string()))
        columns = [*batch.columns]
        columns[at] = own
        columns.insert(at + 1, uncut)
        return pa.RecordBatch.from_arrays(columns, schema=self.schema(batch.schema))

    def _without_given(self, batch: pa.RecordBatch, bodies: pa.Array) -> tuple[pa.RecordBatch, pa.Array]:
        """Subjects and bodies without the lines and phrases that gave labels away, where tickets are added to some
        without them."""
        assert self.rules is not None
        if not self.rules.lines and not self.rules.phrases:
            return batch, bodies
        at = batch.schema.get_field_index("subject")
        subjects = [text and self.rules.subject_without_given(text) for text in batch.column(at).to_pylist()]
        batch = batch.set_column(at, batch.schema.field(at), pa.array(subjects, pa.string()))
        made = [text and (self.rules.without_given(text) or None) for text in bodies.to_pylist()]
        return batch, pa.array(made, pa.string())

    def _look_for_personal_data(self, batch: pa.RecordBatch) -> None:
        """On some thousand tickets, spread over all: of the later ones ever fewer. Which ones, their rows in the file
        say, so that it does not matter which process has which batch."""
        rows = batch.column(ROW).to_numpy()
        stride = max(1, int(rows[0]) // PERSONAL_TEXTS) if len(rows) else 1
        for text in joined_texts(batch).take(pa.array(np.flatnonzero(rows % stride == 0))).to_pylist():
            self.personal.look_at(text[:LOOKED_AT_CHARACTERS])

    def _masked(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        assert self.rules is not None
        masked = masked_texts(batch.column("subject"), batch.column("body"), self.rules.masked)
        for name, texts in zip(("subject", "body"), masked, strict=True):
            at = batch.schema.get_field_index(name)
            batch = batch.set_column(at, batch.schema.field(at), texts)
        return batch

    def findings(self, tickets: int, *, rows: int | None = None) -> Iterator[Finding]:
        """What was cut out of texts and what personal data they hold, with numbers and examples. `rows` were read where
        several of them are one ticket: then texts are those of rows."""
        yield from self._of_personal_data(rows)
        if not self.count.rows:
            return
        examples = {kind: self.count.examples[kind] for kind in (*KINDS, RECURRING) if kind in self.count.examples}
        counted = (
            {"tickets": self.count.rows, "all": tickets} if rows is None else {"rows": self.count.rows, "of": rows}
        )
        yield Finding(
            TEXT_WAS_CUT,
            values={
                **counted,
                "by_kind": {kind: count for kind, count in self.count.texts.items() if count},
                "shown": [found[0][:60] for found in examples.values()],
                "examples": examples,
            },
        )

    def _of_personal_data(self, rows: int | None) -> Iterator[Finding]:
        found = self.personal
        if not found.holding:
            return
        masked = self.rules is not None and bool(self.rules.masked)
        yield Finding(
            "personal_data",
            values={
                "tickets" if rows is None else "rows": found.holding,
                "looked_at": found.texts,
                "by_kind": dict(found.by_kind),
                "examples": found.examples,
                "shown": [examples[0] for examples in found.examples.values()],
                "masked_tickets" if rows is None else "masked_rows": found.holding if masked else None,
            },
        )


def masked_texts(subjects: pa.Array, bodies: pa.Array, kinds: Sequence[str]) -> tuple[pa.Array, pa.Array]:
    """Subjects and bodies with personal data of these kinds masked; shape (tickets,) each, nulls stay."""
    marks = [pc.fill_null(pc.match_substring_regex(texts, MARKS), False) for texts in (subjects, bodies)]
    marked = pc.or_(*marks)
    if not pc.any(marked).as_py():
        return subjects, bodies
    pairs = zip(subjects.filter(marked).to_pylist(), bodies.filter(marked).to_pylist(), strict=True)
    made = [(pair, mask_ticket(pair[0] or "", pair[1] or "", kinds)) for pair in pairs]
    new_subjects, new_bodies = (
        pa.array([None if pair[at] is None else texts[at] for pair, texts in made], pa.string()) for at in (0, 1)
    )
    return pc.replace_with_mask(subjects, marked, new_subjects), pc.replace_with_mask(bodies, marked, new_bodies)


def masked_copy(source: Path, target: Path, kinds: Sequence[str]) -> Path:
    """The tickets of a data set with their personal data replaced, when some are added to them that shall be stored
    so."""
    file = pq.ParquetFile(source)
    with pq.ParquetWriter(target, file.schema_arrow, compression="zstd") as writer:
        for batch in file.iter_batches(batch_size=8_192):
            subjects = batch.column("subject")
            made = dict(zip(("subject", "body"), masked_texts(subjects, batch.column("body"), kinds), strict=True))
            if UNCUT in batch.schema.names:
                made[UNCUT] = masked_texts(subjects, batch.column(UNCUT), kinds)[1]
            for name, texts in made.items():
                at = batch.schema.get_field_index(name)
                batch = batch.set_column(at, batch.schema.field(at), texts)
            writer.write_batch(batch, row_group_size=8_192)
    return target


def findings_of_joining(joined: Joined, *, tickets: int, by: Mapping[str, str]) -> Iterator[Finding]:
    """What became of several rows of one ticket. `tickets` are there in all; `by` names the columns that say which row
    is the newest ("updated", else "created") and which message came first ("said")."""
    if joined.is_thread:
        column = {"column": by["said"]} if "said" in by else {}
        rows = joined.rows if joined.messages is None else joined.messages
        yield Finding("messages_joined", values={"rows": rows, "tickets": joined.tickets, **column})
    elif joined.repeated:
        rule = {name: by[name] for name in ("updated" if joined.by_update else "created",) if name in by}
        yield Finding(
            "newest_row_won",
            values={"rows": joined.rows, "tickets": tickets, "repeated": joined.repeated, **rule},
        )
