"""Words that give a label away without spelling it: 1 600 tickets with one agent's signature each were measured 90 %
right, and fresh ones 38 %."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from otai.learning.data.cutting import TextRules
from otai.learning.data.tickets import AttributeSpec, LabelledTickets
from otai.learning.evidence.leaks import find_leaks
from otai.learning.recipes import RECIPES
from otai.learning.training import Trained, train

pytestmark = pytest.mark.pure

QUEUES = ("network", "billing", "accounts", "hardware")
OWN = {
    "network": ("vpn", "wifi", "proxy", "router"),
    "billing": ("invoice", "refund", "credit", "payment"),
    "accounts": ("password", "login", "locked", "reset"),
    "hardware": ("laptop", "screen", "battery", "dock"),
}
ALL_WORDS = [word for words in OWN.values() for word in words]
FILLERS = (
    *("since", "monday", "yesterday", "again", "slow", "broken", "colleague", "please", "urgent"),
    *("office", "floor", "desk", "morning", "team", "cannot", "works", "never", "always"),
)
FIRST = ("Dana", "Omar", "Ines", "Piet", "Lena")
LAST = {
    "network": ("Okafor", "Brandt", "Costa", "Jansen", "Vogel"),
    "billing": ("Meier", "Ruiz", "Smith", "Novak", "Berg"),
    "accounts": ("Rossi", "Klein", "Moreau", "Lind", "Hart"),
    "hardware": ("Sato", "Weiss", "Duarte", "Olsen", "Kruse"),
}
AGENTS = {queue: list(zip(FIRST, LAST[queue], strict=True)) for queue in QUEUES}

Signature = Callable[[str, str, str], str]


def message(queue: str, chance: random.Random) -> str:
    """Says little of its queue: in two of five tickets one word of it, in the others one of any queue."""
    word = chance.choice(OWN[queue]) if chance.random() < 0.2 else chance.choice(ALL_WORDS)
    words = [word, *chance.choices(FILLERS, k=9), f"day{chance.randrange(400)}"]
    chance.shuffle(words)
    return f"Request\nHello, {' '.join(words)}."


def tickets(number: int, signed: Signature | None, *, seed: int) -> LabelledTickets:
    chance = random.Random(seed)
    queues = [chance.choice(QUEUES) for _ in range(number)]
    texts = []
    for queue in queues:
        text = message(queue, chance)
        if signed is not None and chance.random() < 0.9:
            text += signed(*chance.choice(AGENTS[queue]), queue)
        texts.append(text)
    return LabelledTickets([f"T{seed}-{n}" for n in range(number)], texts, ["en"] * number, {"queue": queues})


def on_lines_of_its_own(first: str, last: str, queue: str) -> str:
    return f"\n\nKind regards\n{first} {last}"


def in_the_line(first: str, last: str, queue: str) -> str:
    return f" Kind regards, {first} {last}, Service Desk"


def by_address(first: str, last: str, queue: str) -> str:
    return f" Answer to {first.lower()}.{last.lower()}@desk.example please."


def in_the_middle(first: str, last: str, queue: str) -> str:
    return f" It was passed to {first} {last} yesterday, see you."


def learnt_from(data: LabelledTickets) -> Trained:
    return train(data, [AttributeSpec("queue")], RECIPES["basic"])


def share_right(trained: Trained, fresh: LabelledTickets) -> float:
    said = [prediction["queue"].labels[0] for prediction in trained.bundle.predict(fresh.texts)]
    return sum(one == other for one, other in zip(said, fresh.attributes["queue"], strict=True)) / len(said)


@pytest.mark.parametrize("signed", [on_lines_of_its_own, in_the_line])
def test_a_signature_that_gives_the_queue_away_is_found_measured_and_cut(signed: Signature) -> None:
    data = tickets(1_600, signed, seed=1)
    fresh = tickets(800, None, seed=2)
    with_signatures = learnt_from(data)
    card = with_signatures.report_card.attribute("queue").accuracy
    truly = share_right(with_signatures, fresh)
    assert card.value > 0.85 and truly < 0.5, "the trap: the card is far better than the model"
    (told,) = [found for found in with_signatures.report_card.findings if found.code == "label_given_away"]
    assert told.severity == "warning" and told.attribute == "queue"
    assert abs(told.values["without"] - truly) < 0.1, "what is said of it holds"

    (leak,) = find_leaks(data.texts, {"queue": data.attributes["queue"]})
    rules = TextRules(kinds=(), lines=leak.lines, phrases=leak.phrases)
    cut = LabelledTickets(data.ids, rules.applied(data.texts), data.languages, data.attributes, text_rules=rules)
    assert not any("Okafor" in text or "okafor" in text for text in cut.texts)
    honest = learnt_from(cut)
    assert not [found for found in honest.report_card.findings if found.code == "label_given_away"]
    measured = honest.report_card.attribute("queue").accuracy
    assert measured.low - 0.02 <= share_right(honest, fresh) <= measured.high + 0.02
    # What training cut, prediction cuts.
    example = data.texts[0] + signed("Dana", "Okafor", "network")
    assert honest.bundle.as_learnt([example]) == rules.applied([example]) != [example]


@pytest.mark.parametrize("signed", [by_address, in_the_middle])
def test_names_and_addresses_inside_a_sentence_are_found_and_cut(signed: Signature) -> None:
    data = tickets(600, signed, seed=6)
    (leak,) = find_leaks(data.texts, {"queue": data.attributes["queue"]})
    assert leak.with_lines > leak.without + 0.3
    rules = TextRules(kinds=(), lines=leak.lines, phrases=leak.phrases)
    assert not any("okafor" in text.casefold() for text in rules.applied(data.texts))
    assert rules.applied([data.texts[0] + " Thanks"])[0].startswith("Request\nHello, ")


def test_the_name_of_the_label_itself_is_no_leak() -> None:
    """Customers name the product themselves."""
    data = tickets(600, lambda first, last, queue: f" It is about Atlas {queue.title()}, thank you.", seed=7)
    products = {"product": [f"Atlas {queue.title()}" for queue in data.attributes["queue"]]}
    assert find_leaks(data.texts, products) == []


def test_what_people_simply_write_is_no_leak() -> None:
    """Greetings, the company's own footer and names that are everywhere decide nothing."""

    def everywhere(first: str, last: str, queue: str) -> str:
        return "\n\nKind regards\nAnna Bell\nAcme Widgets Ltd, mail@acme.example"

    data = tickets(800, everywhere, seed=3)
    assert find_leaks(data.texts, {"queue": data.attributes["queue"]}) == []


