"""What each column of a source is for: guessed from its name and its values, explained in words, and overridden by the
customer."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from otai.errors import Invalid
from otai.learning.data.attributes import AttributeKind
from otai.tickets.column_names import folded
from otai.words.catalogue import ENGLISH, say_fact
from otai.words.sentences import Fact

TEXT_ROLES = ("subject", "body", "language", "created", "ticket", "split", "sender")
"""Roles that one column holds. `created` is the time the ticket came in, `ticket` its id, `sender` who wrote the
message of a row (customer or agent), where several rows are one ticket."""

_ROLE_WORDS = {
    "subject": "subject", "betreff": "subject", "body": "body", "text": "body", "language": "language",
    "sprache": "language",
    "created": "created", "created_at": "created", "createdat": "created", "time": "created", "ticket": "ticket",
    "id": "ticket",
    "split": "split", "sender": "sender", "attribute": "attribute", "single": "attribute", "multi": "multi",
    "ordered": "ordered", "ignore": "ignore",
    "ignored": "ignore",
}  # fmt: skip

SEPARATORS = (";#", "|", ";", ",", "\n", "/")


class ColumnsInvalid(Invalid):
    """The customer's words about columns make no sense, alone or for this file. The same code as a bad file: correct
    and import again."""

    code = "dataset_invalid"


ColumnReason = Fact | str
"""Why a column is taken for what it is; a sentence where an earlier release stored it."""
NAMED = Fact("named_when_importing")


@dataclass(frozen=True, slots=True)
class AttributeColumns:
    """An attribute and where its labels come from: one column, or several for a multi-label one (tag_1 .. tag_8) and
    for the parts of one name (first name, last name).

    `separator` parts the labels inside a cell of a multi-label attribute; None where each cell is one label. `order`
    lists the labels of an ordered attribute from low to high; empty means: as the values suggest.
    """

    name: str
    kind: AttributeKind
    columns: tuple[str, ...]
    separator: str | None = None
    order: tuple[str, ...] = ()
    reason: ColumnReason = NAMED
    proposed: bool = True
    """False where it can be learnt but does not look like what sorts tickets: it is kept, and no run takes it until
    someone asks."""

    @property
    def why(self) -> str:
        """Why these columns are an attribute, as an English sentence; `reason` is said in any language."""
        return said(self.reason)

    def as_dict(self) -> dict[str, Any]:
        """As JSON: the fields, `reason` as a code with values, and `why` as its English sentence."""
        return dataclasses.asdict(self) | {"kind": str(self.kind), "reason": as_stored(self.reason), "why": self.why}


@dataclass(frozen=True, slots=True)
class ColumnRoles:
    """Which column is for what. As overrides it holds only what the customer said; as the result of a guess, every
    column.

    `single` maps each of TEXT_ROLES that was given to its column. `ignored` are columns left out. `reasons` says for
    each column what decided, as codes with values that the doors say (`otai.words.columns`), and `why` the same in
    English. `confirmed` are columns whose use was shown as a guess and left as it is: it is obeyed like any other word
    of the customer, but the cells are read as leniently as those of a guess.
    """

    single: Mapping[str, str] = dataclasses.field(default_factory=dict)
    attributes: tuple[AttributeColumns, ...] = ()
    ignored: tuple[str, ...] = ()
    reasons: Mapping[str, ColumnReason] = dataclasses.field(default_factory=dict)
    confirmed: tuple[str, ...] = ()

    @classmethod
    def parse(
        cls,
        *,
        columns: Sequence[str] = (),
        attributes: Sequence[str] = (),
        multi: Sequence[str] = (),
        ordered: Sequence[str] = (),
        ignore: Sequence[str] = (),
    ) -> ColumnRoles:
        """Overrides in the words of the command line.

        `columns`: "text=body" (column=role). `attributes`: "queue". `multi`: "tags:|" (a separator) or
        "tag=tag_1,tag_2" (several columns), or both. `ordered`: "priority=low,medium,high" or just "priority".
        `ignore`: "x". Raises ColumnsInvalid.
        """
        single: dict[str, str] = {}
        chosen: list[AttributeColumns] = [AttributeColumns(name, AttributeKind.SINGLE, (name,)) for name in attributes]
        ignored = list(ignore)
        for text in columns:
            column, equals, word = text.rpartition("=")
            role = _ROLE_WORDS.get(word.strip().lower())
            if not equals or not column or role is None:
                raise ColumnsInvalid(
                    "role_form",
                    text=text,
                    known=[*TEXT_ROLES, "attribute", "multi", "ordered", "ignore"],
                    column=column or text,
                )
            if role == "ignore":
                ignored.append(column)
            elif role in ("attribute", "multi", "ordered"):
                kind = AttributeKind.SINGLE if role == "attribute" else AttributeKind(role)
                chosen.append(AttributeColumns(column, kind, (column,)))
            elif role in single and single[role] != column:
                raise ColumnsInvalid("role_twice", first=single[role], use=role, column=column)
            else:
                single[role] = column
        chosen += [_multi(text) for text in multi]
        for text in ordered:
            name, _, labels = text.partition("=")
            order = tuple(label.strip() for label in labels.split(",") if label.strip())
            if not name or len(set(order)) != len(order):
                raise ColumnsInvalid("order_form", text=text, column=name)
            chosen.append(AttributeColumns(name.strip(), AttributeKind.ORDERED, (name.strip(),), order=order))
        for attribute in chosen:
            if not attribute.name.isprintable() or not 1 <= len(attribute.name) <= 200:
                raise ColumnsInvalid("attribute_name", column=attribute.name[:60])
        roles = cls(single=single, attributes=tuple(chosen), ignored=tuple(ignored))
        roles.must_be_consistent()
        return roles

    def must_be_consistent(self) -> None:
        """Raises ColumnsInvalid when a column has two uses or two attributes one name."""
        uses: dict[str, str] = {}
        named: set[str] = set()
        pairs = [(column, role) for role, column in self.single.items()]
        pairs += [(column, f"attribute {found.name}") for found in self.attributes for column in found.columns]
        pairs += [(column, "ignored") for column in self.ignored]
        for column, use in pairs:
            if column in uses:
                raise ColumnsInvalid("column_twice", before=uses[column], use=use, column=column)
            uses[column] = use
        for found in self.attributes:
            if found.name in named:
                raise ColumnsInvalid("attribute_name_twice", name=found.name, column=found.name)
            named.add(found.name)

    def settled(
        self,
        uses: Mapping[str, str],
        separators: Mapping[str, str] | None = None,
        orders: Mapping[str, tuple[str, ...]] | None = None,
    ) -> ColumnRoles:
        """These roles, a guess, with what a person then chose: a use for every column, so that nothing is left to
        guess.

        `uses` maps columns to one of TEXT_ROLES, "attribute", "multi", "ordered" or "ignore"; a column that it leaves
        out stays what it is. Columns that were one attribute stay one as far as they keep their use. `separators` part
        several labels in a cell, `orders` are labels from low to high; both by column. Raises ColumnsInvalid where two
        columns take a role that one can hold, or none is the text.
        """
        guessed = {name: self.use_of(name) for name in (*self.reasons, *self.used)}
        chosen = {name: uses.get(name, use) for name, use in guessed.items()}
        single: dict[str, str] = {}
        for name, use in chosen.items():
            if use in TEXT_ROLES and single.setdefault(use, name) != name:
                raise ColumnsInvalid("role_twice", first=single[use], use=use, column=name)
        if "subject" not in single and "body" not in single:
            raise ColumnsInvalid("no_text_column")
        attributes = []
        for attribute in self.attributes:
            kept = tuple(name for name in attribute.columns if chosen[name] == guessed[name])
            if kept:
                attributes.append(dataclasses.replace(attribute, columns=kept))
        for name, use in chosen.items():
            if use != guessed[name] and use in ("attribute", "multi", "ordered"):
                kind = AttributeKind.SINGLE if use == "attribute" else AttributeKind(use)
                attributes.append(AttributeColumns(name, kind, (name,)))
        parted = separators or {}
        attributes = [
            dataclasses.replace(found, separator=parted.get(found.columns[0], found.separator))
            if found.kind is AttributeKind.MULTI and len(found.columns) == 1
            else found
            for found in attributes
        ]
        given = orders or {}
        attributes = [
            dataclasses.replace(found, order=given[found.columns[0]])
            if found.kind is AttributeKind.ORDERED and len(found.columns) == 1 and given.get(found.columns[0])
            else found
            for found in attributes
        ]
        roles = ColumnRoles(
            single=single,
            attributes=tuple(attributes),
            ignored=tuple(name for name, use in chosen.items() if use == "ignore"),
            reasons={name: why for name, why in self.reasons.items() if chosen[name] == guessed[name]},
            confirmed=tuple(name for name, use in chosen.items() if use == guessed[name]),
        )
        roles.must_be_consistent()
        return roles

    def use_of(self, column: str) -> str:
        """One of TEXT_ROLES, "attribute", "multi", "ordered" or "ignore"."""
        for role, named in self.single.items():
            if named == column:
                return role
        for found in self.attributes:
            if column in found.columns:
                return "attribute" if found.kind is AttributeKind.SINGLE else str(found.kind)
        return "ignore"

    def resolved(self, header: Sequence[str]) -> ColumnRoles:
        """The same with each column as the header spells it; case, blanks and punctuation may differ. Raises
        ColumnsInvalid."""
        by_fold: dict[str, list[str]] = {}
        for name in header:
            by_fold.setdefault(folded(name) or name, []).append(name)

        def spelt(column: str) -> str:
            if column in header:
                return column
            candidates = by_fold.get(folded(column) or column, [])
            if len(candidates) == 1:
                return candidates[0]
            raise ColumnsInvalid("no_column", column=column, columns=list(header))

        resolved = dataclasses.replace(
            self,
            single={role: spelt(column) for role, column in self.single.items()},
            attributes=tuple(
                dataclasses.replace(found, columns=tuple(spelt(column) for column in found.columns))
                for found in self.attributes
            ),
            ignored=tuple(spelt(column) for column in self.ignored),
            confirmed=tuple(spelt(column) for column in self.confirmed),
        )
        resolved.must_be_consistent()
        return resolved

    def among(self, header: Sequence[str]) -> ColumnRoles:
        """What of these roles fits a file with another header: columns that it lacks are left out, the rest is to be
        guessed."""
        known = {folded(name) or name for name in header}

        there = {column for column in self.used if (folded(column) or column) in known}
        return dataclasses.replace(self.only(there), confirmed=tuple(there))

    def only(self, columns: Set[str]) -> ColumnRoles:
        """What these roles say of some columns, without reasons."""
        return ColumnRoles(
            single={role: column for role, column in self.single.items() if column in columns},
            attributes=tuple(
                dataclasses.replace(found, columns=kept)
                for found in self.attributes
                if (kept := tuple(column for column in found.columns if column in columns))
            ),
            ignored=tuple(column for column in self.ignored if column in columns),
            confirmed=tuple(column for column in self.confirmed if column in columns),
        )

    @property
    def used(self) -> set[str]:
        """The columns that these roles speak about."""
        return {
            *self.single.values(),
            *self.ignored,
            *(column for found in self.attributes for column in found.columns),
        }

    @property
    def why(self) -> dict[str, str]:
        """What decided for each column, in English."""
        return {name: said(reason) for name, reason in self.reasons.items()}

    def role_of(self, column: str) -> str:
        """In words, for tables: "body", "attribute queue (single)", "ignored"."""
        for role, named in self.single.items():
            if named == column:
                return "created time" if role == "created" else "ticket id" if role == "ticket" else role
        for found in self.attributes:
            if column in found.columns:
                kind = "" if found.kind is AttributeKind.SINGLE else f" ({_kind_in_words(found)})"
                kept = "" if found.proposed else ", not proposed"
                return f"attribute{'' if found.name == column else ' ' + found.name}{kind}{kept}"
        return "ignored"

    def as_dict(self) -> dict[str, Any]:
        """JSON-serialisable; `from_dict` gives it back."""
        return {
            "single": dict(self.single),
            "attributes": [
                found.as_dict() | {"columns": list(found.columns), "order": list(found.order)}
                for found in self.attributes
            ],
            "ignored": list(self.ignored),
            "why": self.why,
            "reasons": {name: as_stored(reason) for name, reason in self.reasons.items()},
            **({"confirmed": list(self.confirmed)} if self.confirmed else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ColumnRoles:
        """The roles of `as_dict`."""
        return cls(
            single=dict(data["single"]),
            attributes=tuple(
                AttributeColumns(
                    **{
                        **{name: value for name, value in found.items() if name != "why"},
                        "reason": restored(found.get("reason", found.get("why", ""))),
                        "kind": AttributeKind(found["kind"]),
                        "columns": tuple(found["columns"]),
                        "order": tuple(found["order"]),
                    }
                )
                for found in data["attributes"]
            ),
            ignored=tuple(data["ignored"]),
            reasons=_reasons(data),
            confirmed=tuple(data.get("confirmed", ())),
        )


def said(reason: ColumnReason, *, language: str = ENGLISH) -> str:
    """A reason in a language; what an earlier release stored is a sentence and stays one."""
    return reason if isinstance(reason, str) else say_fact(reason, language=language)


def as_stored(reason: ColumnReason) -> dict[str, Any] | str:
    """A reason as JSON keeps it: code and values, or the sentence of an earlier release."""
    return reason if isinstance(reason, str) else reason.as_dict()


def restored(stored: Mapping[str, Any] | str) -> ColumnReason:
    """What `as_stored` kept."""
    return stored if isinstance(stored, str) else Fact.from_dict(stored)


def _reasons(data: Mapping[str, Any]) -> dict[str, ColumnReason]:
    return {name: restored(reason) for name, reason in (data.get("reasons") or data["why"]).items()}


def _kind_in_words(found: AttributeColumns) -> str:
    if found.kind is AttributeKind.ORDERED:
        return "ordered " + " < ".join(found.order) if found.order else "ordered"
    if found.separator:
        return f"multi-label, separated by {found.separator!r}"
    return "multi-label"


def _multi(text: str) -> AttributeColumns:
    name, separator = text, None
    # The separator comes last, and may be any character but a letter or digit; "\n" and "\t" are written so.
    if match := re.fullmatch(r"(.*?):(\\n|\\t|[^\w\s]+|\s)", text, flags=re.DOTALL):
        name, separator = match[1], {"\\n": "\n", "\\t": "\t"}.get(match[2], match[2])
    name, equals, listed = name.partition("=")
    columns = tuple(column.strip() for column in listed.split(",") if column.strip()) if equals else (name.strip(),)
    if not name.strip() or not columns:
        raise ColumnsInvalid("multi_form", text=text, column=name)
    return AttributeColumns(name.strip(), AttributeKind.MULTI, columns, separator=separator)
