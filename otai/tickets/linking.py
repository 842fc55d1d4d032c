"""Columns that say which tickets belong together: a number of the conversation, the mail that a mail answers, a parent
or a related ticket.

They are no attributes. They are kept as hashes, so that no training learns from a ticket whose continuation it is
measured on.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from otai.tickets.column_names import THREAD, ColumnName, name_of

LINKS = "links"
"""The column of a data set that holds them, a list of hashes a ticket."""

_MAILS = frozenset(("messageid", "internetmessageid", "inreplyto", "references", "mailreferences"))
_TICKETS = re.compile(
    # en, de
    r"parent(id|key|ticket|case|task|issue|incident|request)?(id|number|key)?|(related|linked|merged|duplicate|child)"
    r"(tickets?|issues?|cases?|incidents?|requests?)(ids?|numbers?)?|merged(in)?to|duplicate(of|s)|(follow(ed)?up|continuation)of|"
    r"followupsourceid|(master|original|previous|main)(ticket|case|issue|incident)(id|number)?|"
    r"uebergeordnete[rs]?(vorgang|ticket|stoerung|anfrage)|(haupt|vor|ursprungs|bezugs|folge)(ticket|vorgang)(nummer|nr|von)?|"
    r"(verknuepfte|zugehoerige|verwandte|zusammengefuehrte)(tickets|vorgaenge|anfragen)|duplikatvon|"
    # fr, es, it, nl, pl, pt
    r"(ticket|demande|incident)(parente?|dorigine)|(tickets|demandes)(lies|liees|associes|associees)|"
    r"(ticket|caso|solicitud)(padre|originalt?)|(tickets|casos)relacionados|ticket(principale|collegati|correlati)|"
    r"hoofd(melding|ticket)|gerelateerde(meldingen|tickets)|zgloszenienadrzedne|powiazanezgloszenia|"
    r"(chamado|ticket)(pai|original)|chamadosrelacionados"
)
_TOKEN = re.compile(r"[^\s,;|<>()\[\]]+")


def kind_of_link(name: ColumnName) -> str | None:
    """What a column's values name: "mail", "thread" or "ticket"; None where it links nothing."""
    for said in (name.folded, "".join(name.core), name.last):
        if said in _MAILS:
            return "mail"
        if said in THREAD:
            return "thread"
        if _TICKETS.fullmatch(said):
            return "ticket"
    words = " ".join(name.words)
    # Jira: "Inward issue link (Duplicate)". Zendesk: the ticket that this one follows.
    return "ticket" if "issue link" in words or words.endswith("from ticket id") else None


def link_columns(columns: Sequence[str], used: Iterable[str]) -> dict[str, str]:
    """Those of the columns that link tickets and are not used for anything else, with what they name."""
    taken = set(used)
    kinds = {column: kind_of_link(name_of(column)) for column in columns if column not in taken}
    return {column: kind for column, kind in kinds.items() if kind is not None}


def links_of(cells: Mapping[str, Sequence[Any]], kinds: Mapping[str, str], ids: Sequence[str | None]) -> pa.Array:
    """For each row what it is called and what it names, as hashes; null for a row that names nothing, and whose own
    number is none. `cells` by column, `ids` the tickets' own."""
    columns = [(kinds[name], column) for name, column in cells.items()]
    made = []
    for row, own in enumerate(ids):
        found = {f"{kind}:{token}" for kind, column in columns for token in _tokens(column[row])}
        # So that what another ticket names is found.
        found |= {f"ticket:{token}" for token in _tokens(own)}
        made.append(sorted(map(_hashed, found)) or None)
    return pa.array(made, pa.list_(pa.string()))


def _tokens(cell: Any) -> Iterator[str]:
    for text in cell if isinstance(cell, list) else (cell,):
        for found in _TOKEN.findall(text or ""):
            token = found.strip("#.:").lower()
            # Words around the numbers ("duplicates #12") name nothing.
            if any(sign.isdigit() for sign in token):
                yield token


def _hashed(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
