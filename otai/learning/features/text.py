"""Words and character n-grams, counted once for every attribute of a run.

The features are the usual ones for short texts: single words, bigrams of neighbouring words, and the n-grams of two to
five characters inside each word (these survive typing errors and compound nouns). What is unusual is how they are
counted: a ticket repeats words that other tickets use too, so n-grams are cut from each *distinct* word only, and a
sparse product carries them over to the tickets. A feature is known by a 64-bit hash, its feature hash, so a model holds
no word of any ticket, and looking features up is one search in a sorted array.

Read `TextFeatures.fit` first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from otai.learning.arrays import Counts, Floats, Hashes, Indices, Mask, Matrix, Rows
from otai.learning.data.normalisation import normalise

# Longer than any word of any language that is not a base64 line or an URL.
WORD_CHARACTERS = 40

# Tickets counted at once: bounds the memory of the n-gram counts before rare ones are dropped.
CHUNK_TICKETS = 4_096

_TOKEN = re.compile(r"\w+|[^\w\s]+")
_BASE = np.uint64(0x9E3779B97F4A7C15)
_SALTS = {"word": np.uint64(0x1B873593C2B2AE35), "bigram": np.uint64(0xCC9E2D5185EBCA6B)}


def tokens_of(text: str) -> list[str]:
    """Words and runs of punctuation, in order; each at most `WORD_CHARACTERS` long."""
    return _TOKEN.findall(normalise(text))


def _mixed(values: Hashes) -> Hashes:
    """Spreads every input bit over all 64 output bits (the finaliser of splitmix64, Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


@dataclass(frozen=True)
class _Words:
    """The distinct words of some tickets. `codes` are the code points of " word " after " word ", laid end to end."""

    words: list[str]
    codes: Hashes
    starts: Indices
    lengths: Counts

    @classmethod
    def of(cls, words: list[str]) -> _Words:
        padded = [f" {word[:WORD_CHARACTERS]} " for word in words]
        codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        lengths = np.fromiter(map(len, padded), dtype=np.int64, count=len(padded))
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64) if padded else lengths
        return cls(words, codes.astype(np.uint64), starts, lengths)

    def word_hashes(self) -> Hashes:
        """One hash a word, shape (words,)."""
        if not self.words:
            return np.zeros(0, np.uint64)
        powers = np.multiply.accumulate(np.full(WORD_CHARACTERS + 2, _BASE))
        position = np.arange(len(self.codes)) - np.repeat(self.starts, self.lengths)
        return _mixed(np.add.reduceat(self.codes * powers[position], self.starts))

    def ngram_hashes(self, shortest: int, longest: int) -> tuple[Indices, Hashes]:
        """All n-grams of all words: (word number, hash of the n-gram), one entry for each occurrence in the word.

        A word shorter than a length (with its two blanks) counts as one whole n-gram of its own length.
        """
        total = len(self.codes)
        owner = np.repeat(np.arange(len(self.words)), self.lengths)
        room = np.repeat(self.starts + self.lengths, self.lengths) - np.arange(total)
        owners, hashes = [np.zeros(0, np.int64)], [np.zeros(0, np.uint64)]
        running = np.zeros(total, np.uint64)
        for length in range(1, min(longest, total) + 1):
            shifted = np.zeros(total, np.uint64)
            shifted[: total - length + 1] = self.codes[length - 1 :]
            running = running * _BASE + shifted
            if length >= shortest:
                fits = room >= length
                owners.append(owner[fits])
                hashes.append(_mixed(running[fits] + np.uint64(length)))
        return np.concatenate(owners), np.concatenate(hashes)


@dataclass(frozen=True)
class TokenCounts:
    """Tokens of some tickets as numbers: ticket t has words `numbers[bounds[t]:bounds[t + 1]]`."""

    words: _Words
    numbers: Indices
    bounds: Indices

    @classmethod
    def of(cls, texts: Sequence[str]) -> TokenCounts:
        """The token counts of the texts, each of which is read once; numbers are given in the order of first
        appearance."""
        known: dict[str, int] = {}
        numbers: list[int] = []
        bounds = [0]
        for text in texts:
            numbers.extend([known.setdefault(token, len(known)) for token in tokens_of(text)])
            bounds.append(len(numbers))
        return cls(_Words.of(list(known)), np.asarray(numbers, np.int64), np.asarray(bounds, np.int64))

    @property
    def tickets(self) -> Rows:
        """The ticket of each token, shape (tokens,)."""
        return np.repeat(np.arange(len(self.bounds) - 1), np.diff(self.bounds))

    def batches(self) -> Iterator[TokenCounts]:
        """A few thousand tickets at a time, all knowing the same words."""
        for start in range(0, max(len(self.bounds) - 1, 1), CHUNK_TICKETS):
            bounds = self.bounds[start : start + CHUNK_TICKETS + 1]
            yield TokenCounts(self.words, self.numbers[bounds[0] : bounds[-1]], bounds - bounds[0])


