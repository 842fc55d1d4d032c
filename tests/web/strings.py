"""Every sentence of the pages that can be translated, found without gettext's tools: `python -m tests.web.strings` puts new ones into the
German catalogue, drops those that are gone, compiles, and says what has no German yet. Accounts keep a catalogue of their own.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polib

WEB = Path(__file__).resolve().parents[2] / "otai" / "web"
CATALOGUE = WEB / "locale" / "de" / "LC_MESSAGES" / "django.po"
APART = WEB / "accounts"

CALLS = {"_", "gettext", "gettext_lazy", "gettext_noop", "_now"}
PLURAL_CALLS = {"ngettext", "ngettext_lazy"}


class Sentence(NamedTuple):
    text: str
    plural: str = ""


def in_python(path: Path) -> Iterator[Sentence]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        words = [
            argument.value
            for argument in node.args
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        ]
        if name in CALLS and words:
            yield Sentence(words[0])
        elif name in PLURAL_CALLS and len(words) >= 2:
            yield Sentence(words[0], words[1])


def in_template(path: Path) -> Iterator[Sentence]:
    from django.template import Engine, engines
    from django.template.base import FilterExpression, Node, NodeList, Variable
    from django.templatetags.i18n import BlockTranslateNode, TranslateNode
    from django.utils.functional import Promise

    engine: Engine = engines["django"].engine

    def words_of(value: object) -> Iterator[Sentence]:
        if isinstance(value, FilterExpression):
            yield from words_of(value.var)
            for _function, arguments in value.filters:
                for _is_variable, argument in arguments:
                    yield from words_of(argument)
        elif isinstance(value, Promise):
            # `_("...")` in a template is a lazy translation as soon as it is read: its first argument is the sentence.
            _unpickle, (_function, lazy_arguments, *_rest) = value.__reduce__()
            yield Sentence(lazy_arguments[0])
        elif isinstance(value, Variable) and value.translate and isinstance(value.literal, str):
            yield Sentence(value.literal)

    def walk(node: object, seen: set[int]) -> Iterator[Sentence]:
        if id(node) in seen:
            return
        seen.add(id(node))
        if isinstance(node, TranslateNode):
            if isinstance(node.filter_expression.var, Variable) and isinstance(node.filter_expression.var.literal, str):
                yield Sentence(node.filter_expression.var.literal)
            elif isinstance(node.filter_expression.var, str):
                yield Sentence(node.filter_expression.var)
            return
        if isinstance(node, BlockTranslateNode):
            one, _variables = node.render_token_list(node.singular)
            many, _variables = node.render_token_list(node.plural) if node.plural else ("", [])
            if node.trimmed:
                from django.utils.translation import trim_whitespace

                one, many = trim_whitespace(one), trim_whitespace(many)
            # As written in a catalogue: a percent sign that is not a name's stands once there, and twice where names follow it.
            yield Sentence(one, many)
            for value in node.extra_context.values():
                yield from words_of(value)
            return
        if isinstance(node, (list, tuple, NodeList)):
            for each in node:
                yield from walk(each, seen)
        elif isinstance(node, dict):
            for each in node.values():
                yield from walk(each, seen)
        elif isinstance(node, Node):
            for value in vars(node).values():
                if isinstance(value, (Node, NodeList, list, tuple, dict, FilterExpression)):
                    yield from walk(value, seen)
        elif isinstance(node, FilterExpression):
            yield from words_of(node)

    yield from walk(engine.from_string(path.read_text()).nodelist, set())


def sentences() -> set[Sentence]:
    found: set[Sentence] = set()
    for path in WEB.rglob("*.py"):
        if APART not in path.parents:
            found.update(in_python(path))
    for kind in ("*.html", "*.txt"):
        for path in (WEB / "templates").rglob(kind):
            found.update(in_template(path))
    # One that is used both alone and with a plural is one entry, with its plural.
    with_plural = {sentence.text for sentence in found if sentence.plural}
    return {sentence for sentence in found if sentence.text and (sentence.plural or sentence.text not in with_plural)}


def catalogue() -> polib.POFile:
    if CATALOGUE.exists():
        return polib.pofile(str(CATALOGUE), wrapwidth=130)
    made = polib.POFile(wrapwidth=130)
    made.metadata = {
        "Project-Id-Version": "OTAI Studio",
        "Language": "de",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
    }
    return made


def entry_of(sentence: Sentence) -> polib.POEntry:
    entry = polib.POEntry(msgid=sentence.text)
    if sentence.plural:
        entry.msgid_plural, entry.msgstr_plural = sentence.plural, {0: "", 1: ""}
    if "%(" in sentence.text:
        entry.flags.append("python-format")
    return entry


def update() -> list[str]:
    """Brings the catalogue up to date and compiles it. Returns the sentences without German."""
    book, wanted = catalogue(), {(sentence.text, sentence.plural): sentence for sentence in sentences()}
    for entry in list(book):
        if (entry.msgid, entry.msgid_plural or "") not in wanted:
            book.remove(entry)
    there = {(entry.msgid, entry.msgid_plural or "") for entry in book}
    for key in sorted(set(wanted) - there):
        book.append(entry_of(wanted[key]))
    book.sort(key=lambda entry: entry.msgid.lower())
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    book.save(str(CATALOGUE))
    book.save_as_mofile(str(CATALOGUE.with_suffix(".mo")))
    return [entry.msgid for entry in book if not entry.translated()]


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otai.config.settings")
    import django

    django.setup()
    missing = update()
    print(f"{CATALOGUE}: {len(missing)} without German")
    for text in missing:
        print("  ", text)
    sys.exit(bool(missing))
