"""Tickets without an id of their own: what they are called is stored once and said in every language."""

from __future__ import annotations

import pytest

from otai.tickets import own_ids

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("id", "german", "french"),
    [
        ("row 107", "Zeile 107", "ligne 107"),
        (f"{own_ids.prefix(file=2)}row 3", "Datei 2, Zeile 3", "fichier 2, ligne 3"),
        (f"{own_ids.prefix(file=2, after_version=4)}row 3", "Version 5, Datei 2, Zeile 3", None),
        (f"{own_ids.prefix(after_version=1)}row 3", "Version 2, Zeile 3", "version 2, ligne 3"),
        (own_ids.of_feedback("019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6b"), "Rückmeldung 1c2d3e4f5a6b", None),
        ("4711 (row 9)", "4711 (Zeile 9)", "4711 (ligne 9)"),
        # Of the customer's own ids none is touched.
        ("rowing 107", "rowing 107", "rowing 107"),
        ("INC row 3", "INC row 3", "INC row 3"),
    ],
)
def test_what_we_called_a_ticket_is_said_in_the_readers_language(id: str, german: str, french: str | None) -> None:
    assert own_ids.said(id) == id
    assert own_ids.said(id, language="de") == german
    assert french is None or own_ids.said(id, language="fr") == french
