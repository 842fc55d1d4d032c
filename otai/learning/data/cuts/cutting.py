"""What of a mail is the ticket: quoted history, signatures, disclaimers and mobile footers are cut, in training as in
prediction.

The text of a new ticket is the customer's own first message. What stands below it in an export was written later (the
desk's answers, its signature with the name of the queue), or says nothing (a notice of confidentiality). A model that
learns from it looks better than it is.

Rules only: no word of any ticket is kept, names of people at the desk as hashes. The same text and rules give the same
cut everywhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from otai.learning.data import mail_patterns as mail
from otai.learning.data.cuts.boilerplate import exact_key, squeezed_key, without_tails
from otai.learning.data.cuts.phrases import without_phrases
from otai.learning.data.cuts.reported import has_digits, is_of_the_desk
from otai.learning.data.texts.reading import as_imported

QUOTED, SIGNATURE, DISCLAIMER, FOOTER, RECURRING = "quoted", "signature", "disclaimer", "footer", "recurring"
KINDS = (QUOTED, SIGNATURE, DISCLAIMER, FOOTER)

_LONGEST_TAIL = 14
"""Lines: what stands below a sign-off is a signature only as far as this."""
_LONGEST_SIGN_OFF = 60
_FEWEST_WORDS = 5
"""A message with fewer words above an earlier mail ("see below") says nothing without it."""
EXAMPLES = 5
_FEWEST_ANSWERS = 3
_CAPITALISED = re.compile(r"(?<![\w.])[^\W\d_a-z][\w'.-]{1,60} [^\W\d_a-z][\w'.-]{1,60}(?: [^\W\d_a-z][\w'.-]{1,60})?")
_INTRODUCING = frozenset(
    ("On", "Am", "Le", "El", "Il", "Op", "Em", "Den", "Dnia", "AM", "PM", "Uhr", "Sent", "Gesendet", "Re", "To", "An")
)
_ADDRESS = re.compile(r"(?<![^\s<>\[\]():;,])[^\s<>\[\]():;,]+@[^\s<>\[\]():;,]+")
_QUOTE = re.compile(r"^\s*> ?")
_MOST_LINES = 2_000
"""Of a chain in which an introduction is looked for; what stands below belongs to the last mail that was found."""
_MOST_QUOTED = 100
"""Times that a mail was quoted; each is one pass over its lines."""


@dataclass(frozen=True, slots=True)
class TextRules:
    """What is cut: `kinds`, mails of people at the desk (hashes of names and addresses), and lines and phrases that
    were found to give a label away (hashes). `masked` are the kinds of personal data that are replaced
    (`personal.mask`). `None` in their place means: nothing is done."""

    kinds: tuple[str, ...] = KINDS
    desk: frozenset[str] = frozenset()
    lines: frozenset[str] = frozenset()
    masked: tuple[str, ...] = ()
    phrases: frozenset[str] = frozenset()
    tails: frozenset[str] = frozenset()
    """What ends the texts of many tickets word for word (`boilerplate.py`), as hashes."""
    chats: bool = False
    """Whether of a chat the customer's first words were taken (`data/texts/transcripts.py`)."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON, for a bundle and for the schema of a file of tickets. `from_dict` reads it."""
        return {
            "version": 1,
            "kinds": list(self.kinds),
            "desk": sorted(self.desk),
            "lines": sorted(self.lines),
            "masked": list(self.masked),
            "phrases": sorted(self.phrases),
            "tails": sorted(self.tails),
            **({"chats": True} if self.chats else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TextRules:
        """The rules of `as_dict`; what an earlier version did not write is empty."""
        return cls(
            tuple(data["kinds"]),
            frozenset(data.get("desk", ())),
            frozenset(data.get("lines", ())),
            tuple(data.get("masked", ())),
            frozenset(data.get("phrases", ())),
            frozenset(data.get("tails", ())),
            bool(data.get("chats", False)),
        )

    def with_learnt(self, other: TextRules) -> TextRules:
        """These rules, with the people at the desk, the ends of texts and the chats that others know as well."""
        return replace(
            self, desk=self.desk | other.desk, tails=self.tails | other.tails, chats=self.chats or other.chats
        )

    def as_stored(self, text: str) -> str:
        """A new ticket's text (subject, line feed, body) as it may be kept: with nothing cut, personal data masked
        where it was masked in training."""
        return self._masked(text)

    def applied(self, texts: Sequence[str]) -> list[str]:
        """The texts of new tickets (subject, line feed, body), cut and masked."""
        return [self._of_one(text) for text in texts]

    def _of_one(self, text: str) -> str:
        # As the import did it, and as first step: what was found in masked texts is found again in masked ones only.
        subject, newline, body = self._masked(text).partition("\n")
        subject = self.subject_without_given(subject)
        if not newline:
            return subject
        return f"{subject}\n{self.without_given(cut(body, self).text)}"

    def _masked(self, text: str) -> str:
        """The whole text at once, so that it does not matter at which door its first line counts as a subject."""
        if not self.masked:
            return text
        from otai.learning.data.privacy.personal import mask

        return mask(text, self.masked)

    def subject_without_given(self, subject: str) -> str:
        """A subject without them; one that is such a line goes without its phrases, and stays where it is nothing
        else."""
        return self.without_given(subject) or without_phrases(subject, self.phrases) or subject

    def without_given(self, text: str) -> str:
        """The text without the lines and phrases that give a label away; empty where it was nothing else."""
        if self.lines:
            text = without_lines(text, self.lines)
        return without_phrases(text, self.phrases) if self.phrases else text


def as_learnt(texts: Sequence[str], rules: TextRules | None) -> list[str]:
    """The texts of new tickets (subject, line feed, body) as training read them: letters and markup as the import
    mended them, then cut and masked by the `rules` of its data set (None: neither)."""
    read = as_imported(texts, chats=rules is not None and rules.chats)
    return read if rules is None else rules.applied(read)


@dataclass(frozen=True, slots=True)
class CutText:
    """A text and what was cut from it, by kind."""

    text: str
    removed: tuple[tuple[str, str], ...] = ()


def name_key(name: str) -> str:
    """The hash that a person or a line is known by: case, blanks and digits' values do not matter."""
    return squeezed_key(name)


def cut(text: str, rules: TextRules, *, steps: Sequence[str] | None = None) -> CutText:
    """The customer's own message of a mail, and what else stood there. A text of which nothing would be left stays as
    it is.

    `steps`: the kinds that may stand in the text, where that is known; all that the rules name otherwise.
    """
    tried = (*rules.kinds, RECURRING) if steps is None else steps
    removed: list[tuple[str, str]] = []
    lines = text.split("\n")
    if QUOTED in tried:
        lines = _own_message(lines, rules, removed)
    if FOOTER in tried:
        footers = {line: None for line in lines if line and mail.FOOTER_LINE.match(line)}
        if footers:
            removed += [(FOOTER, line) for line in footers]
            lines = [line for line in lines if line not in footers]
    if DISCLAIMER in tried:
        lines = _without_notice(lines, removed)
    if SIGNATURE in tried:
        lines = _without_signature(lines, removed)
    # What was cut may have stood below what recurs, so it is looked for whenever something was.
    if rules.tails and (RECURRING in tried or removed):
        lines, tails = without_tails(lines, rules.tails)
        removed += [(RECURRING, tail) for tail in tails]
    if not removed:
        return CutText(text)
    kept = "\n".join(lines).strip()
    return CutText(kept, tuple(removed)) if kept else CutText(text)


@dataclass(slots=True)
class _Message:
    author: str
    lines: list[str]


def _own_message(lines: list[str], rules: TextRules, removed: list[tuple[str, str]]) -> list[str]:
    messages = _messages(lines)
    kept = messages[0]
    if len(messages) > 1:
        desk = {author: _is_desk(author, rules) for author in {message.author for message in messages}}
        by_desk = [desk[message.author] for message in messages]
        oldest = len(messages) - 1
        # Above an answer of the desk stands what the customer wrote after it; the ticket is what came before.
        while oldest > 0 and (by_desk[oldest] or not _says_something(messages[oldest])):
            oldest -= 1
        if oldest and any(by_desk[1:oldest]):
            kept = messages[oldest]
        elif not _says_something(kept):
            # "See below": what stands lowest was written first.
            following = [
                message for at, message in enumerate(messages) if at and not by_desk[at] and _says_something(message)
            ]
            kept = following[-1] if following else kept
        removed += [(QUOTED, "\n".join(message.lines)) for message in messages if message is not kept]
    quoted = [line for line in kept.lines if line.lstrip().startswith(">")]
    if quoted and len(quoted) < sum(bool(line.strip()) for line in kept.lines):
        removed.append((QUOTED, "\n".join(quoted)))
        return [line for line in kept.lines if not line.lstrip().startswith(">")]
    return kept.lines


def _messages(lines: list[str]) -> list[_Message]:
    """The mails of a chain, as they stand: the newest first. Lines that introduce a mail belong to none."""
    messages = [_Message("", [])]
    at = 0
    while at < min(len(lines), _MOST_LINES):
        line = lines[at]
        author = None
        if not (":" in line or "-" in line or "_" in line or (at + 1 < len(lines) and ":" in lines[at + 1])):
            # Most lines, told at a glance: every introduction has one of these signs.
            pass
        elif mail.ORIGINAL.match(line) or mail.RULE.match(line):
            following = next((n for n in range(at + 1, min(at + 4, len(lines))) if lines[n].strip()), None)
            if following is not None and mail.HEADER.match(lines[following]):
                at, line = following, lines[following]
                author = line.partition(":")[2]
                at = _end_of_header(lines, at)
            elif mail.ORIGINAL.match(line):
                author = ""
                at += 1
        elif mail.HEADER.match(line) and any(
            mail.NEXT_FIELD.match(lines[n]) for n in range(at + 1, min(at + 5, len(lines)))
        ):
            author = line.partition(":")[2]
            at = _end_of_header(lines, at)
        elif mail.INTRO.match(line):
            author = line
            at += 1
        elif (
            at + 1 < len(lines)
            and len(lines[at + 1]) < 160
            and mail.INTRO_BEGINS.match(line)
            and mail.INTRO_ENDS.search(lines[at + 1])
        ):
            author = f"{line} {lines[at + 1]}"
            at += 2
        if author is None:
            messages[-1].lines.append(line)
            at += 1
        else:
            messages.append(_Message(author.strip(), []))
    messages[-1].lines += lines[at:]
    for message in messages[1:]:
        # Once for each time that it was quoted.
        for _ in range(_MOST_QUOTED):
            if not any(map(str.strip, message.lines)) or not all(
                line.lstrip().startswith(">") for line in message.lines if line.strip()
            ):
                break
            message.lines = [_QUOTE.sub("", line) for line in message.lines]
    return messages


def _end_of_header(lines: list[str], at: int) -> int:
    at += 1
    while at < len(lines) and mail.NEXT_FIELD.match(lines[at]):
        at += 1
    return at


def _is_desk(author: str, rules: TextRules) -> bool:
    if mail.DESK.search(author):
        return True
    return bool(rules.desk and author) and not rules.desk.isdisjoint(author_keys(author))


def author_keys(author: str) -> set[str]:
    """The hashes of the addresses and of the names that may stand in what introduces a mail."""
    words = re.sub(r"[<\[(].*", "", author).split()
    found = {name_key(address) for address in _ADDRESS.findall(author)}
    return found | {
        name_key(" ".join(words[at : at + size]).strip(",;:"))
        for size in (2, 1, 3)
        for at in range(len(words) - size + 1)
    }


def desk_of(texts: Iterable[str]) -> frozenset[str]:
    """Who answers in the chains of a sample of texts: addresses and names (hashes) that stand above an older mail again
    and again, and hardly ever above the oldest one, which is the customer's."""
    answers: Counter[str] = Counter()
    first: Counter[str] = Counter()
    for text in texts:
        authors = [message.author for message in _messages(text.split("\n"))[1:] if message.author]
        if len(authors) > 1:
            first.update(_sure_keys(authors[-1]))
            for author in authors[:-1]:
                answers.update(_sure_keys(author))
    return frozenset(key for key, count in answers.items() if count >= _FEWEST_ANSWERS and first[key] <= 0.1 * count)


def _sure_keys(author: str) -> set[str]:
    """As `author_keys`, without what may be a day, a month or a word of the introduction."""
    names = _CAPITALISED.findall(re.sub(r"[<\[(].*", "", author))
    sure = (name for name in names if not _INTRODUCING.intersection(name.split()))
    return {name_key(found) for found in (*_ADDRESS.findall(author), *sure)}


def _says_something(message: _Message) -> bool:
    own = [
        line
        for line in message.lines
        if line.strip() and not line.lstrip().startswith(">") and not mail.SIGN_OFF.match(line)
    ]
    return sum(len(line.split()) for line in own) >= _FEWEST_WORDS


def _without_notice(lines: list[str], removed: list[tuple[str, str]]) -> list[str]:
    """Without the paragraphs at the end that are notices of confidentiality, and lines that ask not to print."""
    end = len(lines)
    while True:
        while end and not lines[end - 1].strip():
            end -= 1
        start = end
        while start and lines[start - 1].strip():
            start -= 1
        paragraph = "\n".join(lines[start:end])
        told = paragraph.casefold()
        if start == 0 or not any(hint in told for hint in mail.NOTICE_HINTS):
            return lines[:end]
        signs = len({notice.lower() for notice in mail.NOTICE.findall(paragraph)})
        if start == 0 or not (signs >= 2 or (signs and len(paragraph) < 160 and "print" in paragraph.lower())):
            return lines[:end]
        removed.append((DISCLAIMER, paragraph))
        end = start


def _without_signature(lines: list[str], removed: list[tuple[str, str]]) -> list[str]:
    for at in range(max(len(lines) - 2 * _LONGEST_TAIL, 1), len(lines)):
        if len(lines[at]) <= 3 and mail.DASHES.match(lines[at]) and any(text.strip() for text in lines[:at]):
            removed.append((SIGNATURE, "\n".join(lines[at + 1 :])))
            return lines[:at]
    for at in range(len(lines) - 1, max(len(lines) - _LONGEST_TAIL - 2, -1), -1):
        if at and 2 <= len(lines[at]) <= _LONGEST_SIGN_OFF and mail.SIGN_OFF.match(lines[at]):
            tail = [line for line in lines[at + 1 :] if line.strip()]
            # A name below a greeting is no signature yet; a line with a telephone number, an address or a company is.
            if (
                len(tail) >= 2
                and all(len(line) <= mail.LONGEST_CONTACT for line in tail)
                and any(map(mail.has_contact, tail[1:]))
            ):
                removed.append((SIGNATURE, "\n".join(tail)))
                return lines[: at + 1]
            return lines
    return lines


def without_lines(text: str, keys: frozenset[str]) -> str:
    """Without the lines whose hashes are named, with their digits as they are or whichever they are."""
    return "\n".join(line for line in text.split("\n") if not line.strip() or not is_one_of(line, keys)).strip()


def is_one_of(line: str, keys: frozenset[str]) -> bool:
    """Whether the line's hash is one of these."""
    return name_key(line) in keys or (has_digits(line) and exact_key(line) in keys)


def line_key(line: str) -> str:
    """The hash of a line that may give a label away: with its digits, for a customer reports other hosts and codes in
    each ticket; without them where a desk or its router writes of tickets."""
    return name_key(line) if not has_digits(line) or is_of_the_desk(line) else exact_key(line)
