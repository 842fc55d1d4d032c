"""Words that give a label away without spelling it: 1 600 tickets with one agent's signature each were measured 90 %
right, and fresh ones 38 %."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice, product
from string import ascii_lowercase
from time import process_time

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from otai.learning.data.attributes import AttributeSpec
from otai.learning.data.cuts.cutting import TextRules
from otai.learning.data.tickets import LabelledTickets
from otai.learning.evidence import leaks
from otai.learning.evidence.leaks import Leak, Leaks, find_leaks
from otai.learning.evidence.recurring_words import Labelled, RecurringWords
from otai.learning.recipes import RECIPES
from otai.learning.training import Trained, train
from otai.words.findings import message as said_of

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


BENCHES = {"network": "northern", "billing": "southern", "accounts": "eastern", "hardware": "western"}


def inside_a_paragraph(first: str, last: str, queue: str) -> str:
    """What the desk writes into the customer's words, without a name, a greeting or a line of its own."""
    return f" as we saw that the {BENCHES[queue]} bench has looked into it, thanks in any case"


NUMBERED = {"network": 4711, "billing": 4823, "accounts": 5190, "hardware": 6038}


def prefixed(queue: str, number: int, form: str) -> str:
    return form.format(queue=NUMBERED[queue], letters=BENCHES[queue][:3].upper(), number=number)


def cutting(leak: Leak) -> TextRules:
    return TextRules(kinds=(), lines=frozenset(leak.lines), phrases=frozenset(leak.phrases))


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

    (leak,) = find_leaks(data.texts, {"queue": data.attributes["queue"]}).measured
    rules = cutting(leak)
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
    (leak,) = find_leaks(data.texts, {"queue": data.attributes["queue"]}).measured
    assert leak.with_lines > leak.without + 0.3
    rules = cutting(leak)
    assert not any("okafor" in text.casefold() for text in rules.applied(data.texts))
    assert rules.applied([data.texts[0] + " Thanks"])[0].startswith("Request\nHello, ")


def test_a_sentence_of_the_desk_within_a_paragraph_is_found_and_cut() -> None:
    data = tickets(600, inside_a_paragraph, seed=13)
    (leak,) = find_leaks(data.texts, {"queue": data.attributes["queue"]}).measured
    assert leak.with_lines > leak.without + 0.3 and leak.coverage > 0.8
    assert "northern" not in str(leak.finding_of_card()) and leak.finding().values["examples"]
    cut = cutting(leak).applied(data.texts)
    assert not any(bench in text for text in cut for bench in BENCHES.values())
    assert all(text.split(".")[0].startswith("Request\nHello, ") for text in cut), "the customer's own words stay"


def test_what_some_customers_of_a_label_write_alike_is_no_leak() -> None:
    """They have a dozen ways to say what their matter is, of which each is one of twelve of the queue's tickets."""
    chance = random.Random(14)
    broken = ("does not work since monday", "stopped to work in the office", "fails again in the morning")
    data = tickets(
        600, lambda first, last, queue: f" {chance.choice(OWN[queue])} {chance.choice(broken)}, so help", seed=14
    )
    assert find_leaks(data.texts, {"queue": data.attributes["queue"]}) == Leaks(())


@pytest.mark.parametrize(
    "form",
    ["{queue}-{number:06d}", "[{letters}{number:07d}]", "{queue}{number:06d}", "#{letters}/{queue}/{number:05d}"],
)
def test_numbers_that_begin_alike_for_a_queue_are_found_and_cut(form: str) -> None:
    data = tickets(400, None, seed=15)
    chance = random.Random(15)
    queues = data.attributes["queue"]
    texts = [
        text.replace("Request", f"Request {prefixed(str(queue), chance.randrange(100, 90_000), form)}")
        for text, queue in zip(data.texts, queues, strict=True)
    ]
    (leak,) = find_leaks(texts, {"queue": queues}).measured
    assert leak.coverage == 1 and leak.with_lines > leak.without + 0.3
    rules = cutting(leak)
    assert rules.applied(texts) == data.texts, "the whole number goes, and nothing else"
    new = prefixed("network", 99_999, form)
    assert rules.applied([f"Router down\nit is {new}"]) == ["Router down\nit is"], "numbers that are still to come, too"


def test_what_many_tickets_name_is_no_number_of_their_own() -> None:
    """The code of an error, a date, a telephone: customers write them, and they may decide a label."""
    chance = random.Random(16)
    codes = {"network": "NET-404", "billing": "SAP-7312", "accounts": "AD-532", "hardware": "HW-1001"}
    data = tickets(400, lambda first, last, queue: f" {codes[queue]} on 12-05-{chance.randrange(1990, 2026)}", seed=16)
    assert find_leaks(data.texts, {"queue": data.attributes["queue"]}) == Leaks(())


