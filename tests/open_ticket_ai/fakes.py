"""Helpdesks that Open Ticket AI writes to, at an address of this machine: Zammad's REST API, and the web service of
OTOBO and Znuny. They keep tickets in memory, know some queues and priorities, and refuse others."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "a-token"
PRIORITIES = ("1 low", "2 normal", "3 high")


@dataclass
class Kept:
    """A ticket as a helpdesk keeps it; `notes` are (subject, body), the newest last."""

    id: int
    title: str
    body: str
    queue: str
    priority: str = PRIORITIES[1]
    notes: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Desk:
    """Tickets by id, the queues that there are, and how often each path was asked."""

    queues: tuple[str, ...]
    tickets: dict[int, Kept] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, title: str, body: str, queue: str) -> Kept:
        with self.lock:
            ticket = Kept(len(self.tickets) + 1, title, body, queue)
            self.tickets[ticket.id] = ticket
            return ticket

    def refused(self, changes: dict[str, Any]) -> str | None:
        """Why a change is not taken: a queue or a priority that there is not."""
        if changes.get("queue") not in (None, *self.queues):
            return f"No lookup value found for 'group': {changes['queue']!r}"
        if changes.get("priority") not in (None, *PRIORITIES):
            return f"No lookup value found for 'priority': {changes['priority']!r}"
        return None

    def change(self, ticket: Kept, changes: dict[str, Any]) -> None:
        for name in ("queue", "priority"):
            if changes.get(name) is not None:
                setattr(ticket, name, changes[name])


Answered = tuple[int, Any]
Answers = Callable[[Desk, str, str, dict[str, str], dict[str, Any], dict[str, str]], Answered]


@contextmanager
def helpdesk(answers: Answers, *queues: str) -> Iterator[tuple[str, Desk]]:
    """The address of a helpdesk, and what it keeps."""
    desk = Desk(queues)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            sent = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            headers = {name.lower(): value for name, value in self.headers.items()}
            with desk.lock:
                status, told = answers(desk, self.command, parts.path, query, sent, headers)
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def do_PUT(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", desk
    finally:
        server.shutdown()
        server.server_close()


def zammad(
    desk: Desk, method: str, path: str, query: dict[str, str], sent: dict[str, Any], headers: dict[str, str]
) -> Answered:
    """Tickets by search, by id, changed, and notes; names and not only ids where `expand=true` asks for them."""
    if headers.get("authorization") != f"Token token={TOKEN}":
        return 401, {"error": "Authentication required"}
    if (method, path) == ("GET", "/api/v1/tickets/search"):
        queue = query["query"].removeprefix('group:"').removesuffix('"')
        begin = int(query.get("offset", "0"))
        found = [one for one in desk.tickets.values() if one.queue == queue][begin : begin + int(query["limit"])]
        return 200, {"tickets": [one.id for one in found], "tickets_count": len(found), "assets": {}}
    if (method, path) == ("POST", "/api/v1/ticket_articles"):
        desk.tickets[sent["ticket_id"]].notes.append((sent["subject"], sent["body"]))
        return 201, {"id": 99, "ticket_id": sent["ticket_id"]}
    kind, _, id = path.removeprefix("/api/v1/").rpartition("/")
    if kind not in ("tickets", "ticket_articles/by_ticket") or int(id) not in desk.tickets:
        return 404, {"error": f"No route matches [{method}] {path}"}
    ticket = desk.tickets[int(id)]
    if kind != "tickets":
        return 200, [{"id": ticket.id * 10, "subject": ticket.title, "body": ticket.body, "internal": False}]
    if method == "PUT":
        changes = {"queue": sent.get("group"), "priority": sent.get("priority")}
        if refused := desk.refused(changes):
            return 422, {"error": refused, "error_human": refused}
        desk.change(ticket, changes)
    told = {"id": ticket.id, "title": ticket.title, "group_id": desk.queues.index(ticket.queue) + 1}
    return 200, told | ({"group": ticket.queue, "priority": ticket.priority} if query.get("expand") == "true" else {})


def otobo(
    desk: Desk, method: str, path: str, query: dict[str, str], sent: dict[str, Any], headers: dict[str, str]
) -> Answered:
    """TicketSearch, TicketGet and TicketUpdate; an error is a body with status 200, as the generic interface has it."""
    operation = path.rpartition("/")[2]
    if (sent.get("UserLogin"), sent.get("Password")) != ("open_ticket_ai", TOKEN):
        return 200, _error("AuthFail", "User could not be authenticated!")
    if operation == "ticket-search":
        found = [one.id for one in desk.tickets.values() if one.queue in sent["Queues"]]
        return 200, {"TicketID": found[: sent["Limit"]]} if found else {}
    ticket = desk.tickets.get(int(sent["TicketID"]))
    if ticket is None:
        return 200, _error("AccessDenied", "User does not have access to the ticket!")
    if operation == "ticket-update":
        asked = sent.get("Ticket") or {}
        changes = {"queue": asked.get("Queue"), "priority": asked.get("Priority")}
        if refused := desk.refused(changes):
            return 200, _error("TicketUpdate.InvalidParameter", refused)
        desk.change(ticket, changes)
        if article := sent.get("Article"):
            ticket.notes.append((article["Subject"], article["Body"]))
        # Without the ticket, as it is where the operation is not set up to send it along.
        return 200, {"TicketID": ticket.id, "TicketNumber": str(ticket.id), "ArticleID": 99}
    told = {
        "TicketID": ticket.id, "TicketNumber": str(ticket.id), "Title": ticket.title,
        "Queue": ticket.queue, "QueueID": desk.queues.index(ticket.queue) + 1,
        "Priority": ticket.priority, "PriorityID": PRIORITIES.index(ticket.priority) + 1,
        "Article": [{"ArticleID": ticket.id * 10, "Subject": ticket.title, "Body": ticket.body}],
    }  # fmt: skip
    return 200, {"Ticket": [told]}


def _error(code: str, message: str) -> dict[str, Any]:
    return {"Error": {"ErrorCode": f"TicketUpdate.{code}", "ErrorMessage": message}}
