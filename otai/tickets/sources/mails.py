"""Mails: an mbox, or the .eml files of an archive. One mail is one row; attachments are not read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime
from itertools import islice
from pathlib import Path
from typing import Any

from otai.learning.data.texts.html_text import text_of_html
from otai.tickets.limits import Limits
from otai.tickets.problems import BadRows, refused
from otai.tickets.sources.table import Noted, RowBatch, RowBatcher, read_as
from otai.tickets.sources.text import TextFile
from otai.words.sentences import Fact

COLUMNS = (
    "message id", "thread", "date", "from", "to", "sent by", "subject", "body", "labels", "folder", "list id",
    "priority",
)  # fmt: skip
MAILS_LOOKED_AT = 1_000
DESK_RECEIVES = 0.3
"""An address to which so large a share of all mails goes is the desk's."""
MOST_MAIL_BYTES = 64 << 20
"""With its attachments; a longer one is a bad row."""
MOST_HEADER_LINES = 10_000
MOST_PARTS = 2_000
MOST_PARAMETERS = 1_000
"""Of one header that says what a part is. Whoever takes a header apart compares each with all others."""
HEADER_CHARACTERS = 20_000
"""Of one header, with its encoded words; what is beyond is not read."""
_LABELS = ("X-Gmail-Labels", "X-Keywords", "Keywords", "X-Mozilla-Keys", "X-Label")
_MAIL_STATES = frozenset({
    "inbox", "sent", "opened", "unread", "archived", "important", "starred", "trash", "spam", "draft", "drafts",
    "chat", "all mail",
    "posteingang", "sent items", "inbox (1)", "gesendete elemente", "gesendet", "geöffnet", "ungelesen",
    "archiviert", "wichtig", "markiert", "papierkorb", "entwurf", "entwürfe",
    "$label1", "$label2", "$label3", "$label4", "$label5", "nonjunk", "junk",
})  # fmt: skip
"""What a mailbox says of a mail's place and state; new mails have none of it."""
_SENT = frozenset(
    ("sent", "gesendet", "gesendete elemente", "sent items", "envoyés", "enviados", "inviati", "verzonden", "wysłane")
)
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_FROM_LINE = re.compile(rb"^From \S.*\d{4}\s*$")
_BOUNDARY = re.compile(rb"boundary\s{0,10}=\s{0,10}\"?([^\"\s;]{1,70})", re.IGNORECASE)
_PART = re.compile(rb"^--([^\r\n]{1,72})", re.MULTILINE)
_SAYS_WHAT = re.compile(rb"^Content-(?:Type|Disposition):((?:[^\r\n]++|\r?\n[ \t])*+)", re.IGNORECASE | re.MULTILINE)
_HEAD_ENDS = re.compile(rb"\n\r?\n")