def test_the_name_of_the_label_itself_is_no_leak() -> None:
    """Customers name the product themselves."""
    data = tickets(600, lambda first, last, queue: f" It is about Atlas {queue.title()}, thank you.", seed=7)
    products = {"product": [f"Atlas {str(queue).title()}" for queue in data.attributes["queue"]]}
    assert find_leaks(data.texts, products) == Leaks(())


def test_what_people_simply_write_is_no_leak() -> None:
    """Greetings, the company's own footer and names that are everywhere decide nothing."""

    def everywhere(first: str, last: str, queue: str) -> str:
        return "\n\nKind regards\nAnna Bell\nAcme Widgets Ltd, mail@acme.example"

    data = tickets(800, everywhere, seed=3)
    assert find_leaks(data.texts, {"queue": data.attributes["queue"]}) == Leaks(())


def test_no_word_of_a_ticket_is_in_the_rules_or_on_the_card() -> None:
    data = tickets(600, in_the_line, seed=4)
    (leak,) = find_leaks(data.texts, {"queue": data.attributes["queue"]}).measured
    rules = cutting(leak)
    assert rules.phrases and TextRules.from_dict(rules.as_dict()) == rules
    assert not any(name in str(rules.as_dict()).casefold() for name in ("okafor", "dana", "regards"))
    assert "Okafor" not in str(leak.finding_of_card()) and "Okafor" not in leak.finding_of_card().written
    assert any(
        "Dana" in example or "Omar" in example or " " in example for example in leak.finding().values["examples"]
    )


def test_addresses_in_examples_are_masked() -> None:
    data = tickets(600, by_address, seed=5)
    (leak,) = find_leaks(data.texts, {"queue": data.attributes["queue"]}).measured
    assert "desk.example" not in str(leak.finding().values)


@pytest.mark.parametrize("signed", [on_lines_of_its_own, in_the_line, None])
def test_tags_are_given_away_as_one_label_is(signed: Signature | None) -> None:
    chance = random.Random(5)
    made = tickets(1_000, signed, seed=5)
    tags = [[str(queue), chance.choice(("vip", "remote", "new"))] for queue in made.attributes["queue"]]
    found = find_leaks(made.texts, {"tags": tags}).measured
    assert [leak.attribute for leak in found] == (["tags"] if signed else [])
    if signed:
        assert found[0].with_lines - found[0].without > 0.2


def test_however_many_attributes_are_given_away_each_is_told() -> None:
    data = tickets(240, on_lines_of_its_own, seed=8)
    names = ("area", "desk", "queue", "team", "topic")
    found = find_leaks(data.texts, dict.fromkeys(names, data.attributes["queue"])).measured
    assert sorted(leak.attribute for leak in found) == list(names)


def signed_by_many(number: int, *, labels: int, lines: int) -> tuple[list[str], list[str]]:
    """Tickets of hundreds of labels, each with thousands of lines of its own, of which every ticket has some."""
    chance = random.Random(9)
    names = [f"{first}{second}" for first, second in islice(product(ascii_lowercase, repeat=2), labels)]
    queues = [chance.choice(names) for _ in range(number)]
    texts = [
        "\n".join([f"case {n}", *(f"{queue} row {ascii_lowercase[at % 26]}{at // 26 * 'x'}" for at in range(lines))])
        for n, queue in enumerate(queues)
    ]
    return texts, queues


def test_the_search_takes_no_more_for_each_ticket_of_a_file_with_many_lines_and_labels() -> None:
    def seconds(number: int) -> float:
        texts, queues = signed_by_many(number, labels=300, lines=80)
        started = process_time()
        words = RecurringWords.of(texts, leaks._lines, most_tickets=number)
        assert len(words.deciding(Labelled.of(queues))) >= (80 * 200 if number >= 2_000 else 0)
        return process_time() - started

    seconds(500)
    assert seconds(8_000) < 2 * 4 * max(seconds(2_000), 0.05)


