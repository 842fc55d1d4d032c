"""Which columns are the text of a ticket: by their names first, then by what they hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from otai.learning.data.texts.threads import holds_threads
from otai.tickets import column_names as names
from otai.tickets import known_afterwards
from otai.tickets.column_stats import ColumnStats, Look
from otai.tickets.columns import ColumnReason, ColumnRoles
from otai.tickets.label_columns import LABEL_LENGTH
from otai.tickets.row_order import ROWS_A_TICKET, tells_of_messages
from otai.words.sentences import Fact

TICKETS_A_LABEL = 3.0
"""A column whose values return less often on average names things (people, orders), it does not sort tickets."""
NOTES_TAKE_UP = 0.6
SHORTEST_SUBJECT, LONGEST_SUBJECT = 8.0, 150.0
"""Characters on average."""
_LATER_TEXTS = frozenset(names.COMMENT) | names.NOTES
NAMES_OF_CARDS = frozenset(
    ("name", "cardname", "taskname", "itemname", "ticketname", "casename", "nombre", "nom", "nome", "naam", "nazwa")
)


class TextRoles:
    """The part of a guess that finds subject and body."""

    look: Look
    single: dict[str, str]
    open: list[ColumnStats]
    ended: known_afterwards.Ended

    def _take(self, column: ColumnStats, why: ColumnReason) -> None:
        raise NotImplementedError

    def _role(self, role: str, column: ColumnStats, why: ColumnReason) -> None:
        raise NotImplementedError

    def _named(self, vocabulary: Iterable[str], *, worst: int = 3) -> list[ColumnStats]:
        raise NotImplementedError

    def _texts(self) -> None:
        """Subject and body: by name first, then by what the columns hold."""
        if "body" not in self.single:
            self._body_of_threads()
        before = [
            column
            for column in self.open
            # "Message of the customer" speaks of a person and is none.
            if known_afterwards.by_name(column) is None and (not is_person(column) or is_written(column))
        ]
        for role, vocabulary in (("subject", names.SUBJECT), ("body", names.BODY)):
            if role in self.single:
                continue
            fitting = [column for column in self._named(vocabulary) if column in before and could_be_text(column)]
            fitting = [column for column in fitting if not self.ended.only_then(column)]
            if fitting:
                best = self._best_text(fitting, vocabulary)
                self._role(role, best, Fact("column_named_text", {"characters": round(best.mean_length)}))
        self._body_of_comments()
        self._body_by_values()
        self._body_called_notes()
        self._subject_called_name()
        self._subject_by_values()
        self._take_texts_of_afterwards()

    def _take_texts_of_afterwards(self) -> None:
        """Free texts that were written after the ticket came in: nothing is learnt from them."""
        for column in list(self.open):
            is_text = is_free_text(column) or column.mean_length > LABEL_LENGTH
            if is_text and (known_afterwards.by_name(column) or column.words.fits(frozenset(names.COMMENT))):
                self._take(column, Fact("text_of_afterwards"))
            elif is_text and self.ended.only_then(column):
                self._take(
                    column,
                    Fact("afterwards_filled", {"column": self.ended.column}),
                )

    def _best_text(self, fitting: Sequence[ColumnStats], vocabulary: Sequence[str]) -> ColumnStats:
        """The best name; of names that are equally good, the one that says most."""
        best = fitting[0]
        rank = best.words.rank(vocabulary)
        sure = [column for column in fitting if column.words.is_one_of(names.SURE_TEXTS)] or fitting
        assert rank is not None
        equal = [
            column
            for column in sure
            if (column.words.rank(vocabulary) or (9, 0))[0] == (sure[0].words.rank(vocabulary) or (9, 0))[0]
        ]
        if vocabulary is names.SUBJECT and sorts_by_values(equal[0]):
            # Where a subject is chosen from a list (Dynamics), the title is what the customer wrote.
            equal = [column for column in fitting if not sorts_by_values(column)] or equal
        if vocabulary is names.SUBJECT:
            return max(equal, key=lambda column: column.filled)
        most = max(equal, key=lambda column: column.characters)
        # The same without its markup: description_text beside description.
        return next((column for column in fitting if column.folded == most.folded + "text"), most)

    def _body_of_threads(self) -> None:
        """A column whose cells hold all messages of a ticket: the first of the customer is the text."""
        threads = [column for column in self.open if not column.lists and holds_threads(column.cells)]
        plain = [
            column
            for column in self._named(names.BODY, worst=0)
            if column not in threads
            # The beginning of a message, often of the last.
            and "preview" not in column.words.core
            and could_be_text(column)
            and column.filled > 0.5 * self.look.rows
            and known_afterwards.by_name(column) is None
            and not is_person(column)
        ]
        if threads and not plain:
            best = max(threads, key=lambda column: column.filled)
            self._role("body", best, Fact("column_holds_threads"))
        for column in threads:
            if column in self.open:
                self._take(column, Fact("later_messages"))

    def _body_of_comments(self) -> None:
        """Where rows are messages, a column of comments has their texts, however short; beside a description they are
        later answers."""
        if "body" in self.single:
            return
        ticket = self.single.get("ticket")
        repeats = ticket is not None and self.look.column(ticket).tickets_a_value >= ROWS_A_TICKET
        if not repeats and not any(tells_of_messages(column.words) for column in self.look.columns):
            return
        said = [
            column
            for column in self.open
            if (column.words.is_one_of(names.COMMENTS) or column.words.fits(frozenset(names.COMMENT)))
            and not column.lists
            and column.filled > 0.5 * self.look.rows
            and column.share(has_blank) >= 0.2
        ]
        if said:
            best = max(said, key=lambda column: column.characters)
            self._role("body", best, Fact("column_named_text", {"characters": round(best.mean_length)}))

    def _body_by_values(self) -> None:
        if "body" in self.single:
            return
        free = [
            column for column in self.open
            if is_free_text(column)
            and not known_afterwards.by_name(column)
            and not is_person(column)
            and not self.ended.only_then(column)
        ]  # fmt: skip
        subject = self.single.get("subject")
        if subject is None and not free:
            free = [
                column for column in self.open if column.words.fits(frozenset(names.COMMENT)) and is_free_text(column)
            ]
        if subject is None and not free:
            free = [
                column
                for column in self.open
                if column.share(has_blank) > 0.5 and column.tickets_a_value < 2 and not is_person(column)
            ]
        free = [column for column in free if subject is None or not self._same_cells(column, self.look.column(subject))]
        if not free:
            return
        best = max(free, key=lambda column: column.characters)
        # A second text beside a subject is the body; without a name that fits it must be the longer one.
        if subject is None or best.mean_length > self.look.column(subject).mean_length:
            self._role("body", best, Fact("column_longest_text", {"characters": round(best.mean_length)}))

    def _body_called_notes(self) -> None:
        """Notes beside a subject may be what the customer wrote (BMC) or what was written later: the first take up the
        subject's words."""
        if "body" in self.single or "subject" not in self.single:
            return
        subject = self.look.column(self.single["subject"])
        for column in list(self.open):
            if (
                not is_free_text(column)
                or not column.words.is_one_of(names.NOTES)
                or column.filled < 0.8 * subject.filled
            ):
                continue
            if column.mean_length > subject.mean_length and self._taken_up(subject, column) >= NOTES_TAKE_UP:
                self._role("body", column, Fact("column_takes_up_subject"))
                return

    def _taken_up(self, short: ColumnStats, long: ColumnStats) -> float:
        """The share of the words of one column that stand in the other, on average over rows (0 to 1)."""
        pairs = [
            (words.casefold().split(), text.casefold())
            for words, text in self.look.rows_of(short, long)
            if words and text
        ][:500]
        shares = [
            sum(word in text for word in words if len(word) > 3) / max(sum(len(word) > 3 for word in words), 1)
            for words, text in pairs
        ]
        return sum(shares) / len(shares) if shares else 0.0

    def _subject_by_values(self) -> None:
        """A short text beside the body, whose words the body takes up, is the subject whatever it is called."""
        body = self.single.get("body")
        if "subject" in self.single or body is None:
            return
        told = self.look.column(body)
        for column in list(self.open):
            if (
                not is_free_text(column)
                or column.mean_length > min(150.0, 0.8 * told.mean_length)
                or column.share(lambda value: "\n" in value) > 0.05
                or known_afterwards.by_name(column)
                or is_person(column)
                or self.ended.only_then(column)
            ):
                continue
            if self._taken_up(column, told) >= 0.25:
                self._role(
                    "subject",
                    column,
                    Fact("column_taken_up_by_body", {"characters": round(column.mean_length)}),
                )
                return

    def _subject_called_name(self) -> None:
        """A task or a card has a name where a ticket has a subject; people's names are no sentences."""
        if "subject" in self.single or "body" not in self.single:
            return
        for column in self.open:
            if column.folded not in NAMES_OF_CARDS or column.filled < 0.5 * self.look.rows:
                continue
            if column.tickets_a_value < 2 and column.share(has_blank) >= 0.5 and column.share(_is_name) < 0.5:
                self._role("subject", column, Fact("column_named_text", {"characters": round(column.mean_length)}))
                return

    def _same_cells(self, one: ColumnStats, other: ColumnStats) -> bool:
        pairs = [(left, right) for left, right in self.look.rows_of(one, other) if left and right]
        return bool(pairs) and sum(left == right for left, right in pairs) >= 0.95 * len(pairs)