class MailSource:
    """The mails of an mbox, or of files of one mail each. Rows are numbered from 1."""

    def __init__(
        self,
        *,
        mbox: TextFile | None = None,
        files: list[Path] | None = None,
        folders: list[str] | None = None,
        limits: Limits,
    ) -> None:
        self._mbox = mbox
        self._files = files or []
        self._folders = folders or []
        self._limits = limits
        self._position = 0
        self._desk: frozenset[str] = frozenset()
        self.noted = Noted()
        seen: set[str] = set()
        unread = BadRows(skip=True)
        looked_at = [mail for _, mail in islice(self._mails(unread), MAILS_LOOKED_AT)]
        for mail in looked_at:
            seen.update(name for name, value in mail.items() if value)
        if not seen:
            unread.refuse()
            raise refused("mailbox_empty")
        self._desk = _desk_of(looked_at)
        if any(self._sent_by(mail) == "desk" for mail in looked_at):
            seen.add("sent by")
        if len({mail["folder"] for mail in looked_at} - {None}) < 2:
            seen.discard("folder")
        self.columns = [name for name in COLUMNS if name in seen or name in ("subject", "body")]
        self.format = read_as(Fact("format_mbox" if mbox is not None else "format_mails"))

    def bytes_read(self) -> int:
        return self._position

    def batches(self, bad: BadRows) -> Iterator[RowBatch]:
        """One ticket a mail, in batches; what cannot be taken comes to `bad`. Raises DatasetInvalid beyond the most
        mails."""
        batch = RowBatcher(len(self.columns))
        for number, mail in self._mails(bad):
            if number > self._limits.mails:
                raise refused("mails", most=self._limits.mails, row=number)
            if batch.add(number, [mail.get(name) for name in self.columns], len(mail["body"] or "")):
                yield batch.take()
        if len(batch):
            yield batch.take()

    def _mails(self, bad: BadRows) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, data in enumerate(self._parts(), start=1):
            if data is None:
                bad.add(number, None, "mail_large", most=MOST_MAIL_BYTES >> 20)
                continue
            match _excess_of(data):
                case "headers":
                    bad.add(number, None, "mail_headers", most=MOST_HEADER_LINES)
                    continue
                case "parameters":
                    bad.add(number, None, "mail_parameters", most=MOST_PARAMETERS)
                    continue
                case "parts":
                    bad.add(number, None, "mail_parts", most=MOST_PARTS)
                    continue
            try:
                row = _row(message_from_bytes(data))
            except RecursionError:
                bad.add(number, None, "mail_nested")
                continue
            except Exception as error:  # noqa: BLE001  the parser raises what the words of a mail lead it to
                bad.add(number, None, "mail_damaged", error=f"{type(error).__name__}: {error}"[:200])
                continue
            folder = self._folders[number - 1] if number <= len(self._folders) else ""
            row["folder"] = folder if folder and folder.lower() not in _MAIL_STATES else None
            row["sent by"] = self._sent_by(row)
            yield number, row

    def _sent_by(self, row: dict[str, Any]) -> str:
        """Whose mail it is, for a conversation's text is the customer's first mail."""
        if row["is sent"] or not self._desk.isdisjoint(_addresses(row["from"])):
            return "desk"
        return "customer"

    def _parts(self) -> Iterator[bytes | None]:
        """The bytes of each mail; None for one that is too large to be read."""
        for path in self._files:
            yield path.read_bytes() if path.stat().st_size <= MOST_MAIL_BYTES else None
        if self._mbox is None:
            return
        lines: list[bytes] = []
        size, is_after_blank = 0, True
        with self._mbox.open_bytes() as handle:
            while line := handle.readline(1 << 20):
                if is_after_blank and line.startswith(b"From ") and _FROM_LINE.match(line):
                    if size:
                        yield b"".join(lines) if size <= MOST_MAIL_BYTES else None
                    lines, size = [], 0
                    self._position = handle.raw.tell_file()  # type: ignore[attr-defined]
                    is_after_blank = False
                    continue
                is_after_blank = line in (b"\n", b"\r\n")
                size += len(line)
                if size <= MOST_MAIL_BYTES:
                    # A line of a text that begins with "From " is written ">From ".
                    lines.append(line[1:] if line.startswith(b">From ") else line)
        if size:
            yield b"".join(lines) if size <= MOST_MAIL_BYTES else None


def _excess_of(data: bytes) -> str:
    """What there is more of in the mail than any program writes, before it is taken apart; "" where nothing is."""
    end = _HEAD_ENDS.search(data)
    if data.count(b"\n", 0, end.start() if end else len(data)) > MOST_HEADER_LINES:
        return "headers"
    if any(found[1].count(b";") > MOST_PARAMETERS for found in _SAYS_WHAT.finditer(data)):
        return "parameters"
    boundaries = set(_BOUNDARY.findall(data))
    if not boundaries or data.count(b"\n--") <= MOST_PARTS:
        return ""
    lines = (found[1].rstrip() for found in _PART.finditer(data))
    parts = sum(line in boundaries or line.removesuffix(b"--") in boundaries for line in lines)
    return "parts" if parts > MOST_PARTS else ""


