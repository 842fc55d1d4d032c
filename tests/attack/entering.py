"""Enters a text wherever a customer can enter one: each text field of each form of each page, each text of each body
that the API takes. What is there is read from the pages and from the OpenAPI document: a field that is new tomorrow is
attacked tomorrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser as HTMLParser
from selectolax.lexbor import LexborNode as Node

from tests.api.everything import Everything
from tests.api.test_another_organisation import body_of, endpoints, filled
from tests.attack.names import Watch

TEXT_INPUTS = ("text", "search", "url", "email", "")


@dataclass(frozen=True)
class Form:
    """`texts`: the names of its fields for texts; `values`: what a browser would send of the others."""

    path: str
    method: str
    values: dict[str, str | list[str]]
    texts: tuple[str, ...]


def forms_of(page: str, path: str) -> Iterator[Form]:
    """Those of the page with a field for a text."""
    for form in HTMLParser(page).css("form"):
        values: dict[str, str | list[str]] = {}
        texts = []
        for field in form.css("input, textarea, select, button"):
            name = field.attributes.get("name")
            if not name or name == "csrfmiddlewaretoken":
                continue
            kind = (field.attributes.get("type") or "").lower()
            if field.tag == "textarea" or (field.tag == "input" and kind in TEXT_INPUTS):
                texts.append(name)
            elif (value := _value(field, kind)) is not None:
                values[name] = value
        if texts:
            action = urljoin(path, form.attributes.get("action") or path)
            yield Form(action, (form.attributes.get("method") or "get").lower(), values, tuple(dict.fromkeys(texts)))


def _value(field: Node, kind: str) -> str | None:
    if field.tag == "select":
        options = field.css("option[selected]") or field.css("option")
        return options[0].attributes.get("value") or "" if options else ""
    if kind in ("checkbox", "radio") and "checked" not in field.attributes:
        return None
    return None if kind == "file" else field.attributes.get("value") or ""


def enter_in_forms(
    watch: Watch, browser: Any, paths: Mapping[str, str], texts: Mapping[str, str]
) -> set[tuple[str, str]]:
    """Sends each form with each of the texts in all of its text fields; the forms and fields there were."""
    seen: set[tuple[str, str]] = set()
    for path in paths.values():
        answer = browser.get(path)
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        page = bytes(answer.content).decode()
        for form in forms_of(page, path):
            new = {(form.path.partition("?")[0], name) for name in form.texts} - seen
            if not new:
                continue
            seen |= new
            for what, text in texts.items():
                filled_in = {**form.values, **dict.fromkeys(form.texts, text)}
                said = (
                    browser.post(form.path, filled_in) if form.method == "post" else browser.get(form.path, filled_in)
                )
                watch.at(said, where=f"{form.path} with {what}", is_echo=True)
    return seen


Calls = Callable[[str, str, Any], Any]


def enter_in_bodies(watch: Watch, calls: Calls, has: Everything, texts: Mapping[str, str]) -> int:
    """Sends each text in place of each text of each body that the API takes; how many places there were."""
    places = 0
    for address, method, operation in endpoints():
        body = body_of(operation, has)
        for name, value in (body or {}).items():
            if not isinstance(value, str) or name in has.body:
                continue
            places += 1
            for what, text in texts.items():
                answer = calls(method, filled(address, has), {**(body or {}), name: text})
                watch.at(answer, where=f"{method} {address} {name} with {what}")
    return places


def ask_for_all(watch: Watch, calls: Calls, has: Everything) -> int:
    """Whatever the API tells; how many answers there were."""
    told = 0
    for address, method, _ in endpoints():
        if method == "GET":
            answer = calls(method, filled(address, has), None)
            watch.at(answer, where=f"GET {address}")
            told += answer.status_code == 200
    return told


def look_at_all(watch: Watch, browser: Any, paths: Mapping[str, str]) -> int:
    """Every page; how many of them were seen."""
    seen = 0
    for name, path in paths.items():
        answer = browser.get(path)
        watch.at(answer, where=name)
        seen += answer.status_code == 200
    return seen


def look_at_rows_of_the_desk(watch: Watch, browser: Any, paths: Mapping[str, str], *, most: int = 2) -> int:
    """The desk's lists and the pages that they lead to, some of each; how many of these there were."""
    seen = 0
    for name, path in paths.items():
        if not name.endswith("_changelist"):
            continue
        listed = browser.get(path)
        watch.at(listed, where=name)
        page = bytes(listed.content).decode()
        links = dict.fromkeys(link.attributes.get("href") or "" for link in HTMLParser(page).css("#result_list th a"))
        for link in list(links)[:most]:
            answer = browser.get(urljoin(path, link))
            watch.at(answer, where=f"{name} {link}")
            seen += answer.status_code == 200
    return seen
