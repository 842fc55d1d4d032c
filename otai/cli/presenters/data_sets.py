"""Data sets: what came in, and the list of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Protocol

from otai.cli.output import print_table, say
from otai.cli.presenters.words import moment
from otai.learning.data.profile import Profile
from otai.learning.finding import Finding
from otai.tickets.columns import ColumnRoles
from otai.words import findings as words
from otai.words.catalogue import language_name, percent, say_fact


class DataSet(Protocol):
    """The table's row and the client's answer both are one."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def tickets(self) -> int: ...
    @property
    def left_out_rows(self) -> int: ...
    @property
    def source_filename(self) -> str: ...
    @property
    def made_as(self) -> Mapping[str, Any] | None: ...
    @property
    def source_format(self) -> str: ...
    @property
    def imported_at(self) -> datetime: ...


def _origin(data_set: DataSet) -> str:
    return say_fact(data_set.made_as) if data_set.made_as else data_set.source_filename


def show_import(data_set: DataSet, *, is_added: bool = False) -> None:
    """Prints what an import made; `is_added` where it joined the tickets of the version before."""
    left_out = f"; {data_set.left_out_rows:,} bad rows left out" if data_set.left_out_rows else ""
    how = "tickets, with those of" if is_added else "tickets imported from"
    say(
        f"{data_set.name} v{data_set.version}: {data_set.tickets:,} {how} {_origin(data_set)} "
        f"({data_set.source_format}){left_out}."
    )


def show_details(data_set: DataSet, profile: Profile, *, zone: tzinfo | None) -> None:
    """Prints what a data set is made of, and what was found in it."""
    say(
        f"{data_set.name} v{data_set.version}: {data_set.tickets:,} tickets from {_origin(data_set)}, "
        f"{moment(data_set.imported_at, zone)}."
    )
    show_profile(profile)


def show_cut(made: DataSet, profile: Profile) -> None:
    """Prints a version that was made without what gives labels away."""
    say(f"{made.name} v{made.version}: {made.tickets:,} tickets, without the lines that gave labels away.")
    show_profile(profile)


def show_uncut(made: DataSet, profile: Profile) -> None:
    """Prints a version that was made with the texts as they came."""
    say(f"{made.name} v{made.version}: {made.tickets:,} tickets, with the texts as they came.")
    show_profile(profile)


def show_data_sets(found: Iterable[DataSet], *, zone: tzinfo | None) -> None:
    """Prints data sets as a table, times in the zone."""
    print_table(
        ["name", "version", "tickets", "imported", "from"],
        [[one.name, one.version, f"{one.tickets:,}", moment(one.imported_at, zone), _origin(one)] for one in found],
        right=["version", "tickets"],
    )


def show_preview(
    file: str,
    *,
    format: str,
    looked_at: str,
    roles: ColumnRoles,
    unsettled_dates: Mapping[str, str] | None,
    rows_become: Sequence[str] = (),
) -> None:
    """Prints what a file is taken for, column by column; `unsettled_dates` as the API says them."""
    say(" ".join([f"{file}: {format}; looked at {looked_at}.", *rows_become]))
    show_columns(roles)
    if unsettled_dates is not None:
        say(
            f"Nothing settles how dates such as {unsettled_dates['example']} in “{unsettled_dates['column']}” are "
            f"read: {unsettled_dates['read_as']}, unless --dates says it."
        )


def show_columns(roles: ColumnRoles) -> None:
    """Prints what each column is taken for, and why."""
    print_table(
        ["column", "taken for", "why"], [[column, roles.role_of(column), why] for column, why in roles.why.items()]
    )
    if roles.ignored:
        say("To learn a column that is left out: --attribute COLUMN")