def _row(mail: Message) -> dict[str, Any]:
    own = _id(mail.get("Message-ID"))
    references = re.findall(r"<[^<>\s]+>", f"{mail.get('References', '')} {mail.get('In-Reply-To', '')}"[:20_000])
    labels = [label for name in _LABELS for value in _headers(mail, name) for label in _text(value).split(",")]
    is_sent = any(label.strip().lower() in _SENT for label in labels)
    labels = [label.strip() for label in labels if label.strip() and label.strip().lower() not in _MAIL_STATES]
    charset = next((told for part in mail.walk() if (told := part.get_content_charset())), None)
    return {
        "message id": own,
        # A conversation is named by the mail that began it.
        "thread": mail.get("X-GM-THRID") or (_id(references[0]) if references else own),
        "date": _date(mail.get("Date")),
        "from": _text(_header(mail, "From"), charset),
        "to": _text(_header(mail, "To")),
        "subject": _text(_header(mail, "Subject"), charset),
        "body": _body(mail),
        "labels": list(dict.fromkeys(labels)) or None,
        "list id": _text(_header(mail, "List-Id")),
        "priority": _priority(mail),
        "is sent": is_sent,
    }


def _priority(mail: Message) -> str:
    """In one word, whichever header says it: X-Priority counts from the most urgent on, 1 (Highest) to 5."""
    said = _text(_header(mail, "Importance") or _header(mail, "X-Priority") or _header(mail, "X-MSMail-Priority"))
    return _OF_NUMBERS.get(said.partition(" ")[0], said.lower())


_OF_NUMBERS = {"1": "highest", "2": "high", "3": "normal", "4": "low", "5": "lowest"}


def _addresses(text: str | None) -> set[str]:
    return {address.lower() for address in _ADDRESS.findall((text or "")[:2_000])}


def _desk_of(mails: list[dict[str, Any]]) -> frozenset[str]:
    """The addresses that receive a large share of the mails."""
    received = Counter(address for mail in mails for address in _addresses(mail["to"]))
    return frozenset(address for address, count in received.items() if count >= max(5, DESK_RECEIVES * len(mails)))


def _id(text: object) -> str | None:
    return str(text).strip().strip("<>").strip()[:200] or None if text else None


def _date(text: object) -> str | None:
    if not text:
        return None
    try:
        return parsedate_to_datetime(str(text)[:200]).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return str(text)[:100]


def _text(value: str | None, charset: str | None = None) -> str:
    """A header as it reads: encoded words decoded, folded lines joined, bytes that are no ASCII as UTF-8, else in the
    `charset` of the mail's text, else as Windows-1252."""
    if value is None:
        return ""
    # What the parser could not read stands in the text byte for byte.
    value = _decoded(value[:HEADER_CHARACTERS].encode("utf-8", "surrogateescape"), "utf-8", charset)
    try:
        pieces = decode_header(value)
    except ValueError:
        return value
    # Beside an encoded word the others come as bytes, too.
    found = "".join(
        piece if isinstance(piece, str) else _decoded(piece, charset) if charset else piece.decode("raw-unicode-escape")
        for piece, charset in pieces
    )
    return " ".join(found.split())


def _headers(mail: Message, name: str) -> list[str]:
    """The headers of that name, as they were written. (`Message.get` has lost what is no ASCII.)"""
    return [str(value) for told, value in mail.raw_items() if told.lower() == name.lower()]


def _header(mail: Message, name: str) -> str | None:
    return next(iter(_headers(mail, name)), None)


def _body(mail: Message) -> str | None:
    """The text as written, else that of the HTML; attachments are no text."""
    plain: list[str] = []
    marked: list[str] = []
    for part in mail.walk():
        kind = part.get_content_type()
        if part.is_multipart() or kind not in ("text/plain", "text/html") or part.get_filename():
            continue
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            (plain if kind == "text/plain" else marked).append(_decoded(content, part.get_content_charset()))
    text = "\n".join(plain).strip() or "\n".join(text_of_html(one) for one in marked).strip()
    return text.replace("\r\n", "\n") or None


def _decoded(data: bytes, *charsets: str | None) -> str:
    for name in (*charsets, "utf-8", "cp1252"):
        if name:
            try:
                return data.decode(name)
            except (LookupError, ValueError):
                continue
    return data.decode("latin-1")
