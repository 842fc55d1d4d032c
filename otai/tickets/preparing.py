"""Between cells and the data set: what is cut from texts, and what was found there, counted with examples for the findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from otai.learning.data.cutting import (
    DISCLAIMER,
    FOOTER,
    KINDS,
    QUOTED,
    SIGNATURE,
    CutCount,
    TextRules,
    cut_texts,
    name_key,
)
from otai.learning.data.personal import MARKS, PersonalCount, mask
from otai.learning.data.profile import DataFinding
from otai.learning.data.profiling import joined_texts
from otai.learning.evidence.leaks import Leak
from otai.tickets import column_names as names
from otai.tickets.column_stats import Look
from otai.tickets.columns import ColumnRoles
from otai.tickets.joining import Joined

LABEL_GIVEN_AWAY = "label_given_away"
UNCUT = "uncut_body"
"""Where something was cut from a body, the body as it came; else null. What makes a cut reversible."""

WORDS = {
    QUOTED: "quoted history (earlier mails of the conversation)",
    SIGNATURE: "signatures",
    DISCLAIMER: "notices of confidentiality",
    FOOTER: "footers of mobile phones",
}
PERSONAL_WORDS = {
    "email": "mail addresses", "phone": "telephone numbers", "iban": "IBANs", "card": "card numbers", "password": "passwords",
    "national_id": "national identity numbers", "name": "names in signatures",
}  # fmt: skip
PERSONAL_TEXTS = 1_000
LOOKED_AT_CHARACTERS = 4_000
MOST_DESK_NAMES = 2_000


@dataclass(slots=True)
class TextPreparation:
    """Cuts the bodies of tickets batch by batch, and remembers how much it cut. `rules` None: nothing is cut."""

    rules: TextRules | None
    count: CutCount = field(default_factory=CutCount)
    personal: PersonalCount = field(default_factory=PersonalCount)
    stride: int = 1
    seen: int = 0

    @classmethod
    def of_look(
        cls, look: Look, roles: ColumnRoles, *, cuts: bool = True, masked: Sequence[str] = ()
    ) -> TextPreparation:
        """Names of agents in a column tell which mails of a chain are the desk's; they are kept as hashes."""
        if not cuts and not masked:
            return cls(None)
        desk: set[str] = set()
        for column in look.columns:
            if column.words.fits(names.AGENT) and column.distinct <= MOST_DESK_NAMES:
                desk.update(name_key(value) for value in column.counts if " " in value.strip())
        return cls(TextRules(kinds=KINDS if cuts else (), desk=frozenset(desk), masked=tuple(masked)))

    def schema(self, schema: pa.Schema) -> pa.Schema:
        """The schema of tickets, with a place for what was cut."""
        if self.rules is None:
            return schema
        if UNCUT not in schema.names:
            schema = schema.insert(schema.get_field_index("body") + 1, pa.field(UNCUT, pa.string()))
        return self.rules.in_schema(schema)

    def of(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with its bodies cut, and the bodies as they came where something was."""
        self._look_for_personal_data(batch)
        if self.rules is None:
            return batch
        if self.rules.masked:
            batch = self._masked(batch)
        at = batch.schema.get_field_index("body")
        bodies = batch.column(at)
        cut = cut_texts(bodies, self.rules, self.count) if self.rules.kinds else bodies
        uncut = pa.nulls(len(bodies), pa.string())
        if cut is not bodies:
            changed = pc.fill_null(pc.not_equal(cut, bodies), False)
            uncut = pc.if_else(changed, bodies, pa.scalar(None, pa.string()))
        columns = [*batch.columns]
        columns[at] = cut
        columns.insert(at + 1, uncut)
        return pa.RecordBatch.from_arrays(columns, schema=self.schema(batch.schema))

    def _look_for_personal_data(self, batch: pa.RecordBatch) -> None:
        """On some thousand tickets, spread over all: of the later ones ever fewer."""
        first = -self.seen % self.stride
        self.seen += batch.num_rows
        for text in (
            joined_texts(batch).take(pa.array(range(first, batch.num_rows, self.stride), pa.int64())).to_pylist()
        ):
            self.personal.look_at(text[:LOOKED_AT_CHARACTERS])
        self.stride = max(1, self.seen // PERSONAL_TEXTS)

    def _masked(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        assert self.rules is not None
        for name in ("subject", "body"):
            at = batch.schema.get_field_index(name)
            texts = batch.column(at)
            marked = pc.fill_null(pc.match_substring_regex(texts, MARKS), False)
            if pc.any(marked).as_py():
                made = [mask(text, self.rules.masked) for text in texts.filter(marked).to_pylist()]
                texts = pc.replace_with_mask(texts, marked, pa.array(made, pa.string()))
                batch = batch.set_column(at, batch.schema.field(at), texts)
        return batch

    def findings(self, tickets: int) -> Iterator[DataFinding]:
        yield from self._of_personal_data()
        if not self.count.rows:
            return
        told = [f"{WORDS[kind]} from {self.count.texts[kind]:,}" for kind in KINDS if self.count.texts[kind]]
        examples = {kind: self.count.examples[kind] for kind in KINDS if kind in self.count.examples}
        shown = "; ".join(f"{found[0][:60]!r}" for found in examples.values())
        yield DataFinding(
            "text_was_cut",
            None,
            f"{self.count.rows:,} of {tickets:,} tickets held more than the customer's own message. Cut were {', '.join(told)}. For example: {shown}.",
            "Nothing to do: new tickets are cut alike when they are predicted, and the data set keeps what was cut. To keep it all: --keep-quotes.",
            {"tickets": self.count.rows, "by_kind": dict(self.count.texts), "examples": examples},
        )

    def _of_personal_data(self) -> Iterator[DataFinding]:
        found = self.personal
        if not found.holding:
            return
        told = ", ".join(f"{PERSONAL_WORDS[kind]} in {count:,}" for kind, count in found.by_kind.most_common())
        shown = ", ".join(examples[0] for examples in found.examples.values())
        masked = self.rules is not None and bool(self.rules.masked)
        yield DataFinding(
            "personal_data",
            None,
            f"{found.holding:,} of {found.texts:,} tickets looked at held personal data: {told}. For example {shown}.",
            "They were replaced by their kind, and new tickets are masked alike."
            if masked
            else "A model keeps no word of a ticket, only hashes. To store the tickets without them: import with --mask; new tickets are then masked alike.",
            {
                "tickets": found.holding,
                "looked_at": found.texts,
                "by_kind": dict(found.by_kind),
                "examples": found.examples,
                "masked": masked,
            },
        )


MOST_LINES = 5_000


def finding_of_leak(leak: Leak) -> DataFinding:
    shown = ", ".join(repr(example[:60]) for example in leak.examples[:3])
    return DataFinding(
        LABEL_GIVEN_AWAY,
        leak.attribute,
        f"In {leak.coverage:.0%} of the tickets stand lines that nearly decide {leak.attribute}, such as {shown}. A quick model that reads them is right on "
        f"{leak.with_lines:.0%}; without these lines {round(100 * leak.without)} of 100 would be right.",
        "If they are written only after someone decided it (a signature, a note of routing), new tickets will not have them. Cut them: otai tickets cut NAME.",
        {
            "coverage": leak.coverage,
            "with_lines": leak.with_lines,
            "without": leak.without,
            "examples": list(leak.examples),
            "lines": sorted(leak.keys)[:MOST_LINES],
        },
    )


def findings_of_joining(joined: Joined, roles: ColumnRoles) -> Iterator[DataFinding]:
    column = roles.single.get("ticket", "the id")
    if joined.is_thread:
        yield DataFinding(
            "messages_joined",
            None,
            f"{joined.rows:,} rows are messages of {joined.tickets:,} tickets: rows of one {column!r} belong together. The text of a ticket is the "
            "customer's first message; its labels are what they were last.",
            "If each row is a ticket of its own, take another column for the id, or none: --ignore.",
            {"rows": joined.rows, "tickets": joined.tickets},
        )
    elif joined.joined:
        yield DataFinding(
            "newest_row_won",
            None,
            f"{joined.rows - joined.tickets:,} rows have a {column!r} that an earlier row has: the newest row of a ticket was taken, {joined.tickets:,} tickets in all.",
            "Nothing to do, if the later row is the newer state of the ticket. If the column is no id, leave it out: --ignore.",
            {"rows": joined.rows, "tickets": joined.tickets},
        )
