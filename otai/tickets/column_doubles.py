"""Columns that say the same: group and group_id, display_value and value. One of them is kept, the one that people
read."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from otai.tickets.afterwards_words import UNITS
from otai.tickets.column_names import AGENT, CONTAINERS, MULTI, ORDERED, SORTING
from otai.tickets.column_stats import ColumnStats, Look

_KIND_WORDS = frozenset(
    (
        "id",
        "ids",
        "name",
        "value",
        "display",
        "dv",
        "displayvalue",
        "formatted",
        "key",
        "code",
        "raw",
        "sysid",
        "label",
        "title",
        "email",
        "login",
        "link",
        "url",
    )
)
_BETWEEN_WORDS = frozenset(("of", "de", "la", "le", "les", "du", "des", "del", "di", "da", "do", "der", "van", "het"))
"""What stands between the words of a name: ID de la personne assignée."""

FEWEST_TICKETS = 20
"""Among fewer, a queue may have but one ticket each."""
SAME = 0.95
"""In so many rows numbers and names go together; in the others somebody was sent elsewhere by hand."""
FEWEST_NUMBERED = 3
"""Of two values each, that two columns agree says nothing."""
_FOR_MACHINES = re.compile(r"\d+|[0-9a-f]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|https?://\S+", re.IGNORECASE)


def doubles(
    look: Look, candidates: Sequence[ColumnStats], others: Sequence[ColumnStats]
) -> Iterator[tuple[ColumnStats, ColumnStats]]:
    """Pairs of a column to leave out and the one that says the same. `others` have a role already and stay.

    Names have to be of one stem (assignment_group.display_value and assignment_group.value), and each value of one has
    to go with one value of the other: two columns that only happen to agree are two things.
    """
    by_stem: dict[str, list[ColumnStats]] = defaultdict(list)
    for column in [*others, *candidates]:
        by_stem[_stem(column)].append(column)
    kept_roles = {id(column) for column in others}
    for stem, group in by_stem.items():
        if not stem or len(group) < 2:
            continue
        # The one with a role first, then words before numbers, then the order of the source.
        ranked = sorted(group, key=lambda column: (id(column) not in kept_roles, _is_for_machines(column)))
        for at, column in enumerate(ranked[1:], start=1):
            for better in ranked[:at]:
                # A header that is repeated (Labels, Labels) is one attribute of several columns.
                if column.words.parts == better.words.parts:
                    continue
                if id(column) not in kept_roles and (
                    is_number_of(column, better) or _go_together(look, column, better)
                ):
                    yield column, better
                    break
    yield from _told_of_one_thing(look, candidates)
    yield from _numbers_of_names(look, candidates)
    yield from _same_people(look, candidates)


def is_second_id(look: Look, column: ColumnStats, ids: ColumnStats) -> bool:
    """Whether the column names tickets as `ids` does: each ticket has its own value, in whatever column it stands
    (a number beside the id of a database, an address of a page)."""
    has_one_each = column.distinct == ids.distinct >= FEWEST_TICKETS and not column.lists
    return has_one_each and _one_each(look, column, ids)


def _told_of_one_thing(look: Look, candidates: Sequence[ColumnStats]) -> Iterator[tuple[ColumnStats, ColumnStats]]:
    """Columns of one object of a JSON document that say the same: type.label and type.type."""
    by_thing: dict[tuple[tuple[str, ...], ...], list[ColumnStats]] = defaultdict(list)
    for column in candidates:
        thing = column.words.parts[:-1]
        if thing and "".join(thing[-1]) not in CONTAINERS and column.distinct > 1 and not column.is_capped:
            by_thing[thing].append(column)
    for group in by_thing.values():
        ranked = sorted(group, key=_is_for_machines)
        for at, column in enumerate(ranked[1:], start=1):
            better = next((one for one in ranked[:at] if _go_together(look, column, one)), None)
            if better is not None:
                yield column, better


def _numbers_of_names(look: Look, candidates: Sequence[ColumnStats]) -> Iterator[tuple[ColumnStats, ColumnStats]]:
    """Ids for machines that stand one for each of another column's names: a team's id beside the department."""
    short = [
        column
        for column in candidates
        if column.words.fits(SORTING) and FEWEST_NUMBERED <= column.distinct <= 200 and not column.is_capped
    ]
    for column in short:
        if _is_for_machines(column) != 3:
            continue
        for better in short:
            if _is_for_machines(better) or _thing(better) != _thing(column):
                continue
            if better.distinct == column.distinct and agreement(look, column, better) >= SAME:
                yield column, better
                break


def follows_from(look: Look, column: ColumnStats, others: Sequence[ColumnStats]) -> ColumnStats | None:
    """The column of names from which the numbers of `column` follow: several of its names may have one number, as each
    topic has its team. None where nothing but the numbers tells them."""
    if _is_for_machines(column) != 3 or column.is_capped:
        return None
    for other in others:
        is_finer = other is not column and other.distinct >= column.distinct and not other.is_capped
        if is_finer and not _is_for_machines(other) and _thing(other) == _thing(column):
            rows = [(left, right) for left, right in look.rows_of(other, column) if left and right]
            if len(rows) >= FEWEST_TICKETS and _determined(rows) >= SAME:
                return other
    return None


def agreement(look: Look, one: ColumnStats, other: ColumnStats) -> float:
    """The share of rows in which each value has the value beside it that it mostly has, in the worse direction."""
    rows = [(left, right) for left, right in look.rows_of(one, other) if left or right]
    if not rows or any(not left or not right for left, right in rows):
        return 0.0
    pairs = [(str(left), str(right)) for left, right in rows]
    return min(_determined(pairs), _determined([(right, left) for left, right in pairs]))


def _determined(rows: Sequence[tuple[str | None, str | None]]) -> float:
    """The share of rows whose second value is the one that mostly stands beside the first."""
    beside: dict[str | None, Counter[str | None]] = defaultdict(Counter)
    for left, right in rows:
        beside[left][right] += 1
    return sum(counts.most_common(1)[0][1] for counts in beside.values()) / len(rows)


def _same_people(look: Look, candidates: Sequence[ColumnStats]) -> Iterator[tuple[ColumnStats, ColumnStats]]:
    """Who works on a ticket, told twice: osTicket's "Assigned to" beside "Agent assigned"."""
    agents = [column for column in candidates if _thing(column) == 0 and column.distinct >= FEWEST_NUMBERED]
    for at, column in enumerate(agents):
        for better in agents[:at]:
            is_repeated = column.words.parts == better.words.parts
            if not is_repeated and column.counts == better.counts and column.cells == better.cells:
                yield column, better
                break


