"""Whole columns of texts cut as cutting.py says, and the rules of it in the files of tickets."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from otai.learning.data import mail_patterns as mail
from otai.learning.data.cuts.boilerplate import KEY_CHARACTERS, squeezed_key
from otai.learning.data.cuts.cutting import DISCLAIMER, EXAMPLES, FOOTER, QUOTED, RECURRING, SIGNATURE, TextRules, cut

METADATA_KEY = b"otai_text_rules"
"""Under this key the rules travel in the Parquet file of a data set."""


def rules_of_schema(schema: pa.Schema) -> TextRules | None:
    """The rules that a data set's file was made with; None for one made before there were any."""
    found = (schema.metadata or {}).get(METADATA_KEY)
    return None if found is None else TextRules.from_dict(json.loads(found))


def schema_with_rules(rules: TextRules, schema: pa.Schema) -> pa.Schema:
    """The schema with these rules in its metadata, so that a file of tickets says how its texts were cut."""
    return schema.with_metadata({**(schema.metadata or {}), METADATA_KEY: json.dumps(rules.as_dict()).encode()})


@dataclass(slots=True)
class CutCount:
    """How many texts something was cut from, by kind, with examples."""

    texts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    rows: int = 0

    def note(self, removed: Iterable[tuple[str, str]]) -> None:
        """Counts one text of which these (kind, what) were removed; keeps a few examples of each kind."""
        self.rows += 1
        for kind in {kind for kind, _ in removed}:
            self.texts[kind] += 1
        for kind, what in removed:
            kept = self.examples.setdefault(kind, [])
            if len(kept) < EXAMPLES and (shown := " ".join(what.split())[:120]) not in kept:
                kept.append(shown)

    def add(self, other: CutCount) -> None:
        """Counts what another counted as well, of other texts; of examples the first few are kept."""
        self.rows += other.rows
        self.texts.update(other.texts)
        for kind, examples in other.examples.items():
            kept = self.examples.get(kind, [])
            self.examples[kind] = list(dict.fromkeys([*kept, *examples]))[:EXAMPLES]


def cut_texts(texts: pa.Array, rules: TextRules, count: CutCount) -> pa.Array:
    """An Arrow array of bodies with everything cut. Which texts may hold what is asked of the whole column; only those
    are read one by one, and only for that."""
    steps = {kind: pc.fill_null(where, False) for kind, where in _where(texts, rules)}
    marked: pa.Array | None = None
    for where in steps.values():
        marked = where if marked is None else pc.or_(marked, where)
    if marked is None or not pc.any(marked).as_py():
        return texts
    asked = [where.filter(marked).to_pylist() for where in steps.values()]
    made: list[str] = []
    for text, *wanted in zip(texts.filter(marked).to_pylist(), *asked, strict=True):
        done = cut(text, rules, steps=[kind for kind, is_wanted in zip(steps, wanted, strict=True) if is_wanted])
        if done.removed:
            count.note(done.removed)
        made.append(done.text)
    return pc.replace_with_mask(texts, marked, pa.array(made, pa.string()))


def _where(texts: pa.Array, rules: TextRules) -> Iterator[tuple[str, pa.Array]]:
    """Of each kind in which texts it may stand; more of them rather than too few."""
    lines = pc.binary_join_element_wise("\n", texts, "")
    begun = _among(lines, pc.is_valid(texts), mail.LINE_MARKS)
    where: dict[str, pa.Array] = {}
    if QUOTED in rules.kinds:
        introduced = _among(texts, pc.is_valid(texts), mail.INTRODUCED)
        where[QUOTED] = _among(texts, pc.or_(begun, introduced), mail.QUOTED_MARKS)
    if FOOTER in rules.kinds:
        where[FOOTER] = _among(texts, begun, mail.FOOTER_MARKS)
    if DISCLAIMER in rules.kinds:
        parted = _among(lines, pc.is_valid(texts), mail.EMPTY_LINE)
        # In what was quoted, a line is empty once its sign is taken away.
        parted = pc.or_(parted, where[QUOTED]) if QUOTED in where else parted
        where[DISCLAIMER] = _among(texts, parted, mail.NOTICE_MARKS)
    if SIGNATURE in rules.kinds:
        dashed = _among(texts, begun, mail.DASHED_MARKS)
        where[SIGNATURE] = pc.or_(dashed, _among(lines, pc.is_valid(texts), mail.SIGNED_MARKS))
    if rules.tails:
        where[RECURRING] = TailIndex(rules.tails).may_end(texts)
    yield from where.items()


def _among(texts: pa.Array, asked: pa.Array, expression: str) -> pa.Array:
    """Which of the texts that are `asked` (True, False) hold the expression."""
    return pc.replace_with_mask(asked, asked, pc.match_substring_regex(texts.filter(asked), expression))


class TailIndex:
    """Which texts of a column may end in one of the tails, by their last lines: each different one is looked at
    once."""

    def __init__(self, tails: frozenset[str]) -> None:
        self._last = {tail[:KEY_CHARACTERS] for tail in tails}

    def may_end(self, texts: pa.Array) -> pa.Array:
        """True for each text whose last line with anything on it is the last of a tail; null stays null."""
        parted = pc.split_pattern(pc.utf8_rtrim_whitespace(texts), "\n", max_splits=1, reverse=True)
        lasts = parted.values.take(pc.subtract(parted.offsets[1:], 1)) if parted.null_count == 0 else None
        if lasts is None:
            return pc.is_valid(texts)
        encoded = pc.replace_substring_regex(lasts, r"\d+", "0").dictionary_encode()
        known = pa.array(
            [squeezed_key(line or "") in self._last for line in encoded.dictionary.to_pylist()], pa.bool_()
        )
        return known.take(encoded.indices)
