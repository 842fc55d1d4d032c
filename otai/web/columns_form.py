"""The columns of an uploaded file, as guessed and as a person settles them. What is shown is what is imported."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from otai.errors import OtaiError
from otai.learning.data.attributes import AttributeKind
from otai.tickets.columns import TEXT_ROLES, ColumnRoles
from otai.tickets.label_columns import split_labels
from otai.tickets.preview import Preview
from otai.web.refusals import in_words
from otai.web.words import fact_words

ROLES: dict[str, str | Promise] = {
    "body": gettext_lazy("Text of the ticket"),
    "subject": gettext_lazy("Subject"),
    "attribute": gettext_lazy("Attribute, one label a ticket"),
    "multi": gettext_lazy("Attribute, several labels a ticket"),
    "ordered": gettext_lazy("Attribute, from low to high"),
    "language": gettext_lazy("Language"),
    "created": gettext_lazy("When it came in"),
    "ticket": gettext_lazy("Number of the ticket"),
    "split": gettext_lazy("Training or test"),
    "sender": gettext_lazy("Who wrote the message"),
    "ignore": gettext_lazy("Leave out"),
}

most_order_letters = 10_000
"""Of what is written into the field for an order: fifty labels of two hundred letters."""

most_sign_letters = 5
"""Of a sign between labels that is not in the list."""

SEPARATOR_SIGNS = {"comma": ",", "semicolon": ";", "bar": "|", "line": "\n", "blank": " ", "slash": "/"}
SEPARATORS: dict[str, str | Promise] = {
    "": gettext_lazy("find out what parts them"),
    "comma": gettext_lazy("parted by commas"),
    "semicolon": gettext_lazy("parted by semicolons"),
    "bar": gettext_lazy("parted by bars |"),
    "line": gettext_lazy("one a line"),
    "blank": gettext_lazy("parted by blanks"),
    "slash": gettext_lazy("parted by slashes"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an uploaded file: some of its values, what it is taken for and why. `group`: part of an attribute of
    several columns."""

    number: int
    name: str
    examples: list[str]
    role: str
    why: str
    group: str
    separator: str = ""
    """What parts several labels in a cell, as the page names it."""
    order: str = ""
    """The labels from low to high, where the guess knows: `low < medium < high`."""
    is_list: bool = False
    """Whether its cells are lists, which nothing has to part."""

    def labels(self, separator: str) -> list[str]:
        """The labels in the examples, as they would be parted."""
        sign = separator_sign(separator)
        parts = [part for value in self.examples for part in (split_labels(value, sign) if sign else [value])]
        return list(dict.fromkeys(parts))[:8]


@dataclass(frozen=True, slots=True)
class Row:
    """A column as the page shows it: its use, what is wrong with it, and for several labels what parts them and which
    come of it."""

    column: Column
    role: str
    wrong: str | Promise
    separator: str
    labels: list[str]
    order: str = ""
    """The labels from low to high as somebody wrote them, or as they were guessed."""

    @property
    def separators(self) -> dict[str, str | Promise]:
        """What can be chosen to part labels, a sign that somebody wrote included."""
        if self.separator in SEPARATORS:
            return SEPARATORS
        return {**SEPARATORS, self.separator: _("parted by %(sign)s") % {"sign": self.separator}}


