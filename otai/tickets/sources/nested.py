"""Nested objects as cells: keys with a dot, names of labels, and as JSON text what is a table of its own (the messages
of a ticket)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

DEEPEST = 3
"""Objects nested deeper than this are kept as JSON text: fields.customer.name is still a column."""
NAMES = (
    "name",
    "tag",
    "label",
    "title",
    "display_value",
    "displayName",
    "display_name",
    "tagName",
    "value",
    "full_name",
    "fullName",
    "login",
    "username",
    "userName",
    "email",
    "slug",
    "key",
)
"""What an object in a list of labels is called by, the most telling first."""
MESSAGES = frozenset({
    "body", "html_body", "plain_body", "htmlbody", "bodytext", "body_text", "content", "message", "comment",
    "created_at", "createdat",
    "created", "author", "author_id", "sender", "from", "part_type", "note", "notes", "timestamp", "date",
})  # fmt: skip
"""An object that says one of these is a message or an event, and no label."""
EXTENDED_TYPES = frozenset(("$oid", "$date", "$numberLong", "$numberInt", "$numberDecimal", "$numberDouble", "$uuid"))
_FIELDS = re.compile(
    r"(custom|additional|extra|dynamic)[_ -]?(field|attribute|propert|data|value)|^fields$|^properties$", re.IGNORECASE
)
_FIELD_NAMES = ("name", "label", "title", "customfieldname", "key", "id")
_FIELD_OBJECTS = ("field", "custom_field", "customField", "attribute", "definition", "property")
"""What describes a field in an object of its own, beside its value."""
_FIELD_VALUES = ("value", "values", "customfieldvalues", "text")


class Flattener:
    """Turns documents into rows. What a list is taken for is decided by the first that holds something, so that a
    column has one shape."""

    def __init__(self) -> None:
        self._are_labels: dict[str, str | None] = {}

    def row(self, document: dict[str, Any]) -> dict[str, Any]:
        """Column names to cells: texts, None, or lists of texts."""
        flat: dict[str, Any] = {}
        self._add(flat, document, "", 1)
        return flat

    def _add(self, flat: dict[str, Any], document: dict[str, Any], prefix: str, depth: int) -> None:
        for key, value in document.items():
            name = prefix + key
            if value is None or value.__class__ is str:
                flat[name] = value
            elif isinstance(value, dict):
                self._add_object(flat, value, name, depth)
            elif isinstance(value, list):
                self._add_list(flat, value, name, depth)
            else:
                flat[name] = _scalar(value)

    def _add_object(self, flat: dict[str, Any], value: dict[str, Any], name: str, depth: int) -> None:
        if value.get("type") == "doc" and isinstance(value.get("content"), list):
            flat[name] = "".join(_words_of_document(value, 0)).strip() or None
        elif "display_value" in value and len(value) <= 4 and not isinstance(value["display_value"], dict | list):
            # What the helpdesk shows, and beside it the key it is stored under.
            shown = value["display_value"]
            flat[name] = _scalar(shown if shown not in (None, "") else value.get("value"))
        elif len(value) == 1 and (only := next(iter(value))) in EXTENDED_TYPES:
            # A database's way to say of which type a value is ({"$date": ...}).
            self._add(flat, {name: value[only]}, "", depth + 1)
        elif value and depth < DEEPEST:
            self._add(flat, value, f"{name}.", depth + 1)
        else:
            flat[name] = _as_json(value) if value else None

    def _add_list(self, flat: dict[str, Any], value: list[Any], name: str, depth: int) -> None:
        if not value:
            # A list of messages is text; mixing shapes in one column would make lists of all of it.
            flat[name] = [] if self._are_labels.get(name, "") is not None else None
        elif all(item is None or not isinstance(item, dict | list) for item in value):
            flat[name] = [_scalar(item) for item in value if item is not None]
        elif _FIELDS.search(name.rpartition(".")[2]) and (fields := _fields(value)) is not None:
            self._add(flat, fields, f"{name}.", depth + 1)
        else:
            if name not in self._are_labels:
                self._are_labels[name] = _name_key(value)
            key = self._are_labels[name]
            labels = [_label(item, key) for item in value] if key else []
            flat[name] = [label for label in labels if label] if key else _as_json(value)


_LINES = frozenset(("paragraph", "heading", "listItem", "codeBlock", "blockquote", "tableRow", "rule"))
_DEEPEST_DOCUMENT = 40


def _words_of_document(node: dict[str, Any], depth: int) -> Iterator[str]:
    """The text of a document as editors keep it: a tree of paragraphs, lists and words (Atlassian, ProseMirror)."""
    kind = node.get("type")
    attributes = node.get("attrs")
    if isinstance(node.get("text"), str):
        yield node["text"]
    elif kind == "hardBreak":
        yield "\n"
    elif kind in ("mention", "emoji", "inlineCard") and isinstance(attributes, dict):
        yield str(attributes.get("text") or attributes.get("url") or "")
    content = node.get("content")
    for child in content if isinstance(content, list) and depth < _DEEPEST_DOCUMENT else ():
        if isinstance(child, dict):
            yield from _words_of_document(child, depth + 1)
    if kind in _LINES:
        yield "\n"


def _name_key(items: list[Any]) -> str | None:
    """By which key the objects of a list are called, if they are labels; None if they are messages or have no name."""
    if not all(isinstance(item, dict) for item in items):
        return None
    if any(not MESSAGES.isdisjoint(key.lower() for key in item) for item in items):
        return None
    for key in NAMES:
        values = [item.get(key) for item in items]
        if all(isinstance(value, str) and 0 < len(value) <= 200 for value in values):
            return key
    return None


def _label(item: Any, key: str) -> str | None:
    value = item.get(key) if isinstance(item, dict) else item
    return None if value is None or isinstance(value, dict | list) else _scalar(value)


def _fields(items: list[Any]) -> dict[str, Any] | None:
    """Pairs of name and value, as custom fields are written, as an object."""
    fields: dict[str, Any] = {}
    for item in items:
        if not isinstance(item, dict):
            return None
        named = next((item[key] for key in _FIELD_OBJECTS if isinstance(item.get(key), dict)), item)
        name = next((one[key] for key in _FIELD_NAMES for one in (item, named) if _is_name(one.get(key))), None)
        value_key = next((key for key in _FIELD_VALUES if key in item), None)
        if name is None or value_key is None:
            return None
        fields[name] = item[value_key]
    return fields


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
