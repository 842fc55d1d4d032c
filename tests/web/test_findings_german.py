"""What stands out in a data set or a training, in German: every code that is made has its sentence, with the numbers of the evidence."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from django.utils import translation

import otai
from otai.learning.data.profile import DataFinding
from otai.learning.finding import Finding as CardFinding
from otai.orgs.permissions import Role
from otai.tickets import queries as tickets
from otai.web.finding_words import CARD, DATA, advice, card_message, message
from tests import stories
from tests.web.visitors import member_of, of

ROOT = Path(otai.__file__).parent
OF_DATA = [ROOT / "learning" / "data" / "profile_findings.py", *(ROOT / "tickets").rglob("*.py")]


def codes(paths: list[Path]) -> Iterator[str]:
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Finding", "DataFinding") and node.args:
                yield ast.literal_eval(node.args[0])


@pytest.mark.pure
def test_every_finding_that_is_made_is_known_in_german() -> None:
    of_data = set(codes(OF_DATA))
    of_cards = set(codes([path for path in (ROOT / "learning").rglob("*.py") if path not in OF_DATA]))
    assert len(of_data) > 20 and len(of_cards) > 15
    assert of_data == set(DATA), "otai/web/finding_words.py, DATA"
    assert of_cards == set(CARD), "otai/web/finding_words.py, CARD"


WRITTEN = {
    "empty_tickets": ("7 tickets have no text and were not learnt from.", ["7"]),
    "duplicates_across_split": (
        "12 training tickets have the same text as a test ticket and were not learnt from.",
        ["12"],
    ),
    "small_holdout": ("Measured on 90 tickets only: mind the width of the intervals.", ["90"]),
    "labels_left_out": (
        "queue: 2 labels were left out, with fewer than 5 training tickets each ('fax (old)', 'telex'; 7 tickets). The model never predicts them.",
        ["als 5 Trainings-Tickets: 2", "'fax (old)', 'telex'; Tickets: 7"],
    ),
    "mostly_unlabelled": ("queue: 80 of 120 training tickets have no label to learn from.", ["80 von 120"]),
    "words_were_enough": (
        "queue: sentence vectors changed the mean of accuracy and macro F1 by +0.4 points (-0.2 to +1.1) on tickets kept back from training. Basic, "
        "the cheaper mode, is enough for this attribute.",
        ["+0,4 Punkte", "(-0,2 bis +1,1)"],
    ),
    "no_better_than_majority": (
        "queue: the model is not measurably better than always answering 'network' (61.5% right). The texts may not say what decides this attribute.",
        ["„network“", "61,5 %"],
    ),
    "labels_never_predicted": (
        "queue: never predicted on the holdout: 'fax', 'telex'. More tickets of these would help.",
        ["'fax', 'telex'"],
    ),
    "labels_confused": (
        "queue: 9 tickets of 'fax' were taken for 'scan'. Do people tell the two apart?",
        ["9 Tickets", "„fax“", "„scan“"],
    ),
    "labels_suspected": (
        "queue: 8 of 400 tickets examined look wrongly labelled. Look at the 8 likeliest in the report card before adding tickets.",
        ["8 von 400"],
    ),
    "business_is_enough": (
        "queue: fine-tuning changed the mean of accuracy and macro F1 by +0.1 points (95 % interval -0.5 to +0.8) on tickets kept back from training. The "
        "fine-tuned networks were left out: Business, the cheaper mode, is enough for this data.",
        ["+0,1 Punkte", "(-0,5 bis +0,8)"],
    ),
    "hierarchy": (
        "topic: 98.5% of its tickets go with one queue for each label, so the two are predicted together and agree.",
        ["98,5 %", "queue"],
    ),
}


@pytest.mark.pure
@pytest.mark.parametrize("code", sorted(CARD))
def test_a_report_cards_finding_keeps_its_numbers_or_says_what_it_means(code: str) -> None:
    written, facts = WRITTEN.get(code, ("Reworded since.", []))
    with translation.override("de"):
        said = card_message(CardFinding(code, "note", written, "queue"))
        assert [fact for fact in facts if fact not in said] == []
        reworded = card_message(CardFinding(code, "note", "Reworded since.", "queue"))
        assert reworded not in ("", "Reworded since.") and "%" not in reworded
    with translation.override("en"):
        assert card_message(CardFinding(code, "note", written, "queue")) == written


@pytest.mark.pure
def test_a_finding_without_its_numbers_is_said_as_it_was_written() -> None:
    with translation.override("de"):
        assert message(DataFinding("rare_labels", "queue", "As written.", "Do this.")) == "As written."
        assert message(DataFinding("weather", None, "As written.", "Do this.")) == "As written."
        assert advice(DataFinding("weather", None, "As written.", "Do this.")) == "Do this."


@pytest.mark.django_db
def test_a_german_data_set_page_says_what_stands_out_in_german(tmp_path: Path, now: datetime) -> None:
    acme = stories.acme(now)
    lines = stories.write_tickets(tmp_path / "usual.csv", tickets=120).read_text().splitlines()
    rows = [*lines[1:], lines[1], *(f"Fax {n},,rare{n},low" for n in range(2))]
    source = tmp_path / "support.csv"
    source.write_text("\n".join([lines[0], *rows]))
    data_set = stories.import_tickets(organisation=acme, name="support", source=source, now=now)
    found = tickets.profile(data_set).findings
    assert {"duplicate_tickets", "rare_labels"} <= {one.code for one in found}
    alice = of(member_of(acme, "alice", Role.OWNER, now))
    english = alice.get(f"/acme/tickets/{data_set.id}/").text
    assert "repeat the text of an earlier one" in english
    alice.cookies["otai_language"] = "de"
    german = alice.get(f"/acme/tickets/{data_set.id}/").text
    assert "Tickets, die den Text eines früheren wiederholen: 1 (1" in german and "darunter „rare0“" in german
    assert [one.code for one in found if one.message in german or one.advice in german] == []
    assert not re.search(r"%\(\w+\)s", german)