def _thing(column: ColumnStats) -> int | None:
    """Columns of different things that agree only happen to: 0 people, 1 scales, 2 tags, 3 what else sorts tickets."""
    # "Team assignee" is no person, and a topic is one of several only where a cell holds several.
    is_unit = not UNITS.isdisjoint(column.words.words)
    kinds = (frozenset(), ORDERED, MULTI, SORTING) if is_unit else (AGENT, ORDERED, MULTI, SORTING)
    if column.words.fits(frozenset(MULTI)) and not column.lists:
        kinds = (*kinds[:2], frozenset(), SORTING)
    return next((number for number, words in enumerate(kinds) if column.words.fits(words)), None)


def _one_each(look: Look, one: ColumnStats, other: ColumnStats) -> bool:
    pairs = {(left, right) for left, right in look.rows_of(one, other) if left or right}
    return len(pairs) == one.distinct and all(left and right for left, right in pairs)


def _stem(column: ColumnStats) -> str:
    words = [word for part in column.words.parts for word in part]
    # assignees beside assignee
    return "".join(word.removesuffix("s") for word in words if word not in _KIND_WORDS | _BETWEEN_WORDS)


def _is_for_machines(column: ColumnStats) -> int:
    words = column.words.parts[-1] if column.words.parts else ()
    are_numbers = column.share(lambda value: _FOR_MACHINES.fullmatch(value) is not None) > 0.9
    is_called_so = words[-1:] and words[-1] in ("id", "ids", "value", "raw", "link", "url", "email")
    # "ID de la personne assignée" is called so at its beginning.
    return 2 * are_numbers + bool(is_called_so or (len(words) > 1 and words[0] == "id" and words[1] in _BETWEEN_WORDS))


def is_number_of(column: ColumnStats, better: ColumnStats) -> bool:
    """assignee.id beside assignee.name: a number for machines, whether or not two people share a name."""
    return _is_for_machines(column) == 3 and not _is_for_machines(better)


def _go_together(look: Look, one: ColumnStats, other: ColumnStats) -> bool:
    pairs = [(left, right) for left, right in look.rows_of(one, other) if left and right]
    if len(pairs) < 5 or len(pairs) < 0.5 * min(sum(map(bool, one.cells)), sum(map(bool, other.cells))):
        return False
    distinct = set(pairs)
    lefts, rights = {left for left, _ in distinct}, {right for _, right in distinct}
    return len(distinct) <= 1.05 * min(len(lefts), len(rights))
