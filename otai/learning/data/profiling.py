"""Counts what came in with a data set (`profile.py`) while it comes in.

`ProfileBuilder.add` takes the tickets in batches, in the layout of a data set's Parquet file, and keeps little of them:
16 bytes a ticket and 2 for each attribute, the label counts, and a sample of texts. Everything exact is counted over
all tickets; what needs the texts again (leaks, and languages in large data sets) is measured on the sample, and the
profile says so.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otai.learning.data import profile_findings as findings
from otai.learning.data.growing_arrays import GrowingArray
from otai.learning.data.normal_texts import normal_texts
from otai.learning.data.profile import DETECTED_FOR_ALL, LANGUAGES_DETECTED, AttributeProfile, LabelCount, Profile
from otai.words.sentences import Fact

SAMPLE_TICKETS = 5_000
"""Texts kept for the leak test: a share is then known to 1.4 points (two standard errors), in about 10 MB."""

SAMPLE_CHARACTERS = 2_000
"""Kept of each text in the sample: a form that repeats its own fields does so near the top, a signature stands at the
end."""
SAMPLE_END_CHARACTERS = 600
"""Of them so many are the last, where the text is longer."""

CODES_KEPT = 24
"""Attributes whose contradictions among duplicates are told apart, at 2 bytes a ticket each; beyond it they are only
counted together."""

RARE_LANGUAGE_SHARE = 0.01


@dataclass(slots=True)
class _Tally:
    """Counts of one attribute while tickets come in."""

    kind: str
    order: tuple[str, ...]
    labelled: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    training: Counter[str] = field(default_factory=Counter)
    codes: dict[str, int] = field(default_factory=dict)


class ProfileBuilder:
    """Takes tickets in batches and gives their profile. `kinds` maps each attribute to single, multi or ordered;
    `orders` the ordered ones to their labels from low to high.

    `languages_read` says where the `language` column comes from.
    """

    def __init__(
        self,
        kinds: Mapping[str, str],
        *,
        orders: Mapping[str, Sequence[str]] | None = None,
        languages_read: Fact = DETECTED_FOR_ALL,
    ) -> None:
        orders = orders or {}
        self._tallies = {name: _Tally(kind, tuple(orders.get(name, ()))) for name, kind in kinds.items()}
        self._languages_read = languages_read
        self._languages: Counter[str] = Counter()
        self._split: Counter[str] = Counter()
        self._tickets = 0
        self._empty = 0
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._text_hashes = GrowingArray(np.int64)
        self._codes = GrowingArray(np.uint16, width=max(1, min(len(kinds), CODES_KEPT) + (len(kinds) > CODES_KEPT)))
        self._lengths = GrowingArray(np.uint32)
        self._is_test = GrowingArray(np.bool_)
        self._sample = TicketSample(list(kinds))

    def label_count(self, attribute: str) -> int:
        """Different labels so far, for whoever bounds them."""
        return len(self._tallies[attribute].counts)

    def labels_of(self, attribute: str) -> set[str]:
        """The different labels of an attribute in the batches added so far. Raises KeyError for an attribute it was not
        made for."""
        return set(self._tallies[attribute].counts)

    def put_in_order(self, attribute: str, order: Sequence[str]) -> None:
        """Says the order of an ordered attribute's labels once all of them are known."""
        self._tallies[attribute].order = tuple(order)

    def add(self, batch: pa.RecordBatch, *, language_known: np.ndarray | None = None) -> None:
        """Counts the tickets of one batch: columns `subject`, `body`, `language`, `created_at`, `split` and
        `attribute:<name>`.

        `language_known` (bool, one a ticket) marks the tickets whose language was looked for; the others do not count
        in the languages' shares. Columns that are not there count as missing.
        """
        rows = batch.num_rows
        if rows == 0:
            return
        texts = joined_texts(batch)
        counted = _column(batch, TEXT_HASH)
        hashes = (text_hashes(batch) if counted is None else counted).to_numpy()
        self._text_hashes.extend(hashes)
        self._lengths.extend(pc.utf8_length(pc.utf8_trim_whitespace(texts)).to_numpy(zero_copy_only=False))
        self._tickets += rows
        self._empty += int((hashes == 0).sum())
        is_test = self._count_split(batch, rows)
        self._is_test.extend(is_test)
        self._count_languages(batch, language_known)
        self._count_times(batch)
        self._count_labels(batch, is_test)
        self._sample.offer(batch, texts)

    def _count_split(self, batch: pa.RecordBatch, rows: int) -> np.ndarray:
        column = _column(batch, "split")
        if column is None:
            return np.zeros(rows, dtype=bool)
        for entry in pc.value_counts(column).to_pylist():
            if entry["values"] is not None:
                self._split[entry["values"]] += entry["counts"]
        # Whatever is neither train nor empty ("test", "test_oos") is never learnt from.
        is_test = pc.fill_null(pc.not_equal(column, "train"), False)
        return is_test.to_numpy(zero_copy_only=False).astype(bool)

    def _count_languages(self, batch: pa.RecordBatch, known: np.ndarray | None) -> None:
        column = _column(batch, "language")
        if column is None:
            return
        if known is not None:
            column = column.filter(pa.array(known))
        for entry in pc.value_counts(column).to_pylist():
            self._languages[entry["values"] or "unknown"] += entry["counts"]

    def _count_times(self, batch: pa.RecordBatch) -> None:
        column = _column(batch, "created_at")
        if column is None:
            return
        ends = pc.min_max(column).as_py()
        if ends["min"] is not None:
            self._first = ends["min"] if self._first is None else min(self._first, ends["min"])
            self._last = ends["max"] if self._last is None else max(self._last, ends["max"])

    def _count_labels(self, batch: pa.RecordBatch, is_test: np.ndarray) -> None:
        rows = batch.num_rows
        training = pa.array(~is_test)
        everything_trains = not is_test.any()
        codes = np.zeros((rows, self._codes.width), dtype=np.uint16)
        for position, (name, tally) in enumerate(self._tallies.items()):
            column = _column(batch, f"attribute:{name}")
            if column is None:
                continue
            if tally.kind == "multi":
                tally.labelled += len(column) - column.null_count
                values, of_training = column.flatten(), column.filter(training).flatten()
                coded = _codes_of_sets(column)
            else:
                values, of_training = column.drop_null(), column.filter(training).drop_null()
                tally.labelled += len(values)
                coded = self._coded(tally, column)
            _count(tally.counts, values)
            if not everything_trains:
                _count(tally.training, of_training)
            else:
                _count(tally.training, values)
            if position < CODES_KEPT:
                codes[:, position] = coded
            else:
                codes[:, CODES_KEPT] = codes[:, CODES_KEPT] * np.uint16(31) + coded
        self._codes.extend(codes)

    @staticmethod
    def _coded(tally: _Tally, column: pa.Array) -> np.ndarray:
        encoded = column.dictionary_encode()
        table = np.zeros(len(encoded.dictionary) + 1, dtype=np.uint16)
        for index, label in enumerate(encoded.dictionary.to_pylist()):
            table[index] = tally.codes.setdefault(label, (len(tally.codes) + 1) & 0xFFFF)
        # A missing label is code 0: the last place of the table, which index -1 finds.
        indices = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
        return table[indices]

    def sample(self) -> tuple[list[str], dict[str, list[Any]]]:
        """Texts and labels by attribute of some thousand tickets, spread over all."""
        return self._sample.texts, self._sample.labels

    def finish(self) -> Profile:
        """The profile of all tickets added; the builder is not used afterwards. Raises ValueError when none was
        added."""
        if not self._tickets:
            raise ValueError("no tickets were added")
        attributes = tuple(self._attribute(name, tally) for name, tally in self._tallies.items())
        lengths = self._lengths.numbers
        duplicates = self._duplicates()
        looked_at = sum(self._languages.values())
        profile = Profile(
            tickets=self._tickets,
            languages=_shares(self._languages, looked_at, is_detected=self._languages_read.code in LANGUAGES_DETECTED),
            languages_read=self._languages_read,
            attributes=attributes,
            empty_tickets=self._empty,
            duplicate_tickets=duplicates.repeated,
            contradicting_duplicates=duplicates.contradicting,
            split=dict(self._split.most_common()),
            text_length=_quantiles(lengths),
            first_created_at=_iso(self._first),
            last_created_at=_iso(self._last),
            findings=(),
        )
        noticed = [
            *findings.of_tickets(profile, duplicates),
            *(
                finding
                for attribute in attributes
                for finding in findings.of_attribute(attribute, tickets=self._tickets)
            ),
            *findings.of_leaks(attributes, self._sample.texts, self._sample.labels, all_tickets=self._tickets),
        ]
        return dataclasses.replace(profile, findings=tuple(noticed))

    def _attribute(self, name: str, tally: _Tally) -> AttributeProfile:
        ranked = sorted(tally.counts.items(), key=lambda item: (-item[1], item[0]))
        return AttributeProfile.of_labels(
            name,
            kind=tally.kind,
            order=tally.order,
            labelled=tally.labelled,
            missing=self._tickets - tally.labelled,
            labels=[LabelCount(label, count, tally.training[label]) for label, count in ranked],
        )

    def _duplicates(self) -> findings.Duplicates:
        """Tickets whose text an earlier one has already, once case and blanks are made equal; empty ones are no
        duplicates."""
        hashes = self._text_hashes.numbers
        repeated = _repeated(hashes)
        if not len(repeated):
            return findings.Duplicates(0, 0, {}, 0)
        members_of_any = _places_of(repeated, hashes)
        # Stable, so that the first of each group is its first ticket.
        order = members_of_any[np.argsort(hashes[members_of_any], kind="stable")]
        ordered = hashes[order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        sizes = np.diff(np.r_[starts, len(order)])
        codes = self._codes.numbers
        is_test = self._is_test.numbers
        names = list(self._tallies)[:CODES_KEPT]
        by_attribute: Counter[str] = Counter()
        contradicting = leaked = 0
        for group in range(len(starts)):
            members = order[starts[group] : starts[group] + sizes[group]]
            differs = (codes[members] != codes[members[0]]).any(axis=0)
            if differs.any():
                contradicting += len(members)
                for position in np.flatnonzero(differs[: len(names)]):
                    by_attribute[names[position]] += len(members)
            tests = int(is_test[members].sum())
            if tests < len(members):
                leaked += tests
        return findings.Duplicates(int((sizes - 1).sum()), contradicting, dict(by_attribute), leaked)


class TicketSample:
    """Texts and labels of about SAMPLE_TICKETS tickets, spread evenly over all that were offered.

    Every stride-th ticket is kept; when there are too many, every second one is dropped and the stride doubles. The
    same tickets in the same order give the same sample, however they were batched.
    """

    def __init__(self, attributes: Sequence[str]) -> None:
        self.texts: list[str] = []
        self.labels: dict[str, list[Any]] = {name: [] for name in attributes}
        self._seen = 0
        self._stride = 1

    def offer(self, batch: pa.RecordBatch, texts: pa.Array) -> None:
        """Takes every so many-th ticket of the batch, whose `texts` are given beside it in the same order: evenly from
        all batches, whatever their number, and never more than twice SAMPLE_TICKETS."""
        first = -self._seen % self._stride
        picked = pa.array(np.arange(first, batch.num_rows, self._stride))
        self._seen += batch.num_rows
        self.texts += map(sampled_text, texts.take(picked).to_pylist())
        for name, kept in self.labels.items():
            column = _column(batch, f"attribute:{name}")
            kept += [None] * len(picked) if column is None else column.take(picked).to_pylist()
        while len(self.texts) > 2 * SAMPLE_TICKETS:
            self._stride *= 2
            self.texts = self.texts[::2]
            self.labels = {name: kept[::2] for name, kept in self.labels.items()}


def sampled_text(text: str) -> str:
    """Of a text what a sample keeps of it: its beginning and its end, as lines of their own."""
    if len(text) <= SAMPLE_CHARACTERS:
        return text
    return f"{text[: SAMPLE_CHARACTERS - SAMPLE_END_CHARACTERS - 1]}\n{text[-SAMPLE_END_CHARACTERS:]}"


def joined_texts(batch: pa.RecordBatch) -> pa.Array:
    """Subject, newline, body of each ticket (string, never null): what duplicates, lengths and languages are found
    in."""
    empty = pa.scalar("", pa.string())
    parts = [
        pc.fill_null(column, empty) for name in ("subject", "body") if (column := _column(batch, name)) is not None
    ]
    if not parts:
        return pa.array([""] * batch.num_rows, pa.string())
    if len(parts) == 1:
        return parts[0]
    return pc.binary_join_element_wise(*parts, "\n")


TEXT_HASH = "text_hash"
"""A column that may be with a batch already; it is not stored."""


def text_hashes(batch: pa.RecordBatch) -> pa.Array:
    """A hash of each ticket's text (int64), equal for texts that differ in case and blanks only; 0 where there is
    none."""
    texts = joined_texts(batch)
    # Python's own hash is 64-bit SipHash with a key of this process (and those it forks): quick, and nobody can aim for
    # collisions.
    return pa.array([hash(text) if text else 0 for text in normal_texts(texts)], pa.int64())


ROWS_AT_A_TIME = 1 << 18


def _repeated(hashes: np.ndarray) -> np.ndarray:
    """The hashes of texts that stand more than once, ascending, each once."""
    ordered = np.sort(hashes)
    found = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    return found[found != 0]


def _places_of(wanted: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    """Where any of the `wanted` (ascending) stands, ascending; without an array of all places, which would be as large
    as the hashes."""
    found = []
    for start in range(0, len(hashes), ROWS_AT_A_TIME):
        some = hashes[start : start + ROWS_AT_A_TIME]
        nearest = np.minimum(np.searchsorted(wanted, some), len(wanted) - 1)
        found.append(start + np.flatnonzero(wanted[nearest] == some))
    return np.concatenate(found)


_BETWEEN = "\x1f"
"""Between labels of a set; no label holds a control character."""


def code_of_labels(text: str) -> int:
    """A 16-bit code from 1, for telling sets of labels apart: two different sets are taken for equal once in 65 535
    times."""
    return zlib.crc32(text.encode()) % 0xFFFF + 1


def _codes_of_sets(column: pa.Array) -> np.ndarray:
    """The code of each ticket's labels, 0 where there are none. Combinations return: each is looked at once."""
    encoded = pc.fill_null(pc.binary_join(column, _BETWEEN), "").dictionary_encode()
    sets = [_BETWEEN.join(sorted(labels.split(_BETWEEN))) for labels in encoded.dictionary.to_pylist()]
    table = np.array([code_of_labels(labels) if labels else 0 for labels in sets], dtype=np.uint16)
    return table[encoded.indices.to_numpy()] if len(table) else np.zeros(len(column), dtype=np.uint16)


def _count(into: Counter[str], values: pa.Array) -> None:
    for entry in pc.value_counts(values).to_pylist():
        if entry["values"] is not None:
            into[entry["values"]] += entry["counts"]


def _column(batch: pa.RecordBatch, name: str) -> pa.Array | None:
    index = batch.schema.get_field_index(name)
    return None if index < 0 else batch.column(index)


def _shares(languages: Counter[str], looked_at: int, *, is_detected: bool) -> dict[str, float]:
    """Shares from most to least. Detected languages that are rare are one "other": on short texts most of them are
    mistakes."""
    shares: dict[str, float] = {}
    for language, count in languages.most_common():
        is_rare = is_detected and language != "unknown" and count < RARE_LANGUAGE_SHARE * looked_at
        name = "other" if is_rare else language
        shares[name] = shares.get(name, 0.0) + count / looked_at
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _quantiles(lengths: np.ndarray) -> dict[str, int]:
    values = np.quantile(lengths, [0, 0.1, 0.5, 0.9, 0.99, 1], method="nearest")
    return dict(zip(("minimum", "p10", "median", "p90", "p99", "maximum"), map(int, values), strict=True))


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(UTC).isoformat()
