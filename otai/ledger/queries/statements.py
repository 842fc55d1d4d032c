"""The credit statement: each transfer with the balance after it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from otai.errors import Invalid
from otai.ledger.models import Transfer, TransferKind
from otai.ledger.operations.requests import checked_moment
from otai.ledger.queries.balances import last_seq_at, require_organisation
from otai.ledger.reasons import MARK, read_reason
from otai.ledger.reasons_of_before import reason_of_before
from otai.ledger.references import EntryReference, read_reference
from otai.spreadsheets import harmless
from otai.words.catalogue import ENGLISH, codes_that_say, say_fact
from otai.words.sentences import Fact
from otai.words.tables.movements import MOVED_WHY


@dataclass(frozen=True, slots=True)
class StatementLine:
    """`credits` were moved; `credits_in` and `credits_out` are what that changed in the available balance.

    A capture moves credits from held to spent, so it changes neither; they went out when the hold was placed.
    """

    seq: int
    at: datetime
    kind: str
    source: str
    """Where granted credits came from (`models.Source`); empty for other kinds."""
    what: str
    reference: str
    key: str
    """The operation's own, whose beginning says what brought it about: `guarantee-fee:...`."""
    reason: str
    """Why, in English."""
    why: str | Fact
    """Why, as a code with values; a person's own words are text."""
    credits: int
    credits_in: int
    credits_out: int
    available: int
    held: int
    spent: int
    hold: UUID | None
    transfer: UUID

    @property
    def about(self) -> EntryReference | None:
        """What the reference refers to; None where it names no run, purchase, tier or guarantee."""
        return read_reference(self.reference)

    @property
    def fact(self) -> dict[str, Any] | None:
        """`why` as its code and values; None where a person wrote it."""
        return self.why.as_dict() if isinstance(self.why, Fact) else None

    def said(self, *, language: str = ENGLISH) -> str:
        """Why, in the reader's language; a person's own words as they were written."""
        return say_fact(self.why, language=language) if isinstance(self.why, Fact) else self.why


@dataclass(frozen=True, slots=True)
class TextSearch:
    """What is looked for in references and reasons, in the words of a language."""

    text: str
    language: str = ENGLISH


class InvalidPeriod(Invalid):
    """A period needs two times with a time zone, the first before the second."""

    code = "invalid_period"


def statement(
    organisation: UUID,
    since: datetime | None = None,
    until: datetime | None = None,
    kinds: Collection[str] | None = None,
    *,
    reference: str | None = None,
    hold: UUID | None = None,
    newest_first: bool = False,
    before: int | None = None,
    after: int | None = None,
    text: str | TextSearch = "",
    limit: int | None = None,
    offset: int = 0,
) -> list[StatementLine]:
    """The organisation's transfers with since <= time < until, oldest first; each carries the balance after it,
    filtered or not.

    `kinds` are values of `models.Kind`; `before` and `after` are a `seq`, and only what was before or after it is
    given: how a long statement is read in pages. `text` is looked for in references and reasons. Raises InvalidPeriod,
    and NotFound for an unknown organisation.
    """
    transfers = _transfers(organisation, since, until, kinds, reference=reference, hold=hold, text=text)
    if before is not None:
        transfers = transfers.filter(seq__lt=before)
    if after is not None:
        transfers = transfers.filter(seq__gt=after)
    if newest_first:
        transfers = transfers.order_by("-seq")
    return [_line(each) for each in transfers[offset : offset + limit if limit is not None else None]]


def statement_csv(
    organisation: UUID,
    since: datetime | None = None,
    until: datetime | None = None,
    kinds: Collection[str] | None = None,
    *,
    reference: str | None = None,
    text: str | TextSearch = "",
    language: str = ENGLISH,
) -> Iterator[str]:
    """The same as CSV text, line by line, in bounded memory; header first. What moved and why is said in `language`.

    A text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    transfers = _transfers(organisation, since, until, kinds, reference=reference, text=text)
    yield csv_row(["date", "what", "reference", "reason", "credits in", "credits out", "available", "held", "spent"])
    for transfer in transfers.iterator(chunk_size=2000):
        line = _line(transfer)
        yield csv_row(
            [
                line.at.isoformat(),
                moved(line.source or line.kind, language=language),
                line.reference,
                line.reason if language == ENGLISH else line.said(language=language),
                line.credits_in,
                line.credits_out,
                line.available,
                line.held,
                line.spent,
            ]
        )


def _transfers(
    organisation: UUID,
    since: datetime | None,
    until: datetime | None,
    kinds: Collection[str] | None,
    *,
    reference: str | None = None,
    hold: UUID | None = None,
    text: str | TextSearch = "",
) -> QuerySet[Transfer]:
    for moment in filter(None, (since, until)):
        checked_moment(moment, what="A period")
    if since and until and since >= until:
        raise InvalidPeriod("period", since=since.isoformat(), until=until.isoformat())
    require_organisation(organisation)
    transfers = Transfer.objects.filter(organisation=organisation).order_by("seq")
    # Times become places in the chain, which has an index; `until` is excluded, so it is the last place before it.
    if since:
        transfers = transfers.filter(seq__gt=last_seq_at(organisation, since - timedelta(microseconds=1)))
    if until:
        transfers = transfers.filter(seq__lte=last_seq_at(organisation, until - timedelta(microseconds=1)))
    if kinds is not None:
        transfers = transfers.filter(kind__in=list(kinds))
    if reference is not None:
        transfers = transfers.filter(reference=reference)
    if hold is not None:
        transfers = transfers.filter(hold_id=hold)
    wanted = TextSearch(text) if isinstance(text, str) else text
    if wanted.text:
        transfers = transfers.filter(Q(reference__icontains=wanted.text) | _reasons_with(wanted))
    return transfers


def _reasons_with(wanted: TextSearch) -> Q:
    """Reasons in which a reader finds the text: in a person's own words, in a value of a fact, or in what the language
    says of its code."""
    is_fact = Q(reason__startswith=MARK)
    found = Q(~is_fact, reason__icontains=wanted.text)
    found |= Q(is_fact, reason__iregex=f': "[^"]*{re.escape(wanted.text)}')
    for code in codes_that_say(wanted.text, MOVED_WHY, language=wanted.language):
        found |= Q(reason__startswith=f'{MARK}"{code}"')
    return found


def _line(transfer: Transfer) -> StatementLine:
    source = transfer.source if transfer.kind == TransferKind.GRANT else ""
    why = read_reason(transfer.reason)
    english = say_fact(why) if isinstance(why, Fact) else why
    if isinstance(why, str):
        why = reason_of_before(key=transfer.key, sentence=why)
    return StatementLine(
        seq=transfer.seq,
        at=transfer.at,
        kind=transfer.kind,
        source=source,
        what=moved(source or transfer.kind),
        reference=transfer.reference,
        key=transfer.key,
        reason=english,
        why=why,
        credits=transfer.credits,
        credits_in=transfer.credits if transfer.target == "available" else 0,
        credits_out=transfer.credits if transfer.source == "available" else 0,
        available=transfer.available_after,
        held=transfer.held_after,
        spent=transfer.spent_after,
        hold=transfer.hold_id,
        transfer=transfer.id,
    )


def moved(what: str, *, language: str = ENGLISH) -> str:
    """What a movement is called: by the source of granted credits, by the kind of every other."""
    return say_fact(Fact(f"moved_{what}"), language=language)


def csv_row(cells: list[str | int]) -> str:
    """A line of a spreadsheet's file, with cells that it does not work out."""
    out = io.StringIO()
    csv.writer(out).writerow([harmless(cell) for cell in cells])
    return out.getvalue()