def lost_subject(look: Look, roles: ColumnRoles, *, named: Collection[str] = ()) -> str | None:
    """The column of short texts beside a body that nothing uses, where no column was taken for the subject: its name,
    or None. What the customer wrote in one line may stand there. `named` are columns that somebody decided about."""
    body = roles.single.get("body")
    if body is None or "subject" in roles.single:
        return None
    longest = min(LONGEST_SUBJECT, look.column(body).mean_length)
    used = {*roles.single.values(), *(name for found in roles.attributes for name in found.columns), *named}
    ended = known_afterwards.Ended(look)
    for column in look.columns:
        if (
            column.name not in used
            and SHORTEST_SUBJECT <= column.mean_length < longest
            and column.filled >= 0.5 * look.rows
            and column.share(has_blank) >= 0.5
            and column.share(_is_name) < 0.5
            and column.tickets_a_value < 2
            and known_afterwards.by_name(column) is None
            and not known_afterwards.by_values(column)
            and not column.words.fits(_LATER_TEXTS)
            and not is_person(column)
            and not ended.only_then(column)
        ):
            return column.name
    return None


def is_person(column: ColumnStats) -> bool:
    """Whether the column's name speaks of a person, unless of who works on the ticket."""
    words = column.words
    if words.core and (words.core[0] in names.REASONS or words.core[-1].endswith(tuple(names.REASONS))):
        return False
    if words.core and any(word in names.NAME_PARTS for word in (words.core[-1], "".join(words.core[-2:]))):
        return True
    if any("".join(part) in names.AGENT for part in words.parts[:-1]):
        # What somebody is called who works on it: assignee.username.
        return False
    if any("".join(part) in names.PERSON for part in words.parts[:-1]) and not words.fits(names.AGENT):
        return True
    if "".join(words.core) in names.PERSON or words.folded in names.PERSON:
        return True
    if words.core and words.core[-1] == "user" and not words.fits(names.AGENT):
        return True
    return words.mentions(names.SURE_PERSON) is not None and not words.is_one_of(names.ATTRIBUTE)