NEXT = {
    "columns_renamed": "--column COLUMN=USE, or --ignore",
    "dates_read_day_first": "--dates month-first",
    "dates_read_month_first": "--dates day-first",
    "label_given_away": "otai tickets cut NAME",
    "labels_are_personal": "otai tickets labels NAME -a ATTRIBUTE --rename LABEL=NEW",
    "labels_outside_the_order": "--ordered priority=low,medium,high",
    "language_unknown": "--column lang=language",
    "messages_joined": "--ignore",
    "newest_row_won": "--ignore",
    "no_attributes": "--attribute queue",
    "no_header": "--header 1",
    "header_found_below": "--header 3",
    "personal_data": "--mask",
    "sheets_chosen": "--sheet NAME",
    "text_was_cut": "--keep-quotes keeps it all",
}
"""How to follow a finding's advice on the command line."""


def show_profile(profile: Profile) -> None:
    """Prints what is in a data set: languages, split, attributes and findings."""
    languages = ", ".join(
        f"{language_name(language)} {percent(share)}" for language, share in list(profile.languages.items())[:6]
    )
    read = f" ({say_fact(profile.languages_read)})" if profile.languages_read else ""
    say(f"Languages: {languages or 'none found'}{read}")
    if profile.split:
        say("Split: " + ", ".join(f"{name} {count:,}" for name, count in profile.split.items()))
    if profile.attributes:
        print_table(
            ["attribute", "kind", "labels", "can be learnt", "missing", "most frequent"],
            [
                [
                    attribute.name,
                    attribute.kind,
                    f"{attribute.label_count:,}",
                    f"{attribute.learnable_labels:,}",
                    percent(attribute.missing / profile.tickets),
                    ", ".join(f"{label.name} ({label.count:,})" for label in attribute.labels[:3]),
                ]
                for attribute in profile.attributes
            ],
            right=["labels", "can be learnt", "missing"],
        )
    for finding in profile.findings:
        say(f"! {said_of_finding(finding)}")


def said_of_finding(finding: Finding) -> str:
    """What was found, what to do about it, and the command for that."""
    hint = NEXT.get(finding.code, "")
    return f"{words.message(finding)} {words.advice(finding, door='command')}{hint and f' ({hint})'}"


def show_going(going: Mapping[str, Any], *, with_models: bool) -> None:
    """What deleting tickets takes and leaves; `going` as the API says it."""
    goes = [
        (going["tickets"], "tickets with their files, labels and vectors"),
        (going["report_cards"], "report cards lose the words and ids of tickets"),
        (going["guarantee_tickets"], "tickets that a guarantee is measured on"),
        (going["feedback"], "pieces of feedback on these tickets"),
        (going["asked_about"], "kept tickets with the same text"),
        (going["label_changes"], "lists of changed labels"),
        (going["unordered_quotes"], "quotes that nobody ordered"),
    ]
    say(f"{', '.join(going['data_sets'])}. This goes, and cannot be brought back:")
    for count, what in goes:
        if count:
            say(f"  {count:,} {what}")
    for tier in going["guarantees_given_up"]:
        say(f"  the guarantee of {tier.capitalize()}: without the tickets it cannot be decided any more")
    say(f"This stays: names, counts, hashes and figures; {going['staying_runs']} runs with what they cost and reached.")
    if going["staying_models"]:
        models = ", ".join(going["staying_models"])
        say(
            f"Deleted as well, with all versions: {models}."
            if with_models
            else f"Models stay and go on answering, with the names of their labels: {models}. "
            "To delete them too: --with-models."
        )
    if going["open_runs"]:
        say(f"In the way: run {', '.join(map(str, going['open_runs']))}. Cancel it first: otai runs cancel NUMBER")
    say("Files that were exported or downloaded are yours, and stay where you put them.")


def show_deleted(data_sets: Sequence[str], tickets: int, *, models: Sequence[str]) -> None:
    """Afterwards: what went, models with their names."""
    say(f"{', '.join(data_sets)}: {tickets:,} tickets are deleted. Their figures stay.")
    if models:
        say(f"Deleted with them: {', '.join(models)}.")
