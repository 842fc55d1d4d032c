"""Which encoders, by language: multilingual by default, English beside it where English dominates, always with a
reason."""

from __future__ import annotations

import pytest

from otai.learning.features.encoder_choice import encoders_for

pytestmark = pytest.mark.pure
PACKAGED = ("use-multilingual", "minilm-en")
ALL = (*PACKAGED, "multilingual-e5-small")


@pytest.mark.parametrize(
    ("languages", "present", "names"),
    [
        ({"en": 1.0}, PACKAGED, ("use-multilingual", "minilm-en")),
        ({"en": 1.0}, ("use-multilingual",), ("use-multilingual",)),
        ({"en": 1.0}, ("minilm-en",), ("use-multilingual", "minilm-en")),
        ({"en": 0.5, "de": 0.5}, ALL, ("use-multilingual",)),
        ({"de": 1.0}, ALL, ("use-multilingual",)),
        ({"en": 0.85, None: 0.15}, ALL, ("use-multilingual", "minilm-en")),
        ({"cs": 0.6, "de": 0.4}, ALL, ("multilingual-e5-small",)),
        ({"cs": 0.6, "de": 0.4}, PACKAGED, ("use-multilingual",)),
        ({"cs": 0.05, "de": 0.95}, ALL, ("use-multilingual",)),
        ({"en": 0.85, "da": 0.15}, ALL, ("multilingual-e5-small", "minilm-en")),
        ({}, ALL, ("use-multilingual",)),
        ({None: 1.0}, ALL, ("use-multilingual",)),
        ({"tlh": 1.0}, ALL, ("use-multilingual",)),
    ],
)
def test_encoders_follow_the_languages(
    languages: dict[str | None, float], present: tuple[str, ...], names: tuple[str, ...]
) -> None:
    assert encoders_for(languages, present=present).names == names


def test_the_reason_names_shares_languages_and_what_would_help() -> None:
    [why] = encoders_for({"cs": 0.6, "de": 0.4}, present=PACKAGED).why
    assert why.code == "encoder_other_not_there" and why.values["other"] == "multilingual-e5-small"
    assert (why.values["share"], why.values["languages"]) == (0.6, ["cs"])
    why = encoders_for({"en": 0.9, "de": 0.1}, present=ALL).why[-1]
    assert (why.code, why.values["share"]) == ("encoder_added_for_english", 0.9)


def test_the_choice_does_not_depend_on_how_shares_are_counted() -> None:
    assert encoders_for({"en": 90, "de": 10}, present=ALL) == encoders_for({"en": 0.9, "de": 0.1}, present=ALL)


def test_no_english_encoder_where_other_languages_are_expected() -> None:
    choice = encoders_for({"en": 1.0}, present=ALL, expected=["de", "en"])
    assert choice.names == ("use-multilingual",)
    assert choice.why[-1].values == {"languages": ["de"]}
    assert encoders_for({"en": 1.0}, present=ALL, expected=["en"]).names == ("use-multilingual", "minilm-en")