def is_written(column: ColumnStats) -> bool:
    """Whether cells are sentences, which no name of a person is."""
    return is_free_text(column) and column.mean_length > LABEL_LENGTH


def could_be_text(column: ColumnStats) -> bool:
    """Fits the name of a text: not an id, a date or a handful of labels."""
    if column.lists:
        return False
    if column.words.is_one_of(names.SURE_TEXTS):
        return True
    if column.share(has_blank) < 0.2:
        return False
    return column.tickets_a_value < 3 or column.mean_length > LABEL_LENGTH or column.filled < 20


def sorts_by_values(column: ColumnStats) -> bool:
    """Whether few short values are shared by many tickets each."""
    return not column.is_capped and column.tickets_a_value >= TICKETS_A_LABEL and column.mean_length <= 40


def is_chosen_subject(column: ColumnStats) -> bool:
    """Whether a subject is chosen from a list rather than written."""
    core = column.words.core
    named = any(word in names.SURE_TEXTS and word in names.SUBJECT for word in ("".join(core), *core[:1], *core[-1:]))
    return named and sorts_by_values(column)


def is_free_text(column: ColumnStats) -> bool:
    """Whether cells are written by people: words, long, and rarely twice."""
    return (
        column.share(has_blank) >= 0.5
        and column.mean_length >= 15
        and (column.tickets_a_value < 2 or column.mean_length > LABEL_LENGTH)
    )


def _is_name(value: str) -> bool:
    """Two or three words that all begin with a capital."""
    words = value.split()
    return 2 <= len(words) <= 3 and all(word[:1].isupper() and word[1:].islower() for word in words)


def has_blank(value: str) -> bool:
    """Whether there is a blank between words."""
    return " " in value.strip()