def test_what_is_read_and_measured_of_any_file_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ninety attributes of which each is given away: forty are measured on fewer tickets, the others named."""
    measured: list[int] = []

    def share_right(texts: list[str], labels: list[str]) -> float:
        measured.append(len(texts))
        return 0.9 if "took" in texts[0] else 0.3

    monkeypatch.setattr(leaks, "_share_right", share_right)
    data = tickets(2_000, lambda first, last, queue: f"\n{first} {last} took this", seed=10)
    names = [f"field {n:02d}" for n in range(90)]
    found = find_leaks(data.texts, dict.fromkeys(names, data.attributes["queue"]))
    assert sum(measured) <= 2 * leaks.MEASURED_ALTOGETHER and min(measured) >= leaks.FEWEST_OF_MANY
    assert (len(found.measured), len(found.not_measured)) == (40, 50)
    for told in (found.findings(), found.findings_of_card()):
        assert told[-1].code == "lines_not_measured" and told[-1].values["attributes"] == 50
    assert not any("took" in text for text in cutting(found.measured[0]).applied(data.texts))

    monkeypatch.setattr("otai.learning.evidence.recurring_words.MOST_WORDS", 900)
    words = RecurringWords.of(data.texts, leaks._lines, most_tickets=2_000)
    assert 100 < words.is_read.sum() < 400, "what has too many words is read no further"
    assert words.is_read[:1_000].sum() == pytest.approx(words.is_read[1_000:].sum(), abs=2_000 // 16)


def test_of_many_attributes_one_of_hundreds_of_labels_is_told_as_well() -> None:
    """Each of the many is measured on a few tickets, in which hardly any of its labels stands twice."""
    chance = random.Random(17)
    names = [f"{first}{second}" for first, second in islice(product(ascii_lowercase, repeat=2), 300)]
    teams = [chance.choice(names) for _ in range(3_000)]
    texts = [
        f"Case\nwhat {chance.choice(ALL_WORDS)} {chance.choice(FILLERS)} n{n}\n{team}{team} group took this"
        for n, team in enumerate(teams)
    ]
    many = {f"field {n:02d}": [team[0] for team in teams] for n in range(39)}
    labels: dict[str, list[str]] = {**many, "team": teams}
    measured, is_of_some = leaks._measured_on(teams, np.arange(3_000), leaks.FEWEST_OF_MANY)
    assert is_of_some
    often = Counter(teams[row] for row in measured)
    assert set(often.values()) == {leaks.FEWEST_OF_LABEL} and 20 <= len(often) <= 25
    with pytest.MonkeyPatch.context() as patched:
        # The others are told whatever their models say; these take the time.
        own = leaks._share_right
        patched.setattr(leaks, "_share_right", lambda said, of: own(said, of) if len(of[0]) == 2 else len(said[0]) / 99)
        found = find_leaks(texts, labels)
    (leak,) = [one for one in found.measured if one.attribute == "team"]
    assert leak.with_lines - leak.without > 0.3
    assert leak.some_labels == (len(often), 300)
    said = f"of tickets of {len(often)} of its 300 labels"
    assert said in said_of(leak.finding()) and said in said_of(leak.finding_of_card(), of_card=True)
    assert all(one.some_labels is None for one in found.measured if one is not leak)


def test_what_cannot_be_measured_is_named() -> None:
    """No label has tickets enough, and yet lines decide half of them."""
    names = [f"{first}{second}" for first, second in islice(product(ascii_lowercase, repeat=2), 200)]
    teams = [name for name in names for _ in range(6)]
    texts = [f"Case\nsays {n} of {n % 7}\n{team}{team} group took this" for n, team in enumerate(teams)]
    found = find_leaks(texts, {"team": teams})
    assert (found.measured, found.not_measured) == ((), ("team",))


def test_more_lines_than_are_cut_at_once_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "MOST_CUT", 16)
    data = tickets(600, on_lines_of_its_own, seed=11)
    told, left = find_leaks(data.texts, {"queue": data.attributes["queue"]}).findings()
    assert (told.code, left.code) == ("label_given_away", "lines_left")
    assert len(told.values["lines"]) == 8 and left.values["left"] >= 12


def test_a_signature_below_a_long_text_is_found() -> None:
    data = tickets(400, lambda first, last, queue: f"\n{'log line of a server ' * 150}\n{first} {last}", seed=12)
    assert find_leaks(data.texts, {"queue": data.attributes["queue"]}).measured


def test_leaks_are_measured_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    share_right = leaks._share_right

    def watched(texts: Sequence[str], labels: Sequence[str]) -> float | None:
        loaded = threadpool_info()
        threads.extend(each["num_threads"] for each in loaded if each["user_api"] == "blas")
        return share_right(texts, labels)

    monkeypatch.setattr(leaks, "_share_right", watched)
    data = tickets(400, on_lines_of_its_own, seed=3)
    with threadpool_limits(limits=2, user_api="blas"):
        assert find_leaks(data.texts, {"queue": data.attributes["queue"]}).measured
    assert threads and set(threads) == {1}
