"""What is wrong in one row of a file; it stands behind the row and column."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.sentences import Counted, Sentence

ROWS: Mapping[str, tuple[Sentence, ...]] = {
    "row.cell_long": ("it has {characters:n} characters; {most:n} is the most",),
    "row.id_repeated": ("the ticket id {id:quoted} was there before; each ticket needs its own",),
    "row.separator_characters": ("{attribute} has a label of {longest:n} characters; wrong separator?",),
    "row.separator_labels": ("{attribute} has {labels:n} labels; wrong separator?",),
    "row.undecodable": ("it holds bytes that are no text in this encoding; name another encoding, or correct them",),
    "row.zero_byte": ("it holds a NUL character; the file is damaged or in another encoding, such as UTF-16",),
    "row_alone": ("row {row:n}: {why:fact}",),
    "row_and_column": ("row {row:n}, column {column:quoted}: {why:fact}",),
    "row.cells_too_many": (
        Counted(
            "it has {cells:n} cell, the header has {names:n}",
            "it has {cells:n} cells, the header has {names:n}",
            "cells",
        ),
    ),
    "row.field_long": ("a field is longer than {most:n} characters",),
    "row.fields_too_few": ("it has {fields:n} of {names:n} fields; this is the first that is missing",),
    "row.fields_too_many": ("it has {fields:n} fields, the header has {names:n}; a delimiter in an unquoted text?",),
    "row.json_no_object": ('it is {kind:fact}, not an object such as {{"subject": ...}}',),
    "row.label_long": ("a label of {attribute} has {characters:n} characters; {most:n} is the most",),
    "row.mail_damaged": ("the mail is damaged: {error}",),
    "row.mail_headers": ("the mail has more than {most:n} lines of headers",),
    "row.mail_large": ("the mail is larger than {most:n}\u00a0MiB",),
    "row.mail_nested": ("the mail is damaged: mails in mails, or parts in parts, deeper than any program writes",),
    "row.mail_parameters": ("a header of the mail says more than {most:n} things of one part",),
    "row.mail_parts": ("the mail has more than {most:n} parts",),
    "row.no_json": ("it is no JSON: {reason:fact}",),
    "row.no_time": ("{text:quoted} is no time; write it as 2026-11-02 09:30",),
    "row.quote_never_ends": ("a quoted field begins and never ends",),
    "row.quote_not_doubled": ("a quote inside a quoted field is not doubled",),
}
