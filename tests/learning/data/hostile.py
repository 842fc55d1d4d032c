"""Texts that make a careless regular expression work for the square of their length, made from the expression itself.

Python's `re` tries again from every place and from every shorter repetition. What hurts has one form: what leads to a
repetition, the repetition many times over, and an end that does not fit.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from types import ModuleType

ENDS = ("\x00", "x\n", "@", "1", ",x", "")
PUMPS = (
    " ",
    "\n",
    "\t",
    ">",
    "-",
    "_",
    "@",
    "!",
    "1",
    "a",
    "A",
    "=",
    "*",
    "<",
    "[",
    "{",
    "|",
    "\\",
    "a@",
    "a.",
    "> ",
    " \n",
    "[~",
    "{\\*",
    "<a ",
)
_OF_CATEGORY = {
    sre.CATEGORY_SPACE: " \n",
    sre.CATEGORY_DIGIT: "1",
    sre.CATEGORY_WORD: "a",
    sre.CATEGORY_NOT_SPACE: "a!",
    sre.CATEGORY_NOT_WORD: "! ",
    sre.CATEGORY_NOT_DIGIT: "a",
}
_TRIED = " \n1aA!-@>_.,:=x"


def patterns_of(*rooms: str) -> Iterator[tuple[str, re.Pattern[str], str]]:
    """(where, expression, method) of every expression for texts in the modules of the rooms: compiled ones, in tables
    too, and those written where they are used. What a compiled one is used for is not known: "" is any."""
    seen: set[tuple[str, int, str]] = set()
    for room in rooms:
        package = importlib.import_module(room)
        names = [room] + [found.name for found in pkgutil.walk_packages(getattr(package, "__path__", ()), f"{room}.")]
        for name in names:
            module = importlib.import_module(name)
            for place, pattern, method in [*_compiled(module), *_written_in_place(module)]:
                key = (pattern.pattern, pattern.flags, method)
                if isinstance(pattern.pattern, str) and key not in seen:
                    seen.add(key)
                    yield f"{name}.{place}", pattern, method


def _compiled(module: ModuleType) -> Iterator[tuple[str, re.Pattern[str], str]]:
    waiting = list(vars(module).items())
    source = Path(module.__file__ or "").read_text()
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, re.Pattern):
            used = set(re.findall(rf"\b{re.escape(place)}\.(\w+)\(", source)) if place.startswith("_") else set()
            yield place, value, ("match" if used and used <= {"match", "fullmatch"} else "")
        elif isinstance(value, dict) and not place.startswith("__"):
            waiting += [(f"{place}[{key}]", item) for key, item in value.items()]
        elif isinstance(value, (tuple, list)) and len(value) < 1_000:
            waiting += [(place, item) for item in value]


def _written_in_place(module: ModuleType) -> Iterator[tuple[str, re.Pattern[str], str]]:
    tree = ast.parse(Path(module.__file__ or "").read_text())
    for call in ast.walk(tree):
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id == "re"
            and call.func.attr not in ("escape", "compile")
            and call.args
            and isinstance(call.args[0], ast.Constant)
            and isinstance(call.args[0].value, str)
        ):
            yield f"{call.args[0].value[:20]!r}", re.compile(call.args[0].value), call.func.attr


def hostile_to(pattern: re.Pattern[str], length: int) -> Iterator[str]:
    """Texts of about `length` characters: each repetition of the expression, after what leads to it, and everybody's
    usual ones."""
    tree = _parser.parse(pattern.pattern, pattern.flags)
    units = {("", pump) for pump in PUMPS} | set(_repetitions("", list(tree)))
    for opening, unit in sorted(units):
        pumped = unit * (length // max(len(unit), 1))
        for end in ENDS:
            yield f"{opening}{pumped}{end}"
        if opening:
            # And what leads there, again and again.
            yield (opening + unit * 2) * (length // (len(opening) + 2 * len(unit)))
            yield opening + unit * 8 + (unit + opening[-1]) * (length // (len(unit) + 1)) + "\x00"


def _repetitions(opening: str, nodes: list[tuple[object, object]]) -> Iterator[tuple[str, str]]:
    for kind, value in nodes:
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            least, most, inner = value  # type: ignore[misc]
            if most > 50:
                for unit in _units(inner):
                    yield opening, unit
            yield from _repetitions(opening, list(inner))
            opening += _example(inner) * max(least, 0)
        elif kind is sre.BRANCH:
            for branch in value[1]:  # type: ignore[index]
                yield from _repetitions(opening, list(branch))
            opening += _example(value[1][0])  # type: ignore[index]
        elif kind in (sre.SUBPATTERN, sre.ATOMIC_GROUP):
            inner = value[3] if kind is sre.SUBPATTERN else value  # type: ignore[index]
            yield from _repetitions(opening, list(inner))
            opening += _example(inner)
        else:
            opening += _example([(kind, value)])


def _units(inner: object) -> list[str]:
    nodes = list(inner)  # type: ignore[call-overload]
    if len(nodes) == 1 and nodes[0][0] in (sre.IN, sre.ANY, sre.LITERAL, sre.NOT_LITERAL):
        return _characters(*nodes[0])[:3]
    return [found] if (found := _example(nodes)) else []


def _characters(kind: object, value: object) -> list[str]:
    if kind is sre.LITERAL:
        return [chr(value)]  # type: ignore[arg-type]
    if kind is sre.IN and value[0][0] is not sre.NEGATE:  # type: ignore[index]
        found = ""
        for of, what in value:  # type: ignore[attr-defined]
            found += (
                chr(what) if of is sre.LITERAL else chr(what[0]) if of is sre.RANGE else _OF_CATEGORY.get(what, "a")
            )
        return list(dict.fromkeys(found))
    one = re.compile("[\\s\\S]")
    if kind is sre.IN:
        refused = {chr(what) for of, what in value if of is sre.LITERAL}  # type: ignore[attr-defined]
        for of, what in value:  # type: ignore[attr-defined]
            if of is sre.CATEGORY:
                refused |= {sign for sign in _TRIED if _is_of(what, sign)}
            elif of is sre.RANGE:
                refused |= {sign for sign in _TRIED if what[0] <= ord(sign) <= what[1]}
        return [sign for sign in _TRIED if sign not in refused and one.match(sign)] or ["\u00e4"]
    return ["a", " "]


def _is_of(category: object, sign: str) -> bool:
    is_word, is_space, is_digit = sign.isalnum() or sign == "_", sign.isspace(), sign.isdigit()
    return {
        sre.CATEGORY_WORD: is_word, sre.CATEGORY_NOT_WORD: not is_word, sre.CATEGORY_SPACE: is_space,
        sre.CATEGORY_NOT_SPACE: not is_space, sre.CATEGORY_DIGIT: is_digit, sre.CATEGORY_NOT_DIGIT: not is_digit,
    }[category]  # fmt: skip


def _example(nodes: object) -> str:
    found = ""
    for kind, value in list(nodes):  # type: ignore[call-overload]
        if kind in (sre.LITERAL, sre.IN, sre.ANY, sre.NOT_LITERAL):
            found += _characters(kind, value)[0]
        elif kind in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            found += _example(value[2]) * value[0]
        elif kind is sre.BRANCH:
            found += _example(value[1][0])
        elif kind is sre.SUBPATTERN:
            found += _example(value[3])
        elif kind is sre.ATOMIC_GROUP:
            found += _example(value)
    return found


def seconds_of(work: Callable[[], object]) -> float:
    """Of the processor, the better of two where the first was disturbed."""

    def once() -> float:
        began = time.process_time()
        work()
        return time.process_time() - began

    first = once()
    return min(first, once()) if 0.1 < first < 2 else first


def read_by(pattern: re.Pattern[str], method: str, text: str) -> None:
    """As the rooms do."""
    if method in ("match", "fullmatch"):
        pattern.match(text)
        pattern.fullmatch(text)
    else:
        pattern.match(text)
        for _ in pattern.finditer(text):
            pass


MIXED = {
    "original": "My printer is broken\n-- Original Message" + " " * 60_000 + "x\nhello",
    "blank lines": "hello\ncall a@b.de\n" + "\n" * 60_000 + "x",
    "contact": "My printer is broken\nhello there\nBest regards\nJohn\n" + "a" * 60_000 + "@",
    "contacts": "My printer is broken\nhello there\nBest regards\nJohn\n" + "a@" * 30_000,
    "signs": "Hello\na" + "!" * 60_000 + "a",
    "password": "Hello\npin is" + " " * 60_000 + ",x",
    "passwords": "Hello\n" + "pin is" * 10_000,
    "from": "Hello\nsee below\nFrom: " + "a" * 60_000 + "\nSent: today\nMy printer is broken since monday",
    "footers": "Hello\n" + "".join(f"Sent from my iPhone {number}\n" for number in range(4_000)),
    "quotes": "see\nAm Montag schrieb Bob:\n" + ">" * 100_000,
    "quoted lines": "see\nAm Montag schrieb Bob:\n" + ("> " * 50 + "x\n") * 1_000,
    "wrotes": "see\n" + "On the day wrote: wrote: \n" * 4_000,
    "greetings": "hello\n" + "best" + " " * 50_000 + "x\n" + "mfg\n" * 12_000,
    "addresses": "hello\n" + "a@b.de " * 14_000,
    "telephones": "hello\n" + "+49 30 1234567, " * 6_000,
    "headers": "hello\n" + "From: a\n" * 12_000,
    "notices": "hello\n" + "confidential recipient\n\n" * 4_000,
    "capitals": "hello\n" + "A-" * 50_000,
    "digits": "1" * 100_000 + "\n" + "1" * 100_000,
    "words": "Re : " + "re:" * 30_000 + "\n" + "wort " * 20_000,
}
"""Mails that somebody made up to keep us busy."""
