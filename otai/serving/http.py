"""A trained model behind HTTP: `otai serve`. One bundle, no database, no Django; JSON in, JSON out.

    POST /predict   {"text": "..."} or {"subject": "...", "body": "..."}, or {"tickets": [such, such, ...]};
                    with "precision": 0.95 each attribute says whether it may be decided alone
    GET  /labels    the attributes, their labels, and the confidence to set for each precision that was measured
    GET  /health    200 once the model is loaded
    GET  /openapi.json

Bodies are bounded, a request never waits for more than one other batch a core, and an answer never holds a text. With a
key (`OTAI_SERVE_KEY`) all but /health wants `Authorization: Bearer KEY`.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from otai.errors import Invalid, NotAllowed, NotFound, OtaiError, Refused, Unavailable
from otai.front.asgi import AsgiScope, Receive, Send
from otai.learning.model.deciding import MEASURED_PRECISIONS, Thresholds

if TYPE_CHECKING:
    from otai.learning.model.bundle import Bundle, TicketPrediction

BUNDLE_VARIABLE, KEY_VARIABLE, NAME_VARIABLE = "OTAI_SERVE_BUNDLE", "OTAI_SERVE_KEY", "OTAI_SERVE_NAME"

most_body_bytes = 8_000_000
most_tickets = 1_000
most_characters = 1_000_000
"""Of one ticket. The model itself reads the first 8 000 and the last 2 000."""

STATUS: dict[type[OtaiError], int] = {Refused: 409, Invalid: 422, NotFound: 404, NotAllowed: 403, Unavailable: 503}

log = logging.getLogger(__name__)


class RequestInvalid(Invalid):
    code = "request_invalid"


class BodyTooLarge(Invalid):
    code = "body_too_large"


class MethodUnknown(Invalid):
    code = "method_not_allowed"


class KeyMissing(NotAllowed):
    code = "key_missing"


@dataclass(frozen=True)
class JsonReply:
    """What goes back: a status and something JSON can hold."""

    status: int
    body: Any


@dataclass
class ModelServer:
    """The ASGI application for one bundle. `name` is what answers call the model."""

    bundle: Bundle
    name: str
    key: str | None = None
    at_once: int = 1
    """Batches predicted side by side; others wait their turn."""

    _turn: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._turn = asyncio.Semaphore(self.at_once)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["type"] != "http":
            return
        try:
            answer = await self._answer(scope, receive)
        except OtaiError as error:
            answer = JsonReply(_status_of(error), {"error": error.as_dict()})
        except Exception:
            # Whatever it was, the next request must be answered, and nobody outside learns how we are built.
            log.exception("a request failed")
            answer = JsonReply(500, {"error": {"code": "internal", "message": "The server failed. Its log says why."}})
        await _send(send, answer)

    async def _answer(self, scope: AsgiScope, receive: Receive) -> JsonReply:
        method, path = scope["method"], scope["path"].rstrip("/") or "/"
        routes: dict[str, tuple[str, Callable[[], Awaitable[Any]]]] = {
            "/health": ("GET", self._health),
            "/labels": ("GET", self._labels),
            "/openapi.json": ("GET", self._description),
            "/predict": ("POST", lambda: self._predict(scope, receive)),
        }
        if path not in routes:
            raise NotFound("no_path", path=path, routes=list(routes))
        wanted, handle = routes[path]
        if method != wanted and not (method == "HEAD" and wanted == "GET"):
            raise MethodUnknown("path_method", path=path, wanted=wanted)
        if path != "/health":
            self._check_key(scope)
        return JsonReply(200, await handle())

    def _check_key(self, scope: AsgiScope) -> None:
        if self.key is None:
            return
        given = dict(scope["headers"]).get(b"authorization", b"")
        if not hmac.compare_digest(given, b"Bearer " + self.key.encode()):
            raise KeyMissing("bearer")

    async def _health(self) -> Any:
        return {"status": "ok", "model": self.name, "attributes": [one.spec.name for one in self.bundle.attributes]}

    async def _labels(self) -> Any:
        return {
            "model": self.name,
            "mode": self.bundle.recipe.get("mode"),
            "trained_tickets": self.bundle.trained_tickets,
            "attributes": [
                {
                    "name": one.spec.name,
                    "kind": one.spec.kind.value,
                    "labels": list(one.labels),
                    "thresholds": dict(one.thresholds),
                }
                for one in self.bundle.attributes
            ],
        }

    async def _predict(self, scope: AsgiScope, receive: Receive) -> Any:
        asked = tickets_in(await _body(scope, receive))
        thresholds = None if asked.precision is None else Thresholds.at(self.bundle, asked.precision)
        async with self._turn:
            predictions = await asyncio.to_thread(self.bundle.predict, asked.texts)
        found = [as_json(prediction, thresholds) for prediction in predictions]
        return {"model": self.name, "tickets": found} if asked.is_batch else {"model": self.name, **found[0]}

    async def _description(self) -> Any:
        return described(self.name, with_key=self.key is not None)


def application() -> ModelServer:
    """What the server's processes make of their environment."""
    from otai.learning.model.bundle import Bundle

    return ModelServer(
        Bundle.load(os.environ[BUNDLE_VARIABLE]),
        name=os.environ.get(NAME_VARIABLE, "model"),
        key=os.environ.get(KEY_VARIABLE) or None,
    )