def _counts(rows: Indices, columns: Indices, shape: tuple[int, int]) -> sparse.csr_matrix:
    """How often each (row, column) occurs."""
    ones = np.ones(len(rows), np.float32)
    return sparse.coo_matrix((ones, (rows, columns)), shape=shape).tocsr()


def _found(hashes: Hashes, vocabulary: Hashes) -> tuple[Indices, Mask]:
    """Where each hash stands in the sorted vocabulary, and whether it is there at all."""
    if not len(vocabulary):
        return np.zeros(len(hashes), np.int64), np.zeros(len(hashes), np.bool_)
    at = np.minimum(np.searchsorted(vocabulary, hashes), len(vocabulary) - 1)
    return at, vocabulary[at] == hashes


@dataclass(frozen=True)
class TextFeatures:
    """A fitted vocabulary: what each feature is (its hash) and how telling it is (its idf).

    Two blocks stand side by side, `words` (single and bigrams) and `ngrams`; each ticket has length one in
    each of them, so that neither drowns the other. Arrays: hashes sorted, uint64; idf float32 of the same length.
    """

    word_hashes: Hashes
    word_idf: Matrix
    ngram_hashes: Hashes
    ngram_idf: Matrix
    shortest_ngram: int = 2
    longest_ngram: int = 5

    @property
    def width(self) -> int:
        """Number of columns of the feature matrix."""
        return len(self.word_hashes) + len(self.ngram_hashes)

    @property
    def hashes(self) -> Hashes:
        """One hash for each column, words first."""
        return np.concatenate([self.word_hashes, self.ngram_hashes])

    @classmethod
    def fit(
        cls,
        texts: Sequence[str] | TokenCounts,
        *,
        min_tickets: int = 2,
        shortest_ngram: int = 2,
        longest_ngram: int = 5,
    ) -> tuple[TextFeatures, sparse.csr_matrix]:
        """Chooses the features from `texts` (those found in `min_tickets` tickets or more) and counts them.

        Whoever may have to choose twice counts the tokens first, with `TokenCounts.of`.

        Returns the vocabulary and the matrix of these very texts, float32, shape (tickets, width).
        """
        counted = texts if isinstance(texts, TokenCounts) else TokenCounts.of(texts)
        tickets = len(counted.bounds) - 1
        word_hashes, tickets_with_word = _frequent_words(counted, min_tickets)
        ngrams = _CharacterNgrams.of(counted, min_tickets, shortest_ngram, longest_ngram)
        features = cls(
            word_hashes=word_hashes,
            word_idf=_idf(tickets_with_word, tickets),
            ngram_hashes=ngrams.hashes,
            ngram_idf=_idf(ngrams.tickets_with, tickets),
            shortest_ngram=shortest_ngram,
            longest_ngram=longest_ngram,
        )
        entries = int(tickets_with_word.sum() + ngrams.tickets_with.sum())
        batches = (
            features._weighted(features._known_words(batch), counts)
            for batch, counts in zip(counted.batches(), ngrams.counts(counted), strict=True)
        )
        return features, _stacked(batches, tickets, features.width, entries)

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """The feature matrix of new texts, float32, shape (tickets, width). Unknown words count for nothing."""
        return self.read(texts)[0]

    def read(self, texts: Sequence[str]) -> tuple[sparse.csr_matrix, Floats]:
        """The feature matrix, and which share of each text's words is known here (1 where it has none), shape
        (tickets,)."""
        batches, shares = [], []
        for start in range(0, max(len(texts), 1), CHUNK_TICKETS):
            counted = TokenCounts.of(texts[start : start + CHUNK_TICKETS])
            batches.append(self._weighted(self._known_words(counted), self._known_ngrams(counted)))
            shares.append(self._known_share(counted))
        matrix = batches[0] if len(batches) == 1 else sparse.vstack(batches, format="csr", dtype=np.float32)
        return matrix, np.concatenate(shares)

    def _known_share(self, counted: TokenCounts) -> Floats:
        # Numbers and punctuation are the same in every language.
        spelt = np.fromiter((word[0].isalpha() for word in counted.words.words), np.bool_, len(counted.words.words))
        known = _found(counted.words.word_hashes(), self.word_hashes)[1] & spelt
        tickets, count = counted.tickets, len(counted.bounds) - 1
        words = np.bincount(tickets, weights=spelt[counted.numbers], minlength=count)
        found = np.bincount(tickets, weights=known[counted.numbers], minlength=count)
        return np.where(words > 0, found / np.maximum(words, 1), 1.0)

    def _known_words(self, counted: TokenCounts) -> sparse.csr_matrix:
        rows, hashes = _word_and_bigram_hashes(counted)
        at, known = _found(hashes, self.word_hashes)
        return _counts(rows[known], at[known], (len(counted.bounds) - 1, len(self.word_hashes)))

    def _known_ngrams(self, counted: TokenCounts) -> sparse.csr_matrix:
        owners, hashes = counted.words.ngram_hashes(self.shortest_ngram, self.longest_ngram)
        at, known = _found(hashes, self.ngram_hashes)
        ngrams = _counts(owners[known], at[known], (len(counted.words.words), len(self.ngram_hashes)))
        return _word_counts(counted) @ ngrams

    def _weighted(self, words: sparse.csr_matrix, ngrams: sparse.csr_matrix) -> sparse.csr_matrix:
        blocks = [_tf_idf(words, self.word_idf), _tf_idf(ngrams, self.ngram_idf)]
        return sparse.hstack(blocks, format="csr", dtype=np.float32)


