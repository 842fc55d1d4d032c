"""The guess: looks at the first rows of a source, weighs each column's name and values, and says in words what decided.

The order matters and is the order of certainty: the customer's word, the split, ids and times by name, people and what
is known only afterwards, the texts, labels in several columns, attributes by their values. What is left is ignored,
each with its reason.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial

from otai.learning.data.attributes import AttributeKind
from otai.learning.data.texts.times import is_serial, parse_time, serial_day
from otai.learning.data.texts.writers import writer_of
from otai.tickets import column_names as names
from otai.tickets import known_afterwards
from otai.tickets.column_doubles import doubles, follows_from, is_second_id
from otai.tickets.column_names import folded, language_code
from otai.tickets.column_stats import ColumnStats, Look, look_at
from otai.tickets.columns import NAMED, AttributeColumns, ColumnReason, ColumnRoles, as_stored
from otai.tickets.halves_of_names import agents_in_halves
from otai.tickets.id_roles import IdRoles, shown, some_of
from otai.tickets.label_columns import (
    LABEL_LENGTH,
    are_codes,
    are_one_attribute,
    base_of_numbered,
    parts_of,
    separator_of,
)
from otai.tickets.label_orders import order_of, sure_order_of
from otai.tickets.linking import kind_of_link
from otai.tickets.number_scales import first_is_highest
from otai.tickets.periods import is_period
from otai.tickets.problems import refused
from otai.tickets.row_order import ROWS_A_TICKET, is_of_changes, tells_of_messages
from otai.tickets.text_roles import (
    TICKETS_A_LABEL,
    TextRoles,
    is_chosen_subject,
    is_person,
)
from otai.words.sentences import Fact

__all__ = ["Look", "guess_roles", "look_at", "order_of"]


UNNAMED = re.compile(r"column \d+")
"""What a column without a name is called."""
MOST_LABELS = 2_000
CUSTOMERS_AN_AGENT = 3
"""At least so many customers are there for each agent."""


def times_beside(look: Look, roles: ColumnRoles) -> dict[str, bool]:
    """Which of the columns that are used for nothing hold times."""
    found = {}
    for column in look.columns:
        if column.name in roles.ignored and column.filled and not column.lists:
            reason = roles.reasons.get(column.name)
            is_guessed = isinstance(reason, Fact) and reason != NAMED
            known = isinstance(reason, Fact) and reason.code == "column_other_time"
            found[column.name] = known or (not is_guessed and column.mean_length <= 70 and are_times(column))
    return found


def guess_roles(look: Look, overrides: ColumnRoles | None = None, *, must_have_text: bool = True) -> ColumnRoles:
    """A role for every column, the customer's word first. Each role or its absence is explained in `why`.

    Raises ColumnsInvalid for overrides that do not fit the header, and DatasetInvalid when no column can be the text,
    unless the caller goes on to ask for it (`must_have_text`).
    """
    given = (overrides or ColumnRoles()).resolved([column.name for column in look.columns])
    guess = _Guess(look, given)
    guess.run()
    return guess.result(must_have_text=must_have_text)


class _Guess(TextRoles, IdRoles):
    def __init__(self, look: Look, given: ColumnRoles) -> None:
        self.look = look
        self.single = dict(given.single)
        self.attributes: dict[str, AttributeColumns] = {}
        self.why: dict[str, ColumnReason] = {**dict.fromkeys(given.used, NAMED), **given.reasons}
        self.open = [column for column in look.columns if column.name not in given.used]
        self.given = given
        self.ended = known_afterwards.Ended(look)
        self.first_is_highest = first_is_highest(column.words for column in look.columns)

    def run(self) -> None:
        for found in self.given.attributes:
            self.attributes[found.columns[0]] = self._completed(found)
        self._empties()
        self._split()
        self._ticket_id()
        self._created()
        self._texts()
        self._language()
        self._linking()
        self._agents_in_halves()
        self._doubles()
        self._sender()
        self._numbered()
        for column in list(self.open):
            self._attribute(column)
        self._propose()

    def result(self, *, must_have_text: bool) -> ColumnRoles:
        order = [column.name for column in self.look.columns]
        used = {*self.single.values(), *(name for found in self.attributes.values() for name in found.columns)}
        roles = ColumnRoles(
            single=self.single,
            attributes=tuple(sorted(self.attributes.values(), key=lambda found: order.index(found.columns[0]))),
            ignored=tuple(name for name in order if name not in used),
            reasons={name: self.why[name] for name in order},
        )
        if must_have_text and "subject" not in self.single and "body" not in self.single:
            raise refused("no_text_found", why=[[name, self.why[name]] for name in order[:12]], columns=order)
        roles.must_be_consistent()
        return roles

    def _take(self, column: ColumnStats, why: ColumnReason) -> None:
        self.why[column.name] = why
        self.open.remove(column)

    def _role(self, role: str, column: ColumnStats, why: ColumnReason) -> None:
        self.single[role] = column.name
        self._take(column, why)

    def _named(self, vocabulary: Iterable[str], *, worst: int = 3) -> list[ColumnStats]:
        """The open columns whose name fits, the best first: whole names, in the vocabulary's order, before parts of
        names."""
        vocabulary = tuple(vocabulary)
        ranked = [
            (rank, at, column)
            for at, column in enumerate(self.open)
            if (rank := column.words.rank(vocabulary)) is not None
        ]
        return [column for rank, _, column in sorted(ranked, key=lambda one: one[:2]) if rank[0] <= worst]

    def _empties(self) -> None:
        for column in list(self.open):
            if not column.filled:
                self._take(column, Fact("column_empty", {"where": self.look.where}))

    def _split(self) -> None:
        if "split" in self.single:
            return
        for column in list(self.open):
            known = column.share(lambda value: _split_value(value) is not None)
            values = {_split_value(value) for value in column.counts}
            if (column.folded in names.SPLIT and known >= 0.3) or (known == 1.0 and {"train", "test"} <= values):
                self._role("split", column, Fact("column_says_split", {"examples": some_of(column)}))
                return

    # What a ticket is known by, and when it came.

    def _created(self) -> None:
        dates = [column for column in self.open if column.mean_length <= 70 and are_times(column)]
        if "created" not in self.single:
            early = [
                column
                for column in dates
                if (known_afterwards.by_name(column) is None or column.words.is_one_of(names.CREATED))
                and is_of_changes(column.words) is None
            ]
            ranked = [
                (rank, at, column)
                for at, column in enumerate(early)
                if (rank := column.words.rank(names.CREATED)) is not None
            ]
            chosen, why = None, NAMED
            if ranked:
                chosen = min(ranked, key=lambda one: one[:2])[2]
                why = Fact("column_named_created", {"example": shown(next(iter(chosen.counts)))})
            elif early:
                chosen = self._earliest(early, dates)
                why = Fact("column_earliest")
            if chosen is not None:
                self._role("created", chosen, why)
        for column in dates:
            if column in self.open:
                self._take(column, Fact("column_other_time"))

    def _earliest(self, candidates: Sequence[ColumnStats], dates: Sequence[ColumnStats]) -> ColumnStats | None:
        """The one candidate that no other time of its row comes before; the only one if there is one."""
        if len(dates) == 1:
            return candidates[0]
        rows = [[parse_time(cell) if cell else None for cell in row] for row in list(self.look.rows_of(*dates))[:300]]
        best: tuple[float, int, ColumnStats] | None = None
        for column in candidates:
            at = dates.index(column)
            own = [(row[at], [time for time in row if time is not None]) for row in rows]
            filled = [(time, times) for time, times in own if time is not None]
            share = sum(time <= min(times) for time, times in filled) / len(filled) if filled else 0.0
            # Equal times are common; the column that is filled oftenest was filled first.
            if share >= 0.95 and (best is None or len(filled) > best[1]):
                best = (share, len(filled), column)
        return best[2] if best else None

    def _sender(self) -> None:
        """Who wrote the message of a row (customer or agent), where several rows are one ticket."""
        if "sender" in self.single or "ticket" not in self.single:
            return
        repeats = self.look.column(self.single["ticket"]).tickets_a_value >= ROWS_A_TICKET
        if not repeats and not any(tells_of_messages(column.words) for column in self.look.columns):
            return
        for column in list(self.open):
            if column.distinct <= 12 and column.share(partial(_tells_writer, column.name)) >= 0.9:
                self._role("sender", column, Fact("column_says_writer", {"examples": some_of(column)}))
                return

    # The language, and what says the same.

    def _language(self) -> None:
        if "language" in self.single:
            return
        for column in self._named(names.LANGUAGE):
            if column.share(lambda value: language_code(value) is not None) < 0.9:
                continue
            if self._tells_language(column):
                self._role("language", column, Fact("column_named_language", {"examples": some_of(column)}))
                return
            self._take(column, Fact("column_not_of_texts_language"))

    def _tells_language(self, column: ColumnStats) -> bool:
        from otai.learning.data.language import detect_languages

        texts = [self.look.column(name) for name in self._text_columns]
        rows = [row for row in self.look.rows_of(column, *texts) if row[0] and any(row[1:])]
        rows = rows[:: max(1, len(rows) // 300)]
        detected = detect_languages(["\n".join(text for text in row[1:] if text) for row in rows])
        compared = [(language_code(row[0]), code) for row, code in zip(rows, detected, strict=True) if code is not None]
        # A few dozen short texts are no evidence against the customer's own column.
        return len(compared) < 30 or sum(told == code for told, code in compared) >= 0.7 * len(compared)

    def _linking(self) -> None:
        for column in list(self.open):
            if kind_of_link(column.words) is not None:
                self._take(column, Fact("column_links_tickets"))

    def _agents_in_halves(self) -> None:
        for found in agents_in_halves(self.look, self.open):
            first, last = found.first.name, found.last.name
            why = Fact("columns_one_name", {"first": first, "last": last, "labels": found.people})
            self.attributes[first] = AttributeColumns(found.name, AttributeKind.SINGLE, (first, last), reason=why)
            for column in (found.first, found.last):
                self._take(column, why)
            for column in found.doubles:
                self._take(column, Fact("column_doubled", {"other": last}))

    def _doubles(self) -> None:
        if "ticket" in self.single:
            ids = self.look.column(self.single["ticket"])
            for column in [one for one in self.open if self._could_be_ids(one)]:
                # A customer or a time spent may be of one ticket each as well, and says something else.
                is_of_people = is_person(column) or column.share(_is_mail_address) > 0.5
                says_more = is_of_people or known_afterwards.by_name(column) is not None
                if not says_more and is_second_id(self.look, column, ids):
                    self._take(column, Fact("column_doubled", {"other": ids.name}))
        for column, kept in doubles(self.look, self.open, [self.look.column(name) for name in self.single.values()]):
            if column in self.open:
                self._take(column, Fact("column_doubled", {"other": kept.name}))

    # Labels.

    def _numbered(self) -> None:
        """tag_1 .. tag_8, or a header repeated as ticket systems export labels: one multi-label attribute."""
        groups: dict[str, list[ColumnStats]] = defaultdict(list)
        for column in self.open:
            if (base := base_of_numbered(column.name)) is not None:
                groups[base].append(column)
        for base, group in groups.items():
            twin = next((column for column in self.open if column.name == base), None)
            members = ([twin] if twin else []) + group
            if len(members) < 2 or known_afterwards.by_name(members[0]) or is_person(members[0]):
                continue
            if not are_one_attribute(folded(base), members, is_repeated=twin is not None):
                continue
            if any(found.name == base for found in self.attributes.values()):
                continue
            labels = len(set().union(*(column.counts for column in members)))
            why = Fact("columns_one_attribute", {"columns": len(members), "labels": labels})
            self.attributes[members[0].name] = AttributeColumns(
                base, AttributeKind.MULTI, tuple(column.name for column in members), reason=why
            )
            for column in members:
                self._take(column, why)

    @property
    def _text_columns(self) -> list[str]:
        return [self.single[role] for role in ("subject", "body") if role in self.single]

    def _attribute(self, column: ColumnStats) -> None:
        reason = self._not_known_when_it_comes(column)
        if reason is not None:
            self._take(column, reason)
            return
        separator = separator_of(column, look=self.look, texts=self._text_columns)
        if separator is not None or column.lists:
            parts = parts_of(column, separator)
            if len(parts) < 2:
                self._take(column, Fact("column_one_list"))
                return
            if sum(parts.values()) < 1.5 * len(parts):
                self._take(column, Fact("column_lists_single_things"))
                return
            why = _why_several(separator, labels=len(parts))
            guessed = AttributeColumns(
                column.name, AttributeKind.MULTI, (column.name,), separator=separator, reason=why
            )
        else:
            reason = self._no_attribute(column)
            if reason is not None:
                self._take(column, reason)
                return
            order = self._order_of(column)
            kind = AttributeKind.ORDERED if order else AttributeKind.SINGLE
            counts = {"labels": column.distinct, "tickets": round(self._tickets_a_value(column))}
            why = Fact("labels_one_a_cell", counts)
            if order:
                why = Fact("labels_ordered", counts | {"order": " < ".join(order)})
            guessed = AttributeColumns(column.name, kind, (column.name,), order=order, reason=why)
        self.attributes[column.name] = guessed
        self._take(column, guessed.reason)

    def _order_of(self, column: ColumnStats) -> tuple[str, ...]:
        if column.words.fits(names.ORDERED):
            return order_of(column.counts, first_is_highest=self.first_is_highest)
        return sure_order_of(column.counts) if UNNAMED.fullmatch(column.name) else ()

    def _not_known_when_it_comes(self, column: ColumnStats) -> Fact | None:
        """Why the column says nothing about a new ticket, by its name or by when it is filled; None if it may."""
        if column.share(_is_mail_address) > 0.5 and not column.words.fits(names.ATTRIBUTE):
            return Fact("column_mail_addresses")
        word = known_afterwards.by_name(column)
        is_about_people = is_person(column) and not known_afterwards.ends_with(column, word)
        if is_about_people or self._owns_as_customer(column):
            return Fact("column_person")
        if known_afterwards.is_state(column) or known_afterwards.is_outcome(column):
            return Fact("column_state")
        if word is not None and not self._is_there_before(column):
            return Fact("afterwards_by_name", {"word": word})
        if known_afterwards.by_values(column):
            return Fact("afterwards_durations", {"example": shown(next(iter(column.counts)))})
        if column.words.fits(names.SORTING):
            return None
        if self.ended.only_then(column):
            return Fact("afterwards_filled", {"column": self.ended.column})
        for agents in self.look.columns:
            names_agents = agents.words.fits(names.AGENT) and known_afterwards.by_name(agents) is None
            if agents is not column and names_agents and known_afterwards.same_people(column, agents):
                return Fact("column_agents", {"column": agents.name})
        return None

    def _is_there_before(self, column: ColumnStats) -> bool:
        """Whether a column whose name speaks of afterwards is decided before the work ends all the same."""
        if known_afterwards.resolves(column):
            return not self.ended.only_then(column)
        return known_afterwards.may_name_a_thing(column) and self.ended.same_before(column)

    def _owns_as_customer(self, column: ColumnStats) -> bool:
        """Whether who owns the ticket is who sent it: beside a column of agents an owner is one of many others."""
        if "owner" not in column.words.words or not column.words.fits(names.AGENT):
            return False
        for agents in self.look.columns:
            names_agents = agents.words.fits(names.AGENT) and not agents.words.fits(names.SORTING - names.AGENT)
            # One name in all tickets is what nobody changed, as root@localhost of OTRS.
            if not names_agents or "owner" in agents.words.words or agents.distinct < 2:
                continue
            others = column.distinct >= CUSTOMERS_AN_AGENT * agents.distinct
            if others and column.share(agents.counts.__contains__) < 0.2:
                return True
        return False

    def _no_attribute(self, column: ColumnStats) -> Fact | None:
        """Why the column is no attribute; None if it is one."""
        where = self.look.where
        if column.distinct == 1:
            return Fact("column_one_value", {"where": where, "example": some_of(column)[0]})
        is_named = column.words.fits(names.ATTRIBUTE)
        if column.mean_length > LABEL_LENGTH or column.longest > 200:
            return Fact("column_free_text", {"characters": round(column.mean_length)})
        if column.words.is_one_of(names.TICKET) and self._tickets_a_value(column) < 1.5:
            return Fact("column_single_tickets")
        if (
            "subject" in self.single
            and not is_named
            and column.words.fits(frozenset(names.SUBJECT))
            and not is_chosen_subject(column)
        ):
            return Fact("column_title")
        needed = 1.5 if is_named else TICKETS_A_LABEL
        if column.is_capped or column.distinct > MOST_LABELS or self._tickets_a_value(column) < needed:
            code = "column_more_single_things" if column.is_capped else "column_single_things"
            return Fact(code, {"labels": column.distinct, "where": where})
        if column.share(_is_decimal) > 0.5 and not is_named and not are_codes(column):
            return Fact("column_measured")
        return None

    def _repeated_ids(self) -> ColumnStats | None:
        """The ids of the tickets, where a ticket has several rows (articles, a row of each month)."""
        ids = self.look.column(self.single["ticket"]) if "ticket" in self.single else None
        return ids if ids is not None and ids.tickets_a_value >= 1.05 and not ids.is_capped else None

    def _tickets_a_value(self, column: ColumnStats) -> float:
        """How many tickets share a value in the mean: several rows of a ticket bring its values again, and count
        once."""
        ids = self._repeated_ids()
        if ids is None or not column.distinct:
            return column.tickets_a_value
        return min(column.filled, ids.distinct) / column.distinct

    def _propose(self) -> None:
        """The few that sort tickets are proposed; what else could be learnt is kept, and costs nothing until someone
        takes it."""
        named = {first for first, found in self.attributes.items() if self._sorts(found)}
        for first, found in self.attributes.items():
            if found in self.given.attributes or first in named or found.columns[0] in self.given.used:
                continue
            words = self.look.column(found.columns[0]).words
            if words.fits(names.KNOWN_BEFORE) or self.look.column(found.columns[0]).share(_is_channel) >= 0.8:
                self._keep(first, "brought_along")
            elif named:
                self._keep(first, "name_sorts_nothing")
        self._keep_of_later({name for name in named if name not in self.given.used})

    def _keep_of_later(self, proposed: set[str]) -> None:
        """Of what sorts tickets by its name: numbers that follow from words, and what open tickets never have."""
        sorting = [self.look.column(name) for name in proposed if len(self.attributes[name].columns) == 1]
        for first in proposed:
            names_of_it = follows_from(self.look, self.look.column(first), sorting)
            columns = [self.look.column(name) for name in self.attributes[first].columns]
            if names_of_it is not None:
                self._keep(first, "numbers_follow", column=names_of_it.name)
            elif all(self.ended.only_then_though_begun(column) for column in columns):
                self._keep(first, "filled_later", column=self.ended.column)

    def _keep(self, first: str, code: str, **values: str) -> None:
        """The attribute without proposing it."""
        found = self.attributes[first]
        reason = Fact(code, {"why": as_stored(found.reason), **values})
        self.attributes[first] = dataclasses.replace(found, proposed=False, reason=reason)
        for column in found.columns:
            self.why[column] = reason

    def _sorts(self, found: AttributeColumns) -> bool:
        if found.columns[0] in self.given.used:
            return True
        if isinstance(found.reason, Fact) and found.reason.code == "columns_one_name":
            # Only agents' halves are put together.
            return True
        column = self.look.column(found.columns[0])
        if column.name in (names.SHEET, names.FOLDER, names.GROUP) and column.share(is_period) > 0.5:
            return False
        if is_chosen_subject(column):
            return True
        if not column.words.fits(names.SORTING) or column.share(_is_channel) >= 0.8:
            return False
        best, other = column.words.rank(names.SORTING), column.words.rank(names.KNOWN_BEFORE)
        return other is None or best is None or best[0] <= other[0]

    def _completed(self, found: AttributeColumns) -> AttributeColumns:
        """What the customer left out of an attribute they named: a separator, an order."""
        column = self.look.column(found.columns[0])
        if (
            found.kind is AttributeKind.MULTI
            and found.separator is None
            and len(found.columns) == 1
            and not column.lists
        ):
            return dataclasses.replace(found, separator=separator_of(column, must=True))
        if found.kind is AttributeKind.ORDERED and not found.order:
            order = order_of(column.counts, first_is_highest=self.first_is_highest)
            if not order:
                raise refused("no_order", attribute=found.name, labels=some_of(column), column=column.name)
            return dataclasses.replace(found, order=order)
        return found


def _why_several(separator: str | None, *, labels: int) -> Fact:
    # Blanks and line ends cannot be seen between quotes.
    code = {None: "labels_in_lists", " ": "labels_separated_by_blanks", "\n": "labels_one_a_line"}.get(separator)
    return (
        Fact(code, {"labels": labels}) if code else Fact("labels_separated", {"separator": separator, "labels": labels})
    )


def _tells_writer(column: str, value: str) -> bool:
    return writer_of(column, value) is not None


def _split_value(value: str) -> str | None:
    return names.SPLIT_VALUES.get(value.strip().lower())


def are_times(column: ColumnStats) -> bool:
    if column.share(_is_date, most=200) >= 0.9:
        return True
    # Whole days among a spreadsheet's numbers of days and hours.
    has_serials = column.share(is_serial, most=200) >= 0.3
    return has_serials and column.share(lambda value: _is_date(value) or serial_day(value) is not None, most=200) >= 0.9


def _is_date(value: str) -> bool:
    return parse_time(value) is not None


def _is_mail_address(value: str) -> bool:
    return re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value) is not None


def _is_channel(value: str) -> bool:
    return folded(value) in names.CHANNELS


def _is_decimal(value: str) -> bool:
    return re.fullmatch(r"-?\d+([.,]\d+( ?%)?| ?%)", value) is not None
