"""What of a mail is the ticket: quoted history, signatures, disclaimers and mobile footers are cut, in training as in prediction.

The text of a new ticket is the customer's own first message. What stands below it in an export was written later (the desk's answers, its
signature with the name of the queue), or says nothing (a notice of confidentiality). A model that learns from it looks better than it is.

Rules only: no word of any ticket is kept, names of people at the desk as hashes. The same text and rules give the same cut everywhere.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from otai.learning.data.phrases import without_phrases

METADATA_KEY = b"otai_text_rules"
"""Under this key the rules travel in the Parquet file of a data set."""

QUOTED, SIGNATURE, DISCLAIMER, FOOTER, RECURRING = "quoted", "signature", "disclaimer", "footer", "recurring"
KINDS = (QUOTED, SIGNATURE, DISCLAIMER, FOOTER)

_FROM = r"(?:From|Von|De|Da|Van|Od|Expéditeur|Remitente|Mittente|Afzender|Nadawca)"
_FIELD = (
    r"(?:Sent|Date|To|Cc|Subject|Gesendet|Datum|An|Kopie|Betreff|Envoyé|À|Objet|Enviado|Fecha|Para|Asunto|Inviato|Data|A|Oggetto|Verzonden|Aan|"
    r"Onderwerp|Wysłano|Do|DW|Temat|Enviada|Assunto|Reply-To)"
)
_WROTE = r"(?:wrote|writes|schrieb|geschrieben|a écrit|escribió|ha scritto|schreef|napisał(?:\(a\)|a)?|pisze|escreveu)"
_HEADER = re.compile(rf"^[>\s*]*{_FROM}\s*:", re.IGNORECASE)
_NEXT_FIELD = re.compile(rf"^[>\s*]*{_FIELD}\s*:", re.IGNORECASE)
_ORIGINAL = re.compile(
    r"^[>\s]*[-_]{2,}\s*(?:Original Message|Original-Nachricht|Ursprüngliche Nachricht|Originalnachricht|Forwarded message|Weitergeleitete Nachricht|"
    r"Message d'origine|Message transféré|Mensaje original|Mensaje reenviado|Messaggio originale|Messaggio inoltrato|Oorspronkelijk bericht|"
    r"Doorgestuurd bericht|Wiadomość oryginalna|Oryginalna wiadomość|Mensagem original|Mensagem encaminhada)\s*[-_]*\s*$",
    re.IGNORECASE,
)
_RULE = re.compile(r"^\s*_{10,}\s*$")
_INTRO = re.compile(
    rf"^[>\s]*(?:On|Am|Le|El|Il|Op|W dniu|Dnia|Em|Den)\b.{{3,200}}\b{_WROTE}\b.{{0,120}}:\s*$", re.IGNORECASE
)
_INTRO_BEGINS = re.compile(r"^[>\s]*(?:On|Am|Le|El|Il|Op|W dniu|Dnia|Em|Den)\b.{3,200}$", re.IGNORECASE)
_INTRO_ENDS = re.compile(rf"\b{_WROTE}\b.{{0,120}}:\s*$", re.IGNORECASE)
_DASHES = re.compile(r"^(?:--|—|__)\s?$")
_FOOTER = re.compile(
    r"^\s*(?:Sent from (?:my|Mail|Outlook|Yahoo)|Sent via |Get Outlook for|Von meinem .{2,40} gesendet|Gesendet (?:von|mit) (?:meinem|mein|Mail|der|Outlook)|Diese Nachricht wurde von meinem|"
    r"Envoyé (?:de|depuis) mon|Enviado (?:desde mi|do meu|a partir do)|Inviato da|Verstuurd vanaf|Verzonden (?:vanaf|met)|Wysłan[eoy] z|Outlook for (?:iOS|Android))"
    r".{0,80}$",
    re.IGNORECASE,
)
_NOTICE = re.compile(
    r"confidential|privileged|intended (?:only |solely )?(?:for|recipient)|not the (?:intended|named)|notify the sender|before you print|vertraulich|richtige Adressat|"
    r"nicht der (?:richtige|beabsichtigte|vorgesehene)|informieren Sie bitte den Absender|vernichten Sie|unbefugt|confidentiel|destinataire|confidencial|destinatari[oa]|riservat|"
    r"vertrouwelijk|geadresseerde|uitsluitend bestemd|poufn|adresat|viruses|Viren(?:freiheit)?|any attachments|Think before|delete (?:it|this)",
    re.IGNORECASE,
)
_NOTICE_HINTS = (
    "confid", "privileg", "recipient", "print", "vertraulich", "adressat", "vernicht", "unbefugt", "destinat", "riservat", "vertrouwelijk", "geadresseerd",
    "bestemd", "poufn", "adresat", "virus", "viren", "attachment",
)  # fmt: skip
_SIGN_OFF = re.compile(
    r"^\s*(?:(?:mit )?(?:freundliche[nr]?|beste[nr]?|viele[nr]?|liebe[nr]?|schöne[nr]?|herzliche[nr]?) (?:gr(?:ü|ue)(?:ß|ss)en?)|mfg|vg|lg|gru(?:ß|ss)|"
    r"(?:kind|best|warm|many thanks and|with best|with kind|warmest) (?:regards|wishes)|regards|best|cheers|sincerely|yours (?:sincerely|faithfully|truly)|many thanks|thanks|thank you|"
    r"cordialement|bien (?:à vous|cordialement)|sincères salutations|salutations|saludos(?: cordiales)?|atentamente|un saludo|cordiali saluti|distinti saluti|saluti|"
    r"(?:met )?vriendelijke groet(?:en)?|groet(?:en|jes)?|z poważaniem|pozdrawiam|atenciosamente|cumprimentos|com os melhores cumprimentos|obrigad[oa])\s*[,.!]?\s*$",
    re.IGNORECASE,
)
CONTACT = r"(?i)(?:\bTel|\bPhone|\bFon|\bFax|\bMobil|\bTél|\bMob\b|☎)\.?|\+\d[\d\s()/.-]{6,}|\b0\d{2,}[\d\s/-]{5,}|\S+@\S+\.\w{2,}|https?://|www\.|\b(?:GmbH|AG|Ltd|Inc|LLC|S\.?A\.?|B\.?V\.?|Sp\. z o\.o\.)\b| \| |\b\d{5}\s+[A-ZÄÖÜ]"
_CONTACT = re.compile(CONTACT)
_DESK = re.compile(
    r"help.?desk|service.?desk|support|no.?reply|do.?not.?reply|noreply|ticket|it.?service|hotline|kundenservice|kundendienst|customer.?(?:service|care)|servicecenter|"
    r"assistenza|assistance|soporte|klantenservice|obsluga|suporte|atendimento",
    re.IGNORECASE,
)
MARKS = (
    rf"(?im)^>|^[-_]{{2,}}|^[>\s*]*{_FROM}\s*:|{_WROTE}\b[^\n]{{0,120}}:\s*$|Sent from|Sent via|Outlook for|gesendet|Envoyé|Enviado|Inviato|Verstuurd|Verzonden|Wysłan|"
    r"confidential|vertraulich|confidentiel|riservat|vertrouwelijk|poufn|before you print|Adressat|destinatari"
)
GREETINGS = r"(?i)regards|gr(?:ü|ue)(?:ß|ss)|\bmfg\b|cordial|saludo|saluti|groet|pozdrawiam|poważaniem|atenciosamente|cumprimentos|\n(?:thanks|best|cheers|vg|lg)\b|sincerely|many thanks|thank you"
"""A text without any of the marks, and without a greeting above something like an address, holds nothing to cut. These run over whole columns
(RE2 reads a gigabyte in seconds); text by text Python's own expressions are a hundred times slower, so single lines are looked at there."""
_LONGEST_TAIL = 14
"""Lines: what stands below a sign-off is a signature only as far as this."""
_FEWEST_WORDS = 5
"""A message with fewer words above an earlier mail ("see below") says nothing without it."""
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class TextRules:
    """What is cut: `kinds`, mails of people at the desk (hashes of names and addresses), and lines and phrases that were found to give a label
    away (hashes). `masked` are the kinds of personal data that are replaced (`personal.mask`). `None` in their place means: nothing is done."""

    kinds: tuple[str, ...] = KINDS
    desk: frozenset[str] = frozenset()
    lines: frozenset[str] = frozenset()
    masked: tuple[str, ...] = ()
    phrases: frozenset[str] = frozenset()

    def as_dict(self) -> dict[str, Any]:
        return {
            "version": 1,
            "kinds": list(self.kinds),
            "desk": sorted(self.desk),
            "lines": sorted(self.lines),
            "masked": list(self.masked),
            "phrases": sorted(self.phrases),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TextRules:
        return cls(
            tuple(data["kinds"]),
            frozenset(data.get("desk", ())),
            frozenset(data.get("lines", ())),
            tuple(data.get("masked", ())),
            frozenset(data.get("phrases", ())),
        )

    @classmethod
    def of_schema(cls, schema: pa.Schema) -> TextRules | None:
        """The rules that a data set's file was made with; None for one made before there were any."""
        found = (schema.metadata or {}).get(METADATA_KEY)
        return None if found is None else cls.from_dict(json.loads(found))

    def in_schema(self, schema: pa.Schema) -> pa.Schema:
        return schema.with_metadata({**(schema.metadata or {}), METADATA_KEY: json.dumps(self.as_dict()).encode()})

    def as_stored(self, text: str) -> str:
        """A new ticket's text (subject, line feed, body) as it may be kept: with nothing cut, personal data masked where it was masked in training."""
        return "\n".join(map(self._masked, text.partition("\n")[::2])) if "\n" in text else self._masked(text)

    def applied(self, texts: Sequence[str]) -> list[str]:
        """The texts of new tickets (subject, line feed, body) as training read them."""
        return [self._of_one(text) for text in texts]

    def _of_one(self, text: str) -> str:
        subject, newline, body = text.partition("\n")
        subject = self.subject_without_given(self._masked(subject))
        if not newline:
            return subject
        body = self._masked(body)
        return f"{subject}\n{self.without_given(cut(body, self).text)}"

    def _masked(self, text: str) -> str:
        """As the import did it, and as first step: what was found in masked texts is found again in masked ones only."""
        if not self.masked:
            return text
        from otai.learning.data.personal import mask

        return mask(text, self.masked)

    def subject_without_given(self, subject: str) -> str:
        """A subject without them; one that is nothing else stays."""
        return self.without_given(subject) or subject

    def without_given(self, text: str) -> str:
        """The text without the lines and phrases that give a label away; empty where it was nothing else."""
        if self.lines:
            text = without_lines(text, self.lines)
        return without_phrases(text, self.phrases) if self.phrases else text


@dataclass(frozen=True, slots=True)
class Cut:
    """A text and what was cut from it, by kind."""

    text: str
    removed: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class CutCount:
    """How many texts something was cut from, by kind, with examples."""

    texts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    rows: int = 0

    def note(self, removed: Iterable[tuple[str, str]]) -> None:
        self.rows += 1
        for kind in {kind for kind, _ in removed}:
            self.texts[kind] += 1
        for kind, what in removed:
            kept = self.examples.setdefault(kind, [])
            shown = " ".join(what.split())[:120]
            if len(kept) < EXAMPLES and shown not in kept:
                kept.append(shown)


def name_key(name: str) -> str:
    """The hash that a person or a line is known by: case, blanks and digits' values do not matter."""
    squeezed = " ".join(re.sub(r"\d+", "0", name).casefold().split())
    return hashlib.blake2b(squeezed.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def cut_texts(texts: pa.Array, rules: TextRules, count: CutCount) -> pa.Array:
    """An Arrow array of bodies with everything cut; only texts that hold a mark are looked at one by one."""
    marked = pc.match_substring_regex(texts, MARKS)
    signed = pc.and_(pc.match_substring_regex(texts, GREETINGS), pc.match_substring_regex(texts, CONTACT))
    marked = pc.fill_null(pc.or_(marked, signed), False)
    if not pc.any(marked).as_py():
        return texts
    made: list[str] = []
    for text in texts.filter(marked).to_pylist():
        done = cut(text, rules)
        if done.removed:
            count.note(done.removed)
        made.append(done.text)
    return pc.replace_with_mask(texts, marked, pa.array(made, pa.string()))


def cut(text: str, rules: TextRules) -> Cut:
    """The customer's own message of a mail, and what else stood there. A text of which nothing would be left stays as it is."""
    removed: list[tuple[str, str]] = []
    lines = text.split("\n")
    if QUOTED in rules.kinds:
        lines = _own_message(lines, rules, removed)
    if FOOTER in rules.kinds and any(_FOOTER.match(line) for line in lines):
        removed += [(FOOTER, line) for line in lines if _FOOTER.match(line)]
        lines = [line for line in lines if not _FOOTER.match(line)]
    if DISCLAIMER in rules.kinds:
        lines = _without_notice(lines, removed)
    if SIGNATURE in rules.kinds:
        lines = _without_signature(lines, removed)
    if not removed:
        return Cut(text)
    kept = "\n".join(lines).strip()
    return Cut(kept, tuple(removed)) if kept else Cut(text)


@dataclass(slots=True)
class _Message:
    author: str
    lines: list[str]


def _own_message(lines: list[str], rules: TextRules, removed: list[tuple[str, str]]) -> list[str]:
    messages = _messages(lines)
    kept = messages[0]
    if len(messages) > 1:
        by_desk = [_is_desk(message.author, rules) for message in messages]
        oldest = len(messages) - 1
        # Above an answer of the desk stands what the customer wrote after it; the ticket is what came before.
        while oldest > 0 and (by_desk[oldest] or not _says_something(messages[oldest])):
            oldest -= 1
        if oldest and any(by_desk[1:oldest]):
            kept = messages[oldest]
        elif not _says_something(kept):
            following = next(
                (message for at, message in enumerate(messages) if at and not by_desk[at] and _says_something(message)),
                None,
            )
            kept = following or kept
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
    while at < len(lines):
        line = lines[at]
        author = None
        if _ORIGINAL.match(line) or _RULE.match(line):
            following = next((n for n in range(at + 1, min(at + 4, len(lines))) if lines[n].strip()), None)
            if following is not None and _HEADER.match(lines[following]):
                at, line = following, lines[following]
                author = line.partition(":")[2]
                at = _end_of_header(lines, at)
            elif _ORIGINAL.match(line):
                author = ""
                at += 1
        elif _HEADER.match(line) and any(_NEXT_FIELD.match(lines[n]) for n in range(at + 1, min(at + 5, len(lines)))):
            author = line.partition(":")[2]
            at = _end_of_header(lines, at)
        elif _INTRO.match(line):
            author = line
            at += 1
        elif (
            at + 1 < len(lines)
            and _INTRO_BEGINS.match(line)
            and _INTRO_ENDS.search(lines[at + 1])
            and len(lines[at + 1]) < 160
        ):
            author = f"{line} {lines[at + 1]}"
            at += 2
        if author is None:
            messages[-1].lines.append(line)
            at += 1
        else:
            messages.append(_Message(author.strip(), []))
    for message in messages[1:]:
        if all(line.lstrip().startswith(">") for line in message.lines if line.strip()):
            message.lines = [re.sub(r"^\s*> ?", "", line) for line in message.lines]
    return messages


def _end_of_header(lines: list[str], at: int) -> int:
    at += 1
    while at < len(lines) and _NEXT_FIELD.match(lines[at]):
        at += 1
    return at


def _is_desk(author: str, rules: TextRules) -> bool:
    if _DESK.search(author):
        return True
    if not rules.desk or not author:
        return False
    words = re.sub(r"[<\[(].*", "", author).split()
    return any(
        name_key(" ".join(words[at : at + size])) in rules.desk
        for size in (2, 1, 3)
        for at in range(len(words) - size + 1)
    )


def _says_something(message: _Message) -> bool:
    own = [
        line
        for line in message.lines
        if line.strip() and not line.lstrip().startswith(">") and not _SIGN_OFF.match(line)
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
        if start == 0 or not any(hint in told for hint in _NOTICE_HINTS):
            return lines[:end]
        signs = len({found.lower() for found in _NOTICE.findall(paragraph)})
        if start == 0 or not (signs >= 2 or (signs and len(paragraph) < 160 and "print" in paragraph.lower())):
            return lines[:end]
        removed.append((DISCLAIMER, paragraph))
        end = start


def _without_signature(lines: list[str], removed: list[tuple[str, str]]) -> list[str]:
    for at, line in enumerate(lines):
        if (
            _DASHES.match(line)
            and at
            and len(lines) - at <= 2 * _LONGEST_TAIL
            and any(text.strip() for text in lines[:at])
        ):
            removed.append((SIGNATURE, "\n".join(lines[at + 1 :])))
            return lines[:at]
    for at in range(len(lines) - 1, max(len(lines) - _LONGEST_TAIL - 2, -1), -1):
        if _SIGN_OFF.match(lines[at]) and at:
            tail = [line for line in lines[at + 1 :] if line.strip()]
            # A name below a greeting is no signature yet; a line with a telephone number, an address or a company is.
            if (
                len(tail) >= 2
                and any(_CONTACT.search(line) for line in tail[1:])
                and all(len(line) <= 120 for line in tail)
            ):
                removed.append((SIGNATURE, "\n".join(tail)))
                return lines[: at + 1]
            return lines
    return lines


def without_lines(text: str, keys: frozenset[str]) -> str:
    """Without the lines whose hashes are named."""
    return "\n".join(line for line in text.split("\n") if not line.strip() or name_key(line) not in keys).strip()
