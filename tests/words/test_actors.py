"""Who did something is a value in one column: made and read in one place, said at every door."""

from __future__ import annotations

import ast

import pytest

from otai.orgs import actors
from otai.words.actors import PARTS, Actor, ActorKind, read_actor, read_actors, together
from otai.words.catalogue import say_actor, say_actor_to_programs
from otai.words.facts import sentences_of
from tests.docstrings import OTAI, trees

pytestmark = pytest.mark.pure

KEY = Actor(ActorKind.KEY, "k3m9pq2x", "nightly: import (new)")
STORED = {
    KEY: "key:k3m9pq2x:nightly: import (new)",
    Actor(ActorKind.VENDOR_KEY, "k3m9pq2x", "dashboard"): "vendor-key:k3m9pq2x:dashboard",
    Actor(ActorKind.DESK, "olga", "olga"): "desk:olga",
    Actor(ActorKind.SHELL, "otto", "otto"): "shell:otto",
    Actor(ActorKind.ERASED, "12", "person:12"): "person:12",
    Actor(ActorKind.PART, "sweep", "sweep"): "sweep",
    Actor(ActorKind.NAMED, "alice@acme.example", "alice@acme.example"): "alice@acme.example",
}
OF_BEFORE = {
    "nightly: import (new) (API key k3m9pq2x)": KEY,
    "dashboard (vendor key k3m9pq2x)": Actor(ActorKind.VENDOR_KEY, "k3m9pq2x", "dashboard"),
    "Olga (desk)": Actor(ActorKind.DESK, "Olga", "Olga"),
    "otto (command line)": Actor(ActorKind.SHELL, "otto", "otto"),
}


@pytest.mark.parametrize("actor", STORED, ids=STORED.values())
def test_what_a_column_keeps_of_somebody_is_read_again(actor: Actor) -> None:
    assert (str(actor), read_actor(STORED[actor])) == (STORED[actor], actor)
    assert actor.kind is ActorKind.NAMED or (actor.fact and sentences_of(actor.fact.code))


@pytest.mark.parametrize("stored", OF_BEFORE)
def test_what_a_release_before_wrote_is_the_same_actor(stored: str) -> None:
    assert read_actor(stored) == OF_BEFORE[stored]
    assert say_actor_to_programs(stored) == stored == say_actor_to_programs(str(OF_BEFORE[stored]))


def test_every_door_says_who() -> None:
    assert say_actor(str(KEY), language="de") == "nightly: import (new) (API-Schlüssel k3m9pq2x)"
    assert say_actor("shell:otto", language="fr") == "otto (ligne de commande)"
    assert say_actor("person:12", language="de") == "Person 12 (gelöscht)"
    assert say_actor(together("desk:olga", "Otto (desk)")) == "olga (desk), Otto (desk)"
    assert [say_actor_to_programs(one) for one in ("sweep", "person:12", "bob@acme.example")] == [
        "sweep", "person:12", "bob@acme.example",
    ]  # fmt: skip
    assert [one.id for one in read_actors("key:k3m9pq2x:nightly, weekly")] == ["k3m9pq2x"]


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("desk:olga", "Olga (desk)", True),
        ("desk:olga", "shell:Olga", True),
        ("olga", "desk:olga", True),
        ("desk:olga", "olga (operator)", True),
        ("desk:olga", "desk:otto", False),
        ("vendor-key:k3m9pq2x:olga", "desk:olga", False),
        ("vendor-key:k3m9pq2x:olga", "olga (vendor key k3m9pq2x)", True),
        ("key:k3m9pq2x:one", "key:zzzzzzzz:one", False),
    ],
)
def test_two_operators_are_told_apart_by_who_they_are(one: str, other: str, is_same: bool) -> None:
    assert actors.is_same_person(one, other) is actors.is_same_person(other, one) is is_same


def test_every_part_of_the_studio_that_does_something_has_its_words() -> None:
    for code in PARTS.values():
        assert say_actor(next(text for text, one in PARTS.items() if one == code), language="de")
        assert sentences_of(f"actor.part.{code}"), code


WHO = ("who", "by")
TAKES_APART = frozenset({"partition", "rpartition", "split", "removesuffix", "removeprefix", "startswith", "endswith"})


ELSEWHERE = {
    "words/actors.py": "the place itself",
    "cli/runs.py": "the name of a worker, which is a machine and a process",
    "api/rates.py": "whose requests are counted, which no row keeps",
}


def _is_who(node: ast.expr) -> bool:
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name in WHO or name.endswith("_by")


def test_nobody_else_makes_or_reads_the_text() -> None:
    """Neither a bracket behind a name nor a beginning: only `words/actors.py` knows how somebody is written down."""
    found = [
        f"{path}:{node.lineno} {ast.unparse(node)[:80]}"
        for path, tree in trees(OTAI).items()
        if path not in ELSEWHERE and not path.startswith("learning/")
        for node in ast.walk(tree)
        if _takes_apart(node) or _puts_together(node)
    ]
    assert found == []


def _takes_apart(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in TAKES_APART
        and _is_who(node.func.value)
    )


def _puts_together(node: ast.AST) -> bool:
    """`who=f"{name} (desk)"`."""
    return (
        isinstance(node, ast.keyword)
        and (node.arg in WHO or (node.arg or "").endswith("_by"))
        and isinstance(node.value, ast.JoinedStr)
    )
