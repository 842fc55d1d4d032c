"""Why a file cannot be imported as it is."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said
from otai.words.sentences import Counted

TABLE: Mapping[str, Refusal] = {
    "dataset_invalid.archive_damaged": said(
        "The archive is damaged, or packed in a way that is not read: {error}. Pack it again as .zip.",
    ),
    "dataset_invalid.archive_empty": said(
        "The archive has no files in it.",
    ),
    "dataset_invalid.archive_files": said(
        "The archive has more than {most:n} files; that is the most.",
    ),
    "dataset_invalid.archive_large": said(
        "The archive unpacks to more than {most:n}\u00a0GiB. Import it in parts.",
    ),
    "dataset_invalid.archive_no_table": said(
        "No file of the archive can be read as a table. {file}: {why:fact}",
    ),
    "dataset_invalid.archive_password": said(
        "The zip archive has a password. Pack it without one.",
    ),
    "dataset_invalid.archive_ratio": said(
        "The archive unpacks to more than {most:n} times its size: this is no table of tickets.",
    ),
    "dataset_invalid.archives_in_archives": said(
        "The file is an archive in an archive in an archive. Unpack it first.",
    ),
    "dataset_invalid.byte_order": said(
        (
            "The file is not {encoding:quoted}: it does not begin with a byte order mark. Name its byte order "
            "(utf-16-le, utf-16-be), or name no encoding."
        ),
    ),
    "dataset_invalid.cell_never_ends": said(
        "A cell in row {row:n} never ends: this is no table of tickets.",
    ),
    "dataset_invalid.cell_outside": said(
        (
            "The workbook is damaged: its cell {cell:quoted} lies outside any sheet. Save it again in Excel as .xlsx, "
            "or as CSV."
        ),
    ),
    "dataset_invalid.cells": said(
        "The file has more than {most:n} cells (rows times columns). Leave out columns that are not needed, or "
        "import it in parts.",
    ),
    "dataset_invalid.columns": said(
        "The file has {columns:n} columns; {most:n} is the most. Leave out those that are not needed.",
    ),
    "dataset_invalid.compound": said(
        (
            "The file is of an older Office program (or damaged), and nothing in it says of which. Open it there and "
            "save it as .xlsx or CSV."
        ),
    ),
    "dataset_invalid.delimiter": said(
        "The delimiter {delimiter:quoted} cannot be used; it is one character, for example “;”.",
    ),
    "dataset_invalid.device": said(
        "{path} is a device or a socket, and no file.",
    ),
    "dataset_invalid.element_text": said(
        "Element {row:n} has too much text for a ticket.",
    ),
    "dataset_invalid.empty": said(
        "The file is empty.",
    ),
    "dataset_invalid.encoding": said(
        "There is no encoding {encoding:quoted} for tickets. Examples: utf-8, cp1252, utf-16, latin-1.",
    ),
    "dataset_invalid.excel_or_zip_damaged": said(
        (
            "The file looks like an Excel workbook or a zip archive and is damaged: {error}. Save it again as "
            ".xlsx, or pack it again."
        ),
    ),
    "dataset_invalid.fields_missing": said(
        (
            "Every row has {fields:n} of {names:n} fields: the header names more columns than the rows fill, and "
            "nothing tells which are missing. Export again with all columns ({columns:names})."
        ),
    ),
    "dataset_invalid.file_damaged": said(
        "The file cannot be read: {error}. It is damaged. Export it again, as CSV if that is possible.",
    ),
    "dataset_invalid.file_harms": said(
        (
            "The file cannot be read: the program that reads it broke off. It is damaged, or made to harm. Export it "
            "again, as CSV if that is possible."
        ),
    ),
    "dataset_invalid.file_unreadable": said(
        "The file {path} cannot be read: {error}.",
    ),
    "dataset_invalid.folder": said(
        "{path} is a folder. Name the files in it, or pack it as .zip.",
    ),
    "dataset_invalid.gzip_damaged": said(
        "The gzip file is damaged: {error}. Pack it again.",
    ),
    "dataset_invalid.gzip_damaged_after": said(
        "The gzip file is damaged after {bytes:n} unpacked bytes: {error}. Pack it again.",
    ),
    "dataset_invalid.gzip_ratio": said(
        "The gzip file unpacks to more than 200 times its size: this is no table of tickets.",
    ),
    "dataset_invalid.header_alone": said(
        Counted(
            "The file has a header ({columns:n} column) and no tickets.",
            "The file has a header ({columns:n} columns) and no tickets.",
            "columns",
        ),
    ),
    "dataset_invalid.header_empty": said(
        "The first row should name the columns, and it is empty. Add a header row.",
    ),
    "dataset_invalid.header_row": said(
        "There is no row {header} with anything in it among the first rows, so it cannot be the header.",
    ),
    "dataset_invalid.header_unreadable": said(
        "The header cannot be read: {why:fact}.",
    ),
    "dataset_invalid.is_a": said(
        "The file is {what:fact}. {instead:fact}",
    ),
    "dataset_invalid.json_damaged": said(
        (
            "The JSON cannot be read beyond element {row:n}: {reason:fact}. Export it again, best as JSON Lines "
            "(one object a line)."
        ),
        (
            "The JSON cannot be read beyond character {character:n}: {reason:fact}. Export it again, best as JSON"
            " Lines (one object a line)."
        ),
    ),
    "dataset_invalid.json_keys": said(
        "The rows have more than {most:n} different keys; that is the most.",
    ),
    "dataset_invalid.json_list_empty": said(
        (
            "The list {list:quoted} in the file is empty: it holds no tickets. Look at the filter and the page that "
            "were asked for, and export again."
        ),
        (
            "The list in the file is empty: it holds no tickets. Look at the filter and the page that were asked "
            "for, and export again."
        ),
    ),
    "dataset_invalid.json_no_objects": said(
        "The file holds no JSON objects with keys, so there is nothing to import.",
    ),
    "dataset_invalid.large": said(
        "The file has {size:number}\u00a0GiB; {most:n}\u00a0GiB is the most. Import it in parts.",
    ),
    "dataset_invalid.line": said(
        "A line is longer than {most:n}\u00a0MiB: this is no table of tickets.",
    ),
    "dataset_invalid.mailbox_empty": said(
        "The mailbox has no mails in it.",
    ),
    "dataset_invalid.mails": said(
        "The mailbox has more than {most:n} mails. Import it in parts.",
    ),
    "dataset_invalid.no_file": said(
        "There is no file {path}.",
    ),
    "dataset_invalid.no_sheet": said(
        "There is no sheet {sheet:quoted}. The workbook has: {sheets:names}.",
    ),
    "dataset_invalid.no_text": said(
        "The file is no text and of a kind that is not read. {instead:fact}",
    ),
    "dataset_invalid.nothing": said(
        "The file has nothing in it: no header and no tickets.",
    ),
    "dataset_invalid.numbers": said(
        "The file is an Apple Numbers document. Export it as .xlsx or CSV.",
    ),
    "dataset_invalid.ods_damaged": said(
        "The OpenDocument sheet is damaged: {error}. Save it again, or as CSV.",
    ),
    "dataset_invalid.parquet_column_twice": said(
        "The Parquet file has two columns of the same name. Rename one.",
    ),
    "dataset_invalid.parquet_damaged": said(
        "The Parquet file is damaged after row {row:n}: {error}. Write it again.",
    ),
    "dataset_invalid.parquet_group": said(
        (
            "The column {column:quoted} holds {megabytes:n}\u00a0MB in one group of rows. Write the file again with "
            "smaller groups of rows."
        ),
    ),
    "dataset_invalid.parquet_no_column": said(
        "The Parquet file has no column of text, numbers, times or lists of text.",
    ),
    "dataset_invalid.parquet_rows": said(
        "The file has {rows:n} rows; {most:n} is the most. Import it in parts.",
    ),
    "dataset_invalid.parquet_unopened": said(
        "The Parquet file cannot be opened: {error}. Write it again.",
    ),
    "dataset_invalid.parquet_unpacked": said(
        "{rows:n} rows unpack to {megabytes:n}\u00a0MB: this is no table of tickets.",
    ),
    "dataset_invalid.quotes": said(
        (
            "{unclosed:n} quoted fields begin and never end, the last in row {row:n}: the quoting of this file is"
            " broken. Export it again with quotes doubled inside quoted fields."
        ),
    ),
    "dataset_invalid.row_text": said(
        "Row {row:n} has too much text for a ticket.",
    ),
    "dataset_invalid.rows": said(
        "The file has more than {most:n} rows. Import it in parts.",
    ),
    "dataset_invalid.sheet_columns": said(
        "The sheet has more than {most:n} columns; that is the most.",
    ),
    "dataset_invalid.sheet_damaged": said(
        "The sheet {sheet:quoted} is damaged: {error}. Save the workbook again in Excel.",
    ),
    "dataset_invalid.sheet_document_type": said(
        "The sheet's XML declares a document type; no program writes one. It is not opened.",
    ),
    "dataset_invalid.sheet_empty": said(
        "The sheet {sheet:quoted} is empty.",
    ),
    "dataset_invalid.sheets_empty": said(
        "The workbook has no sheet with anything on it.",
    ),
    "dataset_invalid.single_mail": said(
        (
            "The file is a single mail (.eml). Bring many: an mbox of a mailbox, or a .zip of the .eml files. "
            "Most mail programs export a folder as mbox."
        ),
    ),
    "dataset_invalid.table_rows": said(
        "The table has more than {most:n} rows.",
    ),
    "dataset_invalid.unpacked": said(
        "The file is larger than {most:n}\u00a0GiB unpacked. Import it in parts.",
    ),
    "dataset_invalid.web_page": said(
        (
            "The file is a web page (HTML) without a table of tickets in it, perhaps a sign-in page that was "
            "saved instead of the export. Export again, as CSV or Excel (.xlsx)."
        ),
    ),
    "dataset_invalid.workbook_document_type": said(
        "The workbook's XML declares a document type; Excel writes none. It is not opened.",
    ),
    "dataset_invalid.workbook_empty": said(
        "The workbook has no visible sheet with anything on it.",
    ),
    "dataset_invalid.workbook_large": said(
        "The workbook unpacks to {size:number}\u00a0GB; {most:number}\u00a0GB is the most. Save as CSV.",
    ),
    "dataset_invalid.workbook_parts": said(
        "The workbook has {parts:n} parts; {most:n} is the most.",
    ),
    "dataset_invalid.workbook_sheets": said(
        "The workbook has {sheets:n} sheets; {most:n} is the most.",
    ),
    "dataset_invalid.workbook_sheets_share": said(
        "The workbook is damaged: {sheets:n} sheets lie in {parts:n} parts.",
    ),
    "dataset_invalid.workbook_password": said(
        "The workbook has a password. Save it without one, or as CSV.",
    ),
    "dataset_invalid.workbook_ratio": said(
        (
            "The workbook's part {part:quoted} unpacks to more than {most:n} times its size: this is no table of "
            "tickets."
        ),
    ),
    "dataset_invalid.workbook_text": said(
        (
            "The workbook holds {megabytes:n}\u00a0MB of text in one part; {most:n}\u00a0MB is the most. Save "
            "the sheet as "
            "CSV and import that: CSV has no such bound."
        ),
    ),
    "dataset_invalid.workbook_damaged": said(
        "The workbook is damaged: {error}. Save it again in Excel as .xlsx, or as CSV.",
    ),
    "dataset_invalid.workbook_unopened": said(
        "The workbook cannot be opened: {error}. Save it again in Excel as .xlsx.",
    ),
    "dataset_invalid.xlsb": said(
        "The file is an Excel binary workbook (.xlsb). Save it as .xlsx or CSV.",
    ),
    "dataset_invalid.xml_damaged": said(
        "The XML is damaged in line {line:n}: {error}. Export it again, best as CSV or JSON.",
    ),
    "dataset_invalid.xml_document_type": said(
        ("The XML declares a document type, and entities with it; no export of tickets needs one. It is not opened."),
    ),
    "dataset_invalid.xml_empty": said(
        "The XML is empty.",
    ),
    "dataset_invalid.xml_fields": said(
        "The elements have more than {most:n} different fields; that is the most.",
    ),
    "dataset_invalid.xml_kinds": said(
        "The XML is nested too deeply, or has too many kinds of elements: this is no table of tickets.",
    ),
    "dataset_invalid.xml_nested": said(
        "The XML is nested more than {most:n} elements deep: this is no table of tickets.",
    ),
    "dataset_invalid.xml_nothing_repeats": said(
        "The XML holds no elements that repeat, so there are no tickets in it. Export as CSV or JSON.",
    ),
    "dataset_invalid.xml_tickets": said(
        "The file has more than {most:n} tickets. Import it in parts.",
    ),
}
