"""Bank statements in CAMT.053 (ISO 20022, versions 2 to 8): the money that came, as values. Reads only; no entities, no
DTD (defusedxml)."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml import ElementTree as Tree

from otai.errors import Invalid

most_bytes = 20 * 1024 * 1024
longest_reference, longest_payer, longest_text = 180, 200, 500
NO_REFERENCE = frozenset({"NONREF", "NOTPROVIDED", "NOREF", "NONE", "N/A", "-", "0"})
"""What banks write where they have no reference of their own, as in MT940: it tells no entry from another."""


class InvalidBankStatement(Invalid):
    code = "invalid_bank_statement"


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """Money that came, or (`cents` below zero) that the bank took back. `reference` tells it from other entries of the
    account, in every statement that shows it, as far as the bank's does."""

    account: str
    reference: str
    booked_on: date
    cents: int
    currency: str
    payer: str
    text: str
    is_reversal: bool


def read_statement(content: bytes) -> list[StatementEntry]:
    """The booked credits of all statements in the file, and what their bank took back, in their order. Raises
    InvalidBankStatement; then nothing was read."""
    if len(content) > most_bytes:
        raise InvalidBankStatement("too_large", most=most_bytes)
    try:
        root = Tree.fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise InvalidBankStatement("no_xml") from None
    statements = root.findall("{*}BkToCstmrStmt/{*}Stmt")
    if not statements:
        raise InvalidBankStatement("no_camt", root=root.tag.rpartition("}")[2][:60])
    alike: Counter[str] = Counter()
    return [entry for statement in statements for entry in _entries(statement, alike)]


def _entries(statement: Element, alike: Counter[str]) -> Iterator[StatementEntry]:
    account = _text(statement, "{*}Acct/{*}Id/{*}IBAN").replace(" ", "")
    if not account:
        raise InvalidBankStatement("no_account")
    for entry in statement.findall("{*}Ntry"):
        status = _text(entry, "{*}Sts") or _text(entry, "{*}Sts/{*}Cd")
        came = _text(entry, "{*}CdtDbtInd") == "CRDT"
        if status != "BOOK" or not (came or _came_back(entry, entry.findall("{*}NtryDtls/{*}TxDtls"))):
            # What we paid is no customer's.
            continue
        yield from _parts(entry, account, alike)


def _parts(entry: Element, account: str, alike: Counter[str]) -> Iterator[StatementEntry]:
    """One part for each transaction of a collective entry, where their amounts are told and add up; else the whole."""
    cents, currency = _amount(entry.find("{*}Amt"))
    booked_on = _day(entry)
    transactions = entry.findall("{*}NtryDtls/{*}TxDtls")
    amounts = [_amount_of(transaction) for transaction in transactions]
    told = [amount for amount in amounts if amount is not None]
    sign = 1 if _text(entry, "{*}CdtDbtInd") == "CRDT" else -1
    are_parts = len(told) == len(transactions) > 1 and sum(told) == cents
    of_bank = _own(_text(entry, "{*}AcctSvcrRef"))
    groups = [[one] for one in transactions] if are_parts else [transactions]
    for number, group in enumerate(groups):
        payer = _first(group, "{*}RltdPties/{*}Dbtr/{*}Nm", "{*}RltdPties/{*}Dbtr/{*}Pty/{*}Nm")
        text = " ".join(_lines(group)) or _text(entry, "{*}AddtlNtryInf")
        amount = sign * (told[number] if are_parts else cents)
        own = _own(_first(group, "{*}Refs/{*}AcctSvcrRef")) if are_parts else ""
        reference = own or (f"{of_bank}/{number + 1}" if of_bank and are_parts else of_bank)
        if not reference or len(reference) > longest_reference:
            facts = "|".join([account, str(booked_on), str(amount), currency, payer, text, reference])
            alike[facts] += 1
            # Two entries that say the same are two payments: they are told apart by which of them this is.
            reference = hashlib.sha256(f"{facts}|{alike[facts]}".encode()).hexdigest()
        yield StatementEntry(
            account=account,
            reference=reference,
            booked_on=booked_on,
            cents=amount,
            currency=currency,
            payer=payer[:longest_payer],
            text=text[:longest_text],
            is_reversal=_came_back(entry, group),
        )


def _own(reference: str) -> str:
    return "" if reference.upper() in NO_REFERENCE else reference


def _came_back(entry: Element, group: list[Element]) -> bool:
    """Whether it takes another entry back, or is a transfer of ours that was returned."""
    returned = any(one.find("{*}RtrInf") is not None for one in group)
    return returned or _text(entry, "{*}RvslInd") in ("true", "1")


def _text(within: Element, path: str) -> str:
    found = within.find(path)
    written = (found.text or "") if found is not None else ""
    return " ".join("".join(one if one.isprintable() else " " for one in written).split())


def _first(group: list[Element], *paths: str) -> str:
    return next((text for one in group for path in paths if (text := _text(one, path))), "")


def _lines(group: list[Element]) -> Iterator[str]:
    for one in group:
        for path in ("{*}RmtInf/{*}Ustrd", "{*}RmtInf/{*}Strd/{*}CdtrRefInf/{*}Ref", "{*}Refs/{*}EndToEndId"):
            yield from (line.text.strip() for line in one.findall(path) if line.text and line.text.strip())


def _amount(found: Element | None) -> tuple[int, str]:
    if found is None:
        raise InvalidBankStatement("no_amount", text="")
    # As XML writes decimals: Python would read 1e3, 1_000 and digits of other scripts, too.
    text = (found.text or "").strip()
    cents = Decimal(text) * 100 if re.fullmatch(r"\+?[0-9]{1,20}(\.[0-9]{0,20})?", text) else Decimal(0)
    is_exact = cents == cents.to_integral_value() and 1 <= cents < 10**15
    currency = found.get("Ccy", "")
    if not is_exact or not re.fullmatch(r"[A-Z]{3}", currency):
        raise InvalidBankStatement("no_amount", text=f"{found.text or ''} {currency}".strip()[:60])
    return int(cents), currency


def _amount_of(transaction: Element) -> int | None:
    for path in ("{*}Amt", "{*}AmtDtls/{*}TxAmt/{*}Amt"):
        found = transaction.find(path)
        if found is not None:
            return _amount(found)[0]
    return None


def _day(entry: Element) -> date:
    written = _text(entry, "{*}BookgDt/{*}Dt") or _text(entry, "{*}BookgDt/{*}DtTm")[:10]
    try:
        return date.fromisoformat(written[:10])
    except ValueError:
        raise InvalidBankStatement("no_day", text=written[:40]) from None
