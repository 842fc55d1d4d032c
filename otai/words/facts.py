"""Facts that are no findings: where something comes from, what a price is made of. Each code with its sentences, the
most exact first.

A value of a sentence may be a fact itself (`{why:fact}`): it is said in the same language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from otai.words.columns import COLUMNS
from otai.words.sentences import Counted, Sentence
from otai.words.tables import refused
from otai.words.tables.access import ACCESS
from otai.words.tables.actors import ACTORS
from otai.words.tables.balance import BALANCE_ADVICE, BALANCE_DIFFERS
from otai.words.tables.checks import CHECKS, REMEDIES
from otai.words.tables.criteria import CRITERIA
from otai.words.tables.file_formats import FORMATS, MADE_AS
from otai.words.tables.history import HISTORY
from otai.words.tables.improvements import IMPROVEMENTS
from otai.words.tables.kinds_of_files import FILES, JSON
from otai.words.tables.movements import MOVED_WHY, MOVEMENTS
from otai.words.tables.prices import PRICES
from otai.words.tables.reasons import REASONS
from otai.words.tables.rows import ROWS
from otai.words.tables.warnings import WARNINGS

LANGUAGES_READ: Mapping[str, tuple[Sentence, ...]] = {
    "languages_from_column": ("the column {column}",),
    "languages_detected_for_all": ("detected for every ticket",),
    "languages_detected_for_some": ("detected for one ticket in {every:n}",),
    "languages_from_version_before": ("the version before",),
}
"""Where the languages of a data set come from, in brackets behind them."""

ROWS_BECOME: Mapping[str, tuple[Sentence, ...]] = {
    "rows_each_a_ticket": ("Each row becomes a ticket.",),
    "rows_of_one_id": (
        Counted(
            "Rows of one “{column}” become one ticket: {tickets:n} ticket.",
            "Rows of one “{column}” become one ticket: {tickets:n} tickets.",
            "tickets",
        ),
    ),
    "rows_unreadable": (
        Counted(
            "{rows:n} further row cannot be read; the import names it and asks.",
            "{rows:n} further rows cannot be read; the import names them and asks.",
            "rows",
        ),
    ),
    "rows_joined": (
        "These hold more about the same tickets and are joined to them by their ids (of messages, a customer's first "
        "one is the text): {files:names}.",
    ),
    "rows_no_tickets": (
        Counted(
            "{rows:n} further row is no ticket: a header that comes again, or a total.",
            "{rows:n} further rows are no tickets: headers that come again, totals.",
            "rows",
        ),
    ),
}
"""What becomes of a file's rows, as said before its import."""

COMPARED: Mapping[str, tuple[Sentence, ...]] = {
    "version_first": ("the first version",),
    "version_decided": ("decided by a person",),
    "version_back": ("back from version {version:n}",),
    "versions_unlike": (
        "One of the versions had too few tickets to keep any aside, or was made before records were kept.",
    ),
    "versions_share_too_few_tickets": (
        Counted(
            "Only {tickets:n} ticket was kept aside from both trainings; {needed:n} are needed.",
            "Only {tickets:n} tickets were kept aside from both trainings; {needed:n} are needed.",
            "tickets",
        ),
    ),
    "versions_share_no_attribute": ("No attribute is predicted by both versions and known of enough common tickets.",),
    "comparison_better": (
        "Yes, it is better: {attribute} {points:points} points ({low:points} to {high:points}), which chance alone "
        "makes in {chance:percent1} of cases; also better: {also:attributes}.",
        "Yes, it is better: {attribute} {points:points} points ({low:points} to {high:points}), which chance alone "
        "makes in {chance:percent1} of cases.",
    ),
    "comparison_worse": (
        "No, it is worse: {attribute} {points:points} points ({low:points} to {high:points}), which chance alone "
        "makes in {chance:percent1} of cases; also worse: {also:attributes}.",
        "No, it is worse: {attribute} {points:points} points ({low:points} to {high:points}), which chance alone "
        "makes in {chance:percent1} of cases.",
    ),
    "comparison_mixed": (
        "Better in part: better at {better:names}, worse at {worse:names}; chance alone makes either in at most "
        "{chance:percent1} of cases.",
    ),
    "comparison_same": (
        Counted(
            "No sure difference: on {tickets:n} ticket that neither had learnt, chance alone makes as much.",
            "No sure difference: on {tickets:n} tickets that neither had learnt, chance alone makes as much.",
            "tickets",
        ),
    ),
    "versions_unread": ("The two could not be compared: a file of theirs could not be read.",),
    "versions_not_compared": ("Nothing could be compared. {unknown:fact} Look at its report card, and decide.",),
    "version_worse": ("Worse beyond chance. {attributes:fact}",),
    "version_not_worse": ("Not worse. {attributes:fact}",),
    "attribute_worse": (
        "{attribute}: {newer:percent1} right after {older:percent1}, on {tickets:n} tickets (p {chance:number}).",
    ),
    "attribute_same": (
        "{attribute}: {newer:percent1} right after {older:percent1}, on {tickets:n} tickets: no sure difference.",
    ),
    "attribute_better": (
        "{attribute}: {newer:percent1} right after {older:percent1}, on {tickets:n} tickets: better.",
    ),
}
"""Why a version of a model went live, or did not."""

PACKAGE: Mapping[str, tuple[Sentence, ...]] = {"package": ("{package} ({price:money})",)}

FACTS: Mapping[str, tuple[Sentence, ...]] = {
    **LANGUAGES_READ,
    **ROWS_BECOME,
    **COMPARED,
    **COLUMNS,
    **PACKAGE,
    **FILES,
    **FORMATS,
    **MADE_AS,
    **JSON,
    **ROWS,
    **PRICES,
    **MOVEMENTS,
    **MOVED_WHY,
    **REASONS,
    **CRITERIA,
    **HISTORY,
    **IMPROVEMENTS,
    **CHECKS,
    **REMEDIES,
    **WARNINGS,
    **BALANCE_DIFFERS,
    **BALANCE_ADVICE,
    **ACCESS,
    **ACTORS,
}


def sentences_of(code: str) -> tuple[Sentence, ...]:
    """Those of a fact, or of a refusal that another sentence holds."""
    found = refused.ALL.get(code)
    return FACTS.get(code) or (found.message if found else ())


def sentences() -> Iterator[Sentence]:
    """All of them, for the translators' books."""
    for said in FACTS.values():
        yield from said