class ColumnsForm:
    """Each column with its use: the one that the page sent, or the guess where it sent none.

    `is_sent`: by somebody who has seen the page, so that every column comes with one use. One that does not, is shown
    as guessed and refused beside its field: nothing is imported that nobody chose.
    """

    def __init__(self, preview: Preview, data: Mapping[str, str], *, is_sent: bool = False) -> None:
        self._guessed = preview.roles
        self.columns = _columns_of(preview)
        self.said = {
            column.number: said if (said := data.get(f"role-{column.number}", "")) in ROLES else column.role
            for column in self.columns
        }
        self.separators = {column.number: _separator_in(data, column) for column in self.columns}
        self.orders = {
            column.number: " ".join(data.get(f"order-{column.number}", column.order).split())[:most_order_letters]
            for column in self.columns
        }
        self.errors: dict[int, str | Promise] = {}
        if is_sent:
            for column in self.columns:
                uses = data.getlist(f"role-{column.number}") if isinstance(data, QueryDict) else []
                if len(uses) != 1 or uses[0] not in ROLES:
                    self.errors[column.number] = _unclear(uses)

    @property
    def rows(self) -> list[Row]:
        """The columns as the page shows them."""
        return [
            Row(
                column,
                self.said[column.number],
                self.errors.get(column.number, ""),
                self.separators[column.number],
                column.labels(self.separators[column.number]),
                self.orders[column.number],
            )
            for column in self.columns
        ]

    @property
    def has_text(self) -> bool:
        """Whether some column is read as text; without one nothing can be imported."""
        return not {"body", "subject"}.isdisjoint(self.said.values())

    def is_consistent(self) -> bool:
        """Whether one column at most has each role that one can have, and some column is the text; `errors` says where
        not."""
        holders: dict[str, list[Column]] = defaultdict(list)
        for column in self.columns:
            holders[self.said[column.number]].append(column)
        for role in TEXT_ROLES:
            for column in holders[role] if len(holders[role]) > 1 else ():
                others = ", ".join(f"“{other.name}”" for other in holders[role] if other is not column)
                self.errors[column.number] = _("Only one column can be “%(role)s”; %(others)s is it as well.") % {
                    "role": ROLES[role],
                    "others": others,
                }
        if not self.has_text:
            # Beside the columns that were the text; where none was, beside the first.
            were = [column for column in self.columns if column.role in ("body", "subject")] or self.columns[:1]
            for column in were:
                self.errors[column.number] = _(
                    "A ticket needs a text: take this column or another one for “%(body)s” or “%(subject)s”."
                ) % {"body": ROLES["body"], "subject": ROLES["subject"]}
        return not self.errors

    def roles(self) -> ColumnRoles:
        """Every shown use, for the import to obey. Raises ColumnsInvalid."""
        parted = {
            column.name: sign for column in self.columns if (sign := separator_sign(self.separators[column.number]))
        }
        orders = {column.name: order for column in self.columns if (order := _order_of(self.orders[column.number]))}
        uses = {column.name: self.said[column.number] for column in self.columns}
        return self._guessed.settled(uses, parted, orders)

    def refuse(self, error: OtaiError) -> None:
        """What the import refused about a whole column is said beside it; a bad row has a table of its own."""
        name = error.details.get("column")
        if error.details.get("row"):
            return
        for column in self.columns:
            if column.name == name:
                self.errors[column.number] = in_words(error)


def separator_sign(separator: str) -> str:
    """What parts labels, by its name on the page; a sign that somebody wrote is its own name."""
    return SEPARATOR_SIGNS.get(separator, separator)


def _separator_in(data: Mapping[str, str], column: Column) -> str:
    """What was said to part the column's labels. A sign that was written wins over the list beside it."""
    written = data.get(f"sign-{column.number}", "").strip()
    if _can_part_labels(written):
        return next((name for name, sign in SEPARATOR_SIGNS.items() if sign == written), written)
    chosen = data.get(f"separator-{column.number}", "")
    return chosen if chosen and (chosen in SEPARATORS or _can_part_labels(chosen)) else column.separator


def _can_part_labels(sign: str) -> bool:
    return 0 < len(sign) <= most_sign_letters and not any(letter.isalnum() for letter in sign)


def _order_of(text: str) -> tuple[str, ...]:
    """`low < medium < high`, or with commas; empty where nobody wrote one."""
    parts = [part.strip() for part in text.split("<" if "<" in text else ",")]
    return tuple(dict.fromkeys(part for part in parts if part))


def _unclear(uses: list[str]) -> str:
    if not uses:
        return _("No use was sent for this column. Choose one.")
    if len(uses) > 1:
        return _("More than one use was sent for this column. Choose one.")
    return _("“%(use)s” is no use of a column. Choose one of the list.") % {"use": uses[0][:100]}


def role_words(roles: ColumnRoles, column: str) -> str:
    """`Subject`, `Attribute, from low to high: low < medium < high`, `Attribute, one label a ticket (not proposed)`."""
    found = next((one for one in roles.attributes if column in one.columns), None)
    words = str(ROLES[roles.use_of(column)])
    if found is None:
        return words
    if found.name != column:
        words = f"{words} ({found.name})"
    if found.order:
        words = f"{words}: {' < '.join(found.order)}"
    return words if found.proposed else _("%(use)s, not proposed") % {"use": words}


def _columns_of(preview: Preview) -> list[Column]:
    found = []
    for number, stats in enumerate(preview.look.columns):
        examples = [value for value, _count in stats.counts.most_common(3) if value]
        group = next(
            (one.name for one in preview.roles.attributes if stats.name in one.columns and len(one.columns) > 1), ""
        )
        why = fact_words(preview.roles.reasons.get(stats.name))
        alone = next((one for one in preview.roles.attributes if one.columns == (stats.name,)), None)
        sign = alone.separator if alone else None
        separator = next((name for name, one in SEPARATOR_SIGNS.items() if one == sign), sign or "")
        order = " < ".join(alone.order) if alone else ""
        is_list = alone is not None and alone.kind is AttributeKind.MULTI and sign is None
        use = preview.roles.use_of(stats.name)
        found.append(Column(number, stats.name, examples, use, why, group, separator, order, is_list))
    return found
