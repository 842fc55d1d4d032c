from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from otai.learning.data.normalisation import HEAD_CHARACTERS, normalise
from otai.learning.features import text as features_module
from otai.learning.features.text import TextFeatures, tokens_of
from tests.learning.made_up import made_up_tickets

pytestmark = pytest.mark.pure

TEXTS = [
    "printer on fire",
    "the printer is on fire again",
    "invoice 4711 is wrong",
    "wrong invoice, wrong amount",
    "a b a b",
]


def test_words_and_bigrams_weigh_what_scikit_learn_makes_of_them() -> None:
    theirs = TfidfVectorizer(
        tokenizer=tokens_of, token_pattern=None, lowercase=False, ngram_range=(1, 2), sublinear_tf=True
    ).fit_transform(TEXTS)
    features, ours = TextFeatures.fit(TEXTS, min_tickets=1)
    ours = ours[:, : len(features.word_hashes)]
    assert ours.shape == theirs.shape
    # Columns stand in another order, so what is compared is all that a linear model can see: the inner products.
    np.testing.assert_allclose((ours @ ours.T).toarray(), (theirs @ theirs.T).toarray(), atol=1e-6)


def test_ngrams_weigh_what_scikit_learn_makes_of_them() -> None:
    ngrams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    theirs = ngrams.fit_transform([" ".join(tokens_of(text)) for text in TEXTS])
    features, ours = TextFeatures.fit(TEXTS, min_tickets=1)
    ours = ours[:, len(features.word_hashes) :]
    np.testing.assert_allclose((ours @ ours.T).toarray(), (theirs @ theirs.T).toarray(), atol=1e-6)


def test_a_feature_in_too_few_tickets_is_left_out() -> None:
    features, _ = TextFeatures.fit(TEXTS, min_tickets=2)
    counts = CountVectorizer(tokenizer=tokens_of, token_pattern=None, ngram_range=(1, 2)).fit_transform(TEXTS)
    assert len(features.word_hashes) == int(((counts > 0).sum(axis=0) >= 2).sum())


def test_transforming_the_same_texts_gives_the_same_matrix() -> None:
    texts = made_up_tickets(60).texts
    features, fitted = TextFeatures.fit(texts)
    assert (features.transform(texts) != fitted).nnz == 0


@pytest.mark.parametrize("tickets_at_once", [7, 25, 59])
def test_many_tickets_are_counted_a_few_at_a_time(tickets_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = made_up_tickets(60).texts
    whole, expected = TextFeatures.fit(texts)
    monkeypatch.setattr(features_module, "CHUNK_TICKETS", tickets_at_once)
    features, matrix = TextFeatures.fit(texts)
    assert np.array_equal(features.hashes, whole.hashes) and np.array_equal(features.ngram_idf, whole.ngram_idf)
    assert (matrix != expected).nnz == 0


def test_a_ticket_is_the_same_alone_and_among_others() -> None:
    texts = made_up_tickets(60).texts
    features, _ = TextFeatures.fit(texts)
    together = features.transform(texts)
    for row in (0, 17, 59):
        assert (features.transform([texts[row]]) != together[row]).nnz == 0


def test_no_texts_give_an_empty_matrix() -> None:
    features, _ = TextFeatures.fit(TEXTS)
    assert features.transform([]).shape == (0, features.width)


def test_case_and_unicode_form_do_not_matter() -> None:
    assert tokens_of("MÜLLER") == tokens_of("mu\u0308ller".replace("u\u0308", "ü")) == tokens_of("Mu\u0308ller")


def test_a_very_long_ticket_is_read_from_both_ends() -> None:
    text = "start " + "log " * 100_000 + "end"
    tokens = tokens_of(text)
    assert tokens[0] == "start" and tokens[-1] == "end"
    assert len(normalise(text)) < HEAD_CHARACTERS * 2


def test_unknown_words_count_for_nothing() -> None:
    features, _ = TextFeatures.fit(TEXTS, min_tickets=1)
    assert features.transform(["Ωψξ Ωψξ"]).nnz == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=6))
def test_any_text_gives_rows_of_length_one_or_zero_in_each_block(texts: list[str]) -> None:
    features, matrix = TextFeatures.fit(texts, min_tickets=1)
    assert (features.transform(texts) != matrix).nnz == 0
    words = len(features.word_hashes)
    for block in (matrix[:, :words], matrix[:, words:]):
        lengths = np.sqrt(np.asarray(block.multiply(block).sum(axis=1)).ravel())
        assert np.all((np.abs(lengths - 1) < 1e-4) | (lengths == 0))


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=400))
def test_binary_junk_is_read_without_complaint(junk: bytes) -> None:
    TextFeatures.fit([junk.decode("latin-1"), junk.decode("utf-8", "surrogateescape")], min_tickets=1)
