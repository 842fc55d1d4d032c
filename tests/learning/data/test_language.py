from __future__ import annotations

import pytest

from otai.learning.data.language import detect_language, detect_languages

pytestmark = pytest.mark.pure

ENGLISH = "My laptop does not start any more since the update, could somebody please have a look at it?"
GERMAN = "Mein Laptop startet seit dem Update nicht mehr, könnte bitte jemand nachsehen?"
FRENCH = "Mon ordinateur ne démarre plus depuis la mise à jour, quelqu'un pourrait-il regarder ?"


def test_whole_sentences_are_told_apart() -> None:
    assert detect_languages([ENGLISH, GERMAN, FRENCH]) == ["en", "de", "fr"]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "   ",
        "ok",
        "VPN",
        "12345 67890 12345",
        "https://example.com/a/b/c?d=e",
        "!!! ??? ...",
        "\x00\x01\x02" * 20,
    ],
)
def test_what_is_no_language_is_unknown(text: str | None) -> None:
    assert detect_language(text) is None


def test_the_order_of_texts_is_kept_around_unknown_ones() -> None:
    assert detect_languages([None, GERMAN, "", ENGLISH, "ok"]) == [None, "de", None, "en", None]


def test_a_text_of_any_length_is_answered() -> None:
    assert detect_language(ENGLISH * 10_000) == "en"


def test_nothing_gives_nothing() -> None:
    assert detect_languages([]) == []
