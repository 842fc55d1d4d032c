"""Files that can be read and hold no tickets: the error that an API answered, an empty list, a text for people, a table
as a program drew it on the screen. Each is refused by what it is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from otai.learning.data.privacy.personal import mask
from otai.tickets.column_names import folded
from otai.tickets.problems import refused
from otai.tickets.sources.dialect import DELIMITERS, quoted_field
from otai.tickets.sources.grid import KNOWN_NAMES
from otai.tickets.sources.json_cursor import BLANK, parse
from otai.tickets.sources.json_lists import DEEPEST, TEXTS_OF_A_TICKET, WRAPPER_NAMES, ListOfObjects
from otai.tickets.sources.text import TextFile
from otai.words.sentences import Fact

LONGEST_ANSWER = 64 << 10
"""Characters: no answer that only says what went wrong is longer, and no list without tickets."""
MOST_ERRORS = 5
"""In a list of them (Salesforce answers with one)."""
QUOTED = 80

_ERRORS = frozenset({
    "error", "errors", "errormessage", "errormessages", "errorcode", "errordescription", "errordetail", "errordetails",
    "errorhuman", "errorlist", "exception", "exceptions", "fault", "faultcode", "faultstring", "requirelogin",
    "invalidfields",
})  # fmt: skip
_SAYS_WHAT = (
    "message", "msg", "errormessage", "errormessages", "errordescription", "detail", "details", "description", "title",
    "reason", "faultstring", "error", "errors", "fault", "exception", "errorhuman", "code", "errorcode",
)  # fmt: skip
_OF_AN_ANSWER = _ERRORS | {
    *_SAYS_WHAT,
    "status", "statuscode", "statustext", "type", "success", "ok", "documentationurl", "requestid", "correlationid",
    "traceid", "logref", "instance", "path", "timestamp", "help", "helpurl", "moreinfo", "links", "context", "category",
    "subcategory", "severity", "hint", "exceptioncode", "data", "result", "results", "innerexception", "typename",
    "typekey", "eventid", "extensions", "locations", "name", "sessionid", "embedded",
}  # fmt: skip
_FAILED = re.compile(r"[45]\d\d|err(or)?|fail(ed|ure)?|unauthori[sz]ed|forbidden|denied", re.IGNORECASE)
_BEGINS_WITH_STATUS = re.compile(r"[45]\d\d\b")
_REFUSALS = re.compile(
    r"unauthori[sz]ed|forbidden|access[_ ]denied|not[_ ]?found|invalid[_ ](credentials|token|api[_ ]?key)|"
    r"(too_many|rate)_?(requests|limit\w*)|expired",
    re.IGNORECASE,
)


def must_be_elements_of_tickets(path: Sequence[str], elements: Sequence[Any]) -> None:
    """The same for the first of the elements of an XML text that may be tickets, and the path at which they lie."""
    error = next((name for name in path if _plain(name) in _ERRORS), None)
    document = {error or path[-2]: list(elements)} if error or len(path) > 1 else list(elements)
    if len(path) == 1 and all(one in (None, {path[0]: None}) for one in elements):
        raise refused("json_list_empty", list=path[0])
    must_hold_tickets(document)


def small_document(text: TextFile) -> Any:
    """The one value of a short JSON text; None where it is longer, damaged, or several."""
    with text.open() as handle:
        content = handle.read(LONGEST_ANSWER + 1)
    if len(content) > LONGEST_ANSWER:
        return None
    try:
        return parse(content)
    except (ValueError, RecursionError):
        return None


def must_hold_tickets(document: Any, found: ListOfObjects | None = None) -> None:
    """Raises DatasetInvalid for an error that an API answered, and for a list without a ticket in it. `found`: the list
    of tickets that was found in the document."""
    within = {_plain(key) for key in found.path} if found is not None and found.path else set()
    if ((within <= _OF_AN_ANSWER and within & _ERRORS) or not within) and (said := error_of(document)) is not None:
        what = Fact("file_error_answer", {"said": mask(said)[:QUOTED]}) if said else Fact("file_error_unsaid")
        raise refused("is_a", what=what, instead=Fact("instead_ask_again"))
    if within and found is not None and found.name in WRAPPER_NAMES:
        return
    if (empty := _empty_list(document)) is not None:
        raise refused("json_list_empty", **({"list": empty} if empty else {}))


def error_of(document: Any) -> str | None:
    """What an answer says went wrong ("" where it says only that); None for what is no such answer."""
    if isinstance(document, list) and 0 < len(document) <= MOST_ERRORS:
        each = [error_of(one) for one in document]
        is_error = all(one is not None for one in each) and all(_names(one) & _ERRORS for one in document)
        return each[0] if is_error else None
    if not isinstance(document, Mapping):
        return None
    told = {
        _plain(key): value
        for key, value in document.items()
        if value not in (None, "", [], {}, False, "false") and not str(key).startswith("$")
    }
    if not told or told.keys() & {"subject", "summary", "shortdescription", "body", "tickets", "issues"}:
        return None
    if (told.keys() & _ERRORS and not told.keys() & {"id", "text"}) or (
        told.keys() <= _OF_AN_ANSWER and _has_failed(told, document)
    ):
        return _said(told) or ""
    return None


def _names(document: Any) -> set[str]:
    return {_plain(key) for key in document} if isinstance(document, Mapping) else set()


def _plain(name: object) -> str:
    return folded(str(name))


def _has_failed(told: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """Whether the answer says that something went wrong in other words than `error`."""
    if any(document.get(key) in (False, "false") for key in ("ok", "success")) or told.keys() & {
        "documentationurl",
        "logref",
    }:
        return True
    for key in ("status", "statuscode", "code", "type", "exceptioncode", "statustext"):
        value = str(told.get(key, ""))
        if _FAILED.fullmatch(value) or _REFUSALS.search(value):
            return True
    return bool(_BEGINS_WITH_STATUS.match(str(told.get("message", ""))))


def _said(told: Any) -> str | None:
    """The words that a person can read, wherever in the answer they stand."""
    if isinstance(told, str):
        return " ".join(told.split()) or None
    if isinstance(told, Sequence):
        return next((said for one in told if (said := _said(one))), None)
    if isinstance(told, Mapping):
        plain = {_plain(key): value for key, value in told.items()}
        return next((said for key in _SAYS_WHAT if key in plain and (said := _said(plain[key]))), None)
    return None


def _empty_list(document: Any) -> str | None:
    """The path of the list in which the tickets of a page would stand, if it is empty ("" for the document itself);
    None where there is no such list."""
    if isinstance(document, list):
        return "" if not document else None
    if not isinstance(document, Mapping) or {key.lower() for key in document} & TEXTS_OF_A_TICKET:
        return None
    empty = [path for path, value in _lists(document, ()) if not value]
    named = [path for path in empty if path[-1].lower() in WRAPPER_NAMES]
    if named:
        return ".".join(named[0])
    is_alone = len(empty) == 1 and not any(value for _, value in _lists(document, ()))
    return ".".join(empty[0]) if is_alone else None


def _lists(document: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    for key, value in document.items():
        if isinstance(value, list):
            yield (*path, key), value
        elif isinstance(value, Mapping) and len(path) < DEEPEST:
            yield from _lists(value, (*path, key))


# Texts.

_RULE = re.compile(r"\+?-{2,}+(?:\+-*+)++|\+[-=]{2,}+\+?|[|]-++(?:\+-++)++[|]|[┌╔├╞][─═┬╤┼]++[┐╗┤╡]")
"""What psql, mysql and others draw below the names, or above them."""
_BLANK_RULE = re.compile(r"-{2,}+(?:[ ]++-{2,}+)++")
"""The same of sqlcmd and sqlplus, whose columns are parted by blanks."""
_RECORD = re.compile(r"-\[ RECORD \d++ \][-+]*+|\*{10,}+ \d++\. row \*{10,}+")
_HEADING = re.compile(r"#{1,6} \S")
_MARKDOWN_RULE = re.compile(r"(?:\|[ \t]*+)?:?-{2,}+:?[ \t]*+\|")
_TITLE = re.compile(r"={3,}+")
"""Below a title."""
_COMMA_OF_A_TABLE = re.compile(r",(?=[^\s\d])")
_LOGGED = re.compile(
    r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d,.:+Z-]{0,16}\]?[ ]{1,4}\[?"
    r"(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|FATAL|CRITICAL)\b"
)
"""A line with its time and how much it matters, as programs write what they do."""
MOSTLY_LOGGED = 0.6
LOOKED_LINES = 200
PARAGRAPHS = 0.1
"""In a text for people at least this share of the lines is empty; in a table hardly any is."""
AS_A_TABLE = 0.5
"""So many lines of a table at least hold a delimiter equally often."""


def must_be_a_table(start: str) -> None:
    """Raises DatasetInvalid where the beginning of a text is that of a letter, of notes in Markdown, or of a table
    drawn for the screen."""
    lines = [line.strip() for line in start.split("\n")[:LOOKED_LINES]]
    filled = [line for line in lines if line]
    if not filled:
        return
    if is_drawn(filled):
        raise refused("is_a", what=Fact("file_drawn_table"), instead=Fact("instead_from_the_query"))
    if sum(_LOGGED.match(line) is not None for line in filled) >= MOSTLY_LOGGED * len(filled) > 1:
        raise refused("is_a", what=Fact("file_log"), instead=Fact("instead_export_table"))
    if is_for_people(lines, filled, start):
        raise refused("is_a", what=Fact("file_plain_text"), instead=Fact("instead_export_table"))


def is_drawn(filled: Sequence[str]) -> bool:
    """Whether lines of signs part the names from the rows, as on a screen."""
    if _RECORD.fullmatch(filled[0]) or any(_RULE.fullmatch(line) for line in filled[:2]):
        return True
    # Below a title.
    if len(filled) > 2 and "|" in filled[1] and _RULE.fullmatch(filled[2]):
        return True
    return len(filled) > 1 and _BLANK_RULE.fullmatch(filled[1]) is not None


def is_for_people(lines: Sequence[str], filled: Sequence[str], start: str) -> bool:
    """Whether the lines are headings, paragraphs or a single sentence, and no rows."""
    first = filled[0]
    if any(map(_MARKDOWN_RULE.match, filled[:40])):
        return False
    if _HEADING.match(first) or (len(lines) > 1 and _TITLE.fullmatch(lines[1])):
        return not any(_is_a_table_of(sign, filled) for sign in DELIMITERS if sign != ",")
    if _has_names_or_quotes(first, start):
        return False
    last = max(at for at, line in enumerate(lines) if line)
    has_paragraphs = lines[:last].count("") >= max(1, PARAGRAPHS * last)
    # In sentences a blank follows the comma.
    is_prose = has_paragraphs and not _COMMA_OF_A_TABLE.search(start)
    if any(_is_a_table_of(sign, filled) for sign in DELIMITERS if not (sign == "," and is_prose)):
        return False
    is_one_sentence = len(filled) == 1 and " " in first and "\n" not in start.rstrip(BLANK)
    return is_one_sentence or (has_paragraphs and len(filled) > 1 and " " in max(filled, key=len))


def _has_names_or_quotes(first: str, start: str) -> bool:
    """Whether the first line names columns as helpdesks do, or fields stand in quotes."""
    has_names = any(folded(name) in KNOWN_NAMES for name in re.split(r"[,;|\t]", first))
    return has_names or any(quoted_field(delimiter).search(start) for delimiter in DELIMITERS)


def _is_a_table_of(delimiter: str, filled: Sequence[str]) -> bool:
    counts = Counter(line.count(delimiter) for line in filled)
    return len(filled) > 1 and any(
        count and lines > 1 and lines >= AS_A_TABLE * len(filled) for count, lines in counts.items()
    )