NO_FEATURES = TextFeatures(
    np.zeros(0, np.uint64), np.zeros(0, np.float32), np.zeros(0, np.uint64), np.zeros(0, np.float32)
)
"""The vocabulary of a model that reads no words."""


def _word_counts(counted: TokenCounts) -> sparse.csr_matrix:
    """Tickets by distinct words, shape (tickets, words)."""
    return _counts(counted.tickets, counted.numbers, (len(counted.bounds) - 1, len(counted.words.words)))


def _word_and_bigram_hashes(counted: TokenCounts) -> tuple[Rows, Hashes]:
    """Every word and every bigram of every ticket: (ticket, hash), one entry for each occurrence."""
    tickets = counted.tickets
    single = counted.words.word_hashes()[counted.numbers]
    neighbours = tickets[1:] == tickets[:-1]
    left, right = single[:-1][neighbours], single[1:][neighbours]
    bigram = _mixed(left * _BASE + (right ^ _SALTS["bigram"]))
    return np.concatenate([tickets, tickets[1:][neighbours]]), np.concatenate([single, bigram])


def _frequent_words(counted: TokenCounts, min_tickets: int) -> tuple[Hashes, Counts]:
    """The words and bigrams that are in enough tickets: (sorted hashes, in how many tickets each is)."""
    vocabulary, seen = np.unique(_word_and_bigram_hashes(counted)[1], return_counts=True)
    # Seen fewer times than `min_tickets` is certainly in fewer tickets: most bigrams go here, before any matrix.
    vocabulary = vocabulary[seen >= min_tickets]
    tickets_with = np.zeros(len(vocabulary), np.int64)
    for batch in counted.batches():
        rows, hashes = _word_and_bigram_hashes(batch)
        at, known = _found(hashes, vocabulary)
        shape = (len(batch.bounds) - 1, len(vocabulary))
        tickets_with += _tickets_with(_counts(rows[known], at[known], shape))
    enough = tickets_with >= min_tickets
    return vocabulary[enough], tickets_with[enough]


