"""Every sentence of the pages that can be translated, found without gettext's tools. `make words` (`python -m
tests.web.strings [fr ...]`) puts new ones into the catalogues of every language, drops those that are gone, compiles,
and says what has no translation yet. A language that is named and has no catalogue yet gets one. The pages of accounts
and the operators' desk keep catalogues of their own.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polib
from babel.messages.plurals import get_plural

WEB = Path(__file__).resolve().parents[2] / "otai" / "web"
ACCOUNTS = WEB / "accounts"
DESK = WEB.parent / "billing"
DESK_ELSEWHERE = (WEB.parent / "runs" / "admin.py",)
"""What speaks at the desk beside billing."""
ROOMS = (WEB, ACCOUNTS, DESK)

CALLS = {"_", "gettext", "gettext_lazy", "gettext_noop", "_now"}
PLURAL_CALLS = {"ngettext", "ngettext_lazy"}


class Sentence(NamedTuple):
    text: str
    plural: str = ""
    context: str = ""


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
            yield Sentence(value.literal.replace("%", "%%"))

    def walk(node: object, seen: set[int]) -> Iterator[Sentence]:
        if id(node) in seen:
            return
        seen.add(id(node))
        if isinstance(node, TranslateNode):
            var = node.filter_expression.var
            text = var.literal if isinstance(var, Variable) else var
            if isinstance(text, str):
                # Django looks it up with its percent signs doubled, and halves them in what it finds.
                yield Sentence(text.replace("%", "%%"))
            return
        if isinstance(node, BlockTranslateNode):
            one, _variables = node.render_token_list(node.singular)
            many, _variables = node.render_token_list(node.plural) if node.plural else ("", [])
            if node.trimmed:
                from django.utils.translation import trim_whitespace

                one, many = trim_whitespace(one), trim_whitespace(many)
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


def at_the_desk() -> Iterator[Sentence]:
    """What its tables, their columns, values and forms are called: the models say it, in English."""
    from django.contrib import admin
    from django.utils.translation import override

    from otai.billing.desk import DESK_WORDS, SUBJECTS_OF_NO_TABLE, Desk
    from otai.web.accounts.desk import open_our_tables

    # Commands leave the desk out until somebody asks for its pages.
    open_our_tables()
    yield from (Sentence(subject, context=DESK_WORDS) for subject in SUBJECTS_OF_NO_TABLE)
    with override(None):
        for model, desk in admin.site._registry.items():
            if not isinstance(desk, Desk):
                continue
            options = model._meta
            called = [options.verbose_name, options.verbose_name_plural, options.app_config.verbose_name]
            for field in options.fields:
                called += [field.verbose_name, field.help_text, *(label for _value, label in field.flatchoices)]
            for text in (*called, desk.event_subject):
                yield Sentence(str(text), context=DESK_WORDS)


def sentences(room: Path = WEB) -> set[Sentence]:
    """Of the pages of a room, without those of the rooms inside it."""
    inside = [other for other in ROOMS if room in other.parents]
    found: set[Sentence] = set()
    for path in room.rglob("*.py"):
        if not any(other in path.parents for other in inside):
            found.update(in_python(path))
    for kind in ("*.html", "*.txt"):
        for path in (room / "templates").rglob(kind):
            found.update(in_template(path))
    if room == DESK:
        found.update(at_the_desk())
        for path in DESK_ELSEWHERE:
            found.update(in_python(path))
    # One that is used both alone and with a plural is one entry, with its plural.
    with_plural = {sentence.text for sentence in found if sentence.plural}
    return {
        sentence
        for sentence in found
        if sentence.text and (sentence.plural or sentence.context or sentence.text not in with_plural)
    }


def languages() -> list[str]:
    """That have a catalogue of the pages."""
    return sorted(path.name for path in (WEB / "locale").iterdir() if path.is_dir())


def path_of(language: str, room: Path = WEB, *, kind: str = "po") -> Path:
    return room / "locale" / language / "LC_MESSAGES" / f"django.{kind}"


def catalogue(language: str, room: Path = WEB) -> polib.POFile:
    path = path_of(language, room)
    book = polib.pofile(str(path), wrapwidth=130) if path.exists() else polib.POFile(wrapwidth=130)
    book.metadata = {
        "Project-Id-Version": "OTAI Studio",
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": str(get_plural(language).plural_forms),
    }
    return book


def entry_of(sentence: Sentence, language: str) -> polib.POEntry:
    entry = polib.POEntry(msgid=sentence.text, msgctxt=sentence.context or None)
    if sentence.plural:
        entry.msgid_plural = sentence.plural
        entry.msgstr_plural = dict.fromkeys(range(get_plural(language).num_plurals), "")
    if "%(" in sentence.text:
        entry.flags.append("python-format")
    return entry


def as_collected(language: str, room: Path = WEB) -> polib.POFile:
    """The catalogue of a language with what is new and without what is gone."""
    book, wanted = catalogue(language, room), {(one.text, one.plural, one.context): one for one in sentences(room)}
    there = {(entry.msgid, entry.msgid_plural or "", entry.msgctxt or ""): entry for entry in book}
    book[:] = [there.get(key) or entry_of(one, language) for key, one in wanted.items()]
    book.sort(key=lambda entry: (entry.msgid.lower(), entry.msgid, entry.msgctxt or ""))
    return book


def update(language: str, room: Path = WEB) -> list[str]:
    """Writes a catalogue as it is collected, and compiles it. Returns the sentences without a translation."""
    book = as_collected(language, room)
    path_of(language, room).parent.mkdir(parents=True, exist_ok=True)
    book.save(str(path_of(language, room)))
    book.save_as_mofile(str(path_of(language, room, kind="mo")))
    return [entry.msgid for entry in book if not entry.translated()]


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otai.config.settings")
    import django

    django.setup()
    lacking = 0
    for one in sorted({*languages(), *sys.argv[1:]}):
        for where in ROOMS:
            missing = update(one, where)
            lacking += len(missing)
            print(f"{where.name}, {one}: {len(missing)} sentences without a translation")
            for text in missing:
                print("  ", text)
    sys.exit(bool(lacking))
