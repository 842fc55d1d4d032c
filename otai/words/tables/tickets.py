"""What is refused about data sets and their labels."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said
from otai.words.sentences import Counted

TABLE: Mapping[str, Refusal] = {
    "change_invalid.no_label": said("{attribute:quoted} has no label {label:quoted}."),
    "change_invalid.no_label_left": said("{attribute:quoted} would have no label left."),
    "change_invalid.label": said(
        "A label of {attribute:quoted} has 1 to 200 characters on one line.",
    ),
    "change_invalid.no_attribute": said(
        "There is no attribute {attribute:quoted}. There is: {known:words}.",
    ),
    "change_invalid.nothing_cut": said(
        "The import cut nothing from these texts, or did not keep what it cut.",
        page="Choose a version whose findings say that texts were cut.",
        command="Choose a version whose findings say that texts were cut, or import again with --keep-quotes.",
        api="Choose a version whose findings say that texts were cut, or import again with keep_quotes=true.",
    ),
    "change_invalid.no_lines": said(
        "No lines that give a label away were found in these tickets, so there is nothing to cut.",
    ),
    "change_invalid.no_ticket": said(
        "{data_set} has no ticket {ticket:quoted}.",
    ),
    "change_invalid.nothing": said(
        "Nothing would change: the labels are already so.",
    ),
    "change_invalid.one_label": said(
        "{attribute:quoted} has one label a ticket, not {labels:n}.",
    ),
    "data_set_busy.busy": said(
        "{name:quoted} is being imported by others at this moment. Try again.",
    ),
    "data_set_name_invalid.name": said(
        "A data set needs a name of 1 to 200 characters on one line.",
    ),
    "dataset_invalid.bad_rows": said(
        Counted(
            ("{problem_count:n} row cannot be read: {first:fact}. Nothing was imported. Correct it, or leave it out."),
            (
                "{problem_count:n} rows cannot be read, the first of them: {first:fact}. Nothing was imported. "
                "Correct them, or leave them out."
            ),
            "problem_count",
        ),
        api="To leave bad rows out: skip_bad_rows=true.",
        command="To leave bad rows out: --skip-bad-rows.",
    ),
    "not_found.attribute": said(
        "The data set has no attribute {name:quoted}.",
    ),
    "not_found.data_set_of": said(
        "There is no data set {name:quoted} in version {version}.",
        "There is no data set {name:quoted}.",
        command="`otai tickets list` shows those that exist.",
    ),
    "sample_out_of_range.tickets": said(
        "A sample has from 1 to {most:n} tickets; {tickets:n} is outside.",
    ),
    "tickets_deleted.deleted": said(
        (
            "The tickets of {data_set} were deleted on {deleted_at:date}; its figures are all that is left. "
            "Choose another version, or import the tickets again."
        ),
    ),
    "sealed_file_damaged.changed": said(
        "An encrypted file was changed or cut off since it was written. Ask whoever runs this Studio for a backup.",
        command="The encrypted file {path} was changed or cut off since it was written. Take it from a backup.",
    ),
}