@dataclass(frozen=True)
class AskedTickets:
    """What a request asks of the model. `precision`: at which it wants to know what may be decided alone."""

    texts: list[str]
    is_batch: bool
    precision: float | None


_OF_A_TICKET = ("text", "subject", "body")


def tickets_in(body: bytes) -> AskedTickets:
    """The texts of a request. Raises RequestInvalid, naming the ticket that is wrong (counted from 1), and for a field
    that nobody would read."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestInvalid("json", error=str(error)[:200]) from None
    if not isinstance(document, dict):
        raise RequestInvalid("body")
    precision = document.get("precision")
    if precision is not None and (isinstance(precision, bool) or not isinstance(precision, int | float)):
        raise RequestInvalid("precision")
    if "tickets" not in document:
        _check_fields(document, "The request", (*_OF_A_TICKET, "precision"))
        return AskedTickets([text_of(document, "The ticket")], False, precision)
    _check_fields(document, "The request", ("tickets", "precision"))
    tickets = document["tickets"]
    if not isinstance(tickets, list) or not tickets:
        raise RequestInvalid("tickets")
    if len(tickets) > most_tickets:
        raise RequestInvalid("tickets_too_many", tickets=len(tickets), most_tickets=most_tickets)
    for number, ticket in enumerate(tickets, 1):
        if isinstance(ticket, Mapping):
            _check_fields(ticket, f"Ticket {number}", _OF_A_TICKET)
    texts = [text_of(ticket, f"Ticket {number}") for number, ticket in enumerate(tickets, 1)]
    return AskedTickets(texts, True, precision)


def _check_fields(given: Mapping[str, Any], name: str, known: Sequence[str]) -> None:
    if unknown := sorted(given.keys() - set(known)):
        raise RequestInvalid("unknown_fields", name=name, unknown=unknown[:5], known=list(known))


def text_of(ticket: object, name: str) -> str:
    """One ticket's text: a string, {"text"}, or {"subject", "body"}. Raises RequestInvalid, naming it as `name`."""
    if isinstance(ticket, str):
        return _bounded(ticket, name)
    if not isinstance(ticket, Mapping):
        raise RequestInvalid("ticket", name=name)
    if "text" in ticket:
        return _bounded(ticket["text"], name)
    if "subject" not in ticket and "body" not in ticket:
        raise RequestInvalid("text", name=name)
    parts = [ticket.get("subject"), ticket.get("body")]
    if any(part is not None and not isinstance(part, str) for part in parts):
        raise RequestInvalid("parts", name=name[0].lower() + name[1:])
    subject, body = parts
    return _bounded(subject or "" if body is None else f"{subject or ''}\n{body}", name)


def _bounded(text: object, name: str) -> str:
    if not isinstance(text, str):
        raise RequestInvalid("no_text", name=name[0].lower() + name[1:])
    if len(text) > most_characters:
        raise RequestInvalid("text_too_long", name=name, text=len(text), most_characters=most_characters)
    return text