def test_no_word_of_a_ticket_is_in_the_rules_or_on_the_card() -> None:
    data = tickets(600, in_the_line, seed=4)
    (leak,) = find_leaks(data.texts, {"queue": data.attributes["queue"]})
    rules = TextRules(kinds=(), lines=leak.lines, phrases=leak.phrases)
    assert rules.phrases and TextRules.from_dict(rules.as_dict()) == rules
    assert not any(name in str(rules.as_dict()).casefold() for name in ("okafor", "dana", "regards"))
    assert "Okafor" not in str(leak.finding_of_card()) and "Okafor" not in leak.finding_of_card().written
    assert any(
        "Dana" in example or "Omar" in example or " " in example for example in leak.finding().values["examples"]
    )


def test_addresses_in_examples_are_masked() -> None:
    data = tickets(600, by_address, seed=5)
    (leak,) = find_leaks(data.texts, {"queue": data.attributes["queue"]})
    assert "desk.example" not in str(leak.finding().values)


@pytest.mark.parametrize("signed", [on_lines_of_its_own, in_the_line, None])
def test_tags_are_given_away_as_one_label_is(signed: Signature | None) -> None:
    chance = random.Random(5)
    made = tickets(1_000, signed, seed=5)
    tags = [[str(queue), chance.choice(("vip", "remote", "new"))] for queue in made.attributes["queue"]]
    leaks = find_leaks(made.texts, {"tags": tags})
    assert [leak.attribute for leak in leaks] == (["tags"] if signed else [])
    if signed:
        assert leaks[0].with_lines - leaks[0].without > 0.2


def test_however_many_attributes_are_given_away_each_is_told() -> None:
    data = tickets(240, on_lines_of_its_own, seed=8)
    names = ("area", "desk", "queue", "team", "topic")
    leaks = find_leaks(data.texts, dict.fromkeys(names, data.attributes["queue"]))
    assert sorted(leak.attribute for leak in leaks) == list(names)