@dataclass(frozen=True)
class _CharacterNgrams:
    """The n-grams that are in enough tickets; `in_words` counts them in each distinct word, shape (words, n-grams).

    `kept` holds the tickets' own counts where these are few enough to keep; otherwise they are counted once more.
    """

    hashes: Hashes
    tickets_with: Counts
    in_words: sparse.csr_matrix
    kept: list[sparse.csr_matrix]

    @classmethod
    def of(cls, counted: TokenCounts, min_tickets: int, shortest: int, longest: int) -> _CharacterNgrams:
        owners, hashes = counted.words.ngram_hashes(shortest, longest)
        vocabulary, at = np.unique(hashes, return_inverse=True)
        tickets_with_word = np.zeros(len(counted.words.words), np.int64)
        for batch in counted.batches():
            tickets_with_word += _tickets_with(_word_counts(batch))
        # An n-gram is in no more tickets than its words are, taken together: most rare ones go before the product.
        at_most = np.bincount(at, weights=tickets_with_word[owners], minlength=len(vocabulary))
        often = at_most >= min_tickets
        chosen = often[at]
        shape = (len(counted.words.words), int(often.sum()))
        in_words = _counts(owners[chosen], (np.cumsum(often) - 1)[at[chosen]], shape)
        tickets_with, kept = np.zeros(shape[1], np.int64), []
        few = len(counted.bounds) - 1 <= 2 * CHUNK_TICKETS
        for batch in counted.batches():
            counts = _word_counts(batch) @ in_words
            tickets_with += _tickets_with(counts)
            if few:
                kept.append(counts)
        enough = tickets_with >= min_tickets
        if not enough.all():
            in_words = _with_columns(in_words, enough)
            kept = [_with_columns(counts, enough) for counts in kept]
        return cls(vocabulary[often][enough], tickets_with[enough], in_words, kept)

    def counts(self, counted: TokenCounts) -> Iterator[sparse.csr_matrix]:
        """How often each n-gram is in each ticket, a few thousand tickets at a time."""
        if self.kept:
            yield from self.kept
        else:
            yield from (_word_counts(batch) @ self.in_words for batch in counted.batches())


def _stacked(batches: Iterator[sparse.csr_matrix], rows: int, columns: int, entries: int) -> sparse.csr_matrix:
    """The batches one below the other, written straight into their place: joining them afterwards needed the memory
    twice."""
    values, indices = np.empty(entries, np.float32), np.empty(entries, np.int32)
    # Of one type with the indices, or scipy would widen those.
    bounds = np.zeros(rows + 1, np.int32 if entries < 2**31 else np.int64)
    row = entry = 0
    for batch in batches:
        values[entry : entry + batch.nnz], indices[entry : entry + batch.nnz] = batch.data, batch.indices
        bounds[row + 1 : row + batch.shape[0] + 1] = entry + batch.indptr[1:]
        row, entry = row + batch.shape[0], entry + batch.nnz
    assert (row, entry) == (rows, entries)
    return sparse.csr_matrix((values, indices, bounds), shape=(rows, columns))


def _tickets_with(counts: sparse.csr_matrix) -> Counts:
    """In how many tickets each column occurs, shape (columns,)."""
    return np.bincount(counts.indices, minlength=counts.shape[1])


def _with_columns(counts: sparse.csr_matrix, wanted: Mask) -> sparse.csr_matrix:
    """Only the wanted columns; scipy's own indexing takes several times as long."""
    renumbered = (np.cumsum(wanted) - 1).astype(counts.indices.dtype)
    chosen = wanted[counts.indices]
    bounds = np.concatenate([[0], np.cumsum(chosen)])[counts.indptr]
    shape = (counts.shape[0], int(wanted.sum()))
    return sparse.csr_matrix((counts.data[chosen], renumbered[counts.indices[chosen]], bounds), shape=shape)


def _idf(tickets_with: Counts, tickets: int) -> Matrix:
    """Smoothed inverse document frequency, as scikit-learn has it: ln((1 + n) / (1 + df)) + 1."""
    return (np.log((1 + tickets) / (1 + tickets_with)) + 1).astype(np.float32)


def _tf_idf(counts: sparse.csr_matrix, idf: Matrix) -> sparse.csr_matrix:
    """Each row (1 + ln count) times idf, scaled to length one; empty rows stay zero."""
    counts.sort_indices()
    values = (1 + np.log(counts.data)) * idf[counts.indices]
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    lengths = np.sqrt(np.bincount(rows, weights=values.astype(np.float64) ** 2, minlength=counts.shape[0]))
    values = (values / lengths[rows]).astype(np.float32)
    return sparse.csr_matrix((values, counts.indices, counts.indptr), shape=counts.shape)