def as_json(prediction: TicketPrediction, thresholds: Thresholds | None = None) -> dict[str, Any]:
    """A prediction in JSON's terms, the same here, in files and on the command line. With `thresholds`, each attribute
    says whether it may be decided alone."""
    return {
        "attributes": {
            name: {
                "labels": list(found.labels),
                "confidence": round(found.confidence, 6),
                "scores": _scores(found.scores),
                "runners_up": _scores(found.runners_up),
                **({} if thresholds is None else {"decides_alone": thresholds.decides_alone(name, found)}),
            }
            for name, found in prediction.attributes.items()
        }
    }


def _scores(scores: Sequence[Any]) -> list[dict[str, Any]]:
    return [{"label": one.label, "confidence": round(one.confidence, 6)} for one in scores]


async def _body(scope: AsgiScope, receive: Receive) -> bytes:
    """Raises BodyTooLarge as soon as that is known: nobody fills the memory from outside."""
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > most_body_bytes:
        raise BodyTooLarge("told", declared=int(declared), most_body_bytes=most_body_bytes)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestInvalid("early")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most_body_bytes:
            raise BodyTooLarge("sent", most_body_bytes=most_body_bytes)
        if not message.get("more_body", False):
            return b"".join(parts)


def _status_of(error: OtaiError) -> int:
    match error:
        case BodyTooLarge():
            return 413
        case MethodUnknown():
            return 405
        case KeyMissing():
            return 401
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)


async def _send(send: Send, answer: JsonReply) -> None:
    # Half a surrogate pair in a label or a message cannot be written as UTF-8; escaped it can.
    content = json.dumps(answer.body, ensure_ascii=True).encode("ascii")
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def described(name: str, *, with_key: bool) -> dict[str, Any]:
    """The interface in OpenAPI 3.1."""
    fields: dict[str, Any] = {name: {"type": "string"} for name in _OF_A_TICKET}
    precision = {"precision": {"type": "number", "enum": list(MEASURED_PRECISIONS)}}
    ticket = {"type": "object", "properties": fields, "additionalProperties": False}
    alone = {"type": "object", "properties": {**fields, **precision}, "additionalProperties": False}
    score = {
        "type": "object",
        "properties": {"label": {"type": "string"}, "confidence": {"type": "number", "minimum": 0, "maximum": 1}},
    }
    attribute = {
        "type": "object",
        "properties": {
            "labels": {"type": "array", "items": {"type": "string"}},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "scores": {"type": "array", "items": score},
            "runners_up": {"type": "array", "items": score},
            "decides_alone": {"type": "boolean", "description": "Only where a precision was asked for."},
        },
    }
    predicted = {
        "type": "object",
        "properties": {"attributes": {"type": "object", "additionalProperties": attribute}},
    }
    tickets = {"type": "array", "maxItems": most_tickets, "items": ticket}
    batch = {"type": "object", "properties": {"tickets": tickets, **precision}, "additionalProperties": False}
    answered = {"type": "object", "properties": {"tickets": {"type": "array", "items": predicted}}}

    def response(schema: dict[str, Any], what: str) -> dict[str, Any]:
        return {"description": what, "content": {"application/json": {"schema": schema}}}

    refused = {"description": 'Refused: {"error": {"code", "message"}}'}
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": f"OTAI model {name}", "version": "1"},
        "paths": {
            "/predict": {
                "post": {
                    "summary": "What the model says of a ticket, or of several",
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": {"oneOf": [alone, batch]}}},
                    },
                    "responses": {
                        "200": response({"oneOf": [predicted, answered]}, "In the order of the tickets"),
                        "413": refused,
                        "422": refused,
                    },
                }
            },
            "/labels": {"get": {"summary": "Attributes, labels and thresholds",
                "responses": {"200": response({"type": "object"}, "The model")}}},
            "/health": {"get": {"summary": "Whether the model is loaded",
                "responses": {"200": response({"type": "object"}, "It is")}}},
        },
    }  # fmt: skip
    if with_key:
        document["components"] = {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}}
        document["security"] = [{"key": []}]
    return document
