"""What a file is that cannot be imported, what to bring instead, and what is wrong with JSON: parts of sentences."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.sentences import Sentence

FILES: Mapping[str, tuple[Sentence, ...]] = {
    "file_7z": ("a 7z archive",),
    "file_arrow": ("an Arrow file",),
    "file_avro": ("an Avro file",),
    "file_base64": ("a file packed as text (base64), inside of which is {inside:fact}",),
    "file_bzip2": ("a bzip2 archive",),
    "file_calendar": ("a calendar or address book",),
    "file_compound": ("an old Excel workbook or another document of Office",),
    "file_drawn_table": ("a table as a database's tool draws it on the screen",),
    "file_error_answer": ("an error that a program answered, {said:quoted}, and no tickets",),
    "file_error_unsaid": ("an error that a program answered, and no tickets",),
    "file_gzip": ("a gzip archive",),
    "file_json": ("JSON",),
    "file_ldif": ("an LDIF file",),
    "file_locked_workbook": ("a workbook with a password",),
    "file_markup": ("XML or HTML",),
    "file_msg": ("an Outlook mail (.msg)",),
    "file_office": ("a text document or a presentation",),
    "file_orc": ("an ORC file",),
    "file_parquet": ("a Parquet file",),
    "file_pdf": ("a PDF",),
    "file_perl": ("a Perl dump (Data::Dumper), as OTRS scripts write it",),
    "file_pickle": ("a Python pickle, which could run code",),
    "file_picture": ("a picture",),
    "file_log": ("a log of a program",),
    "file_plain_text": ("a text for people to read, and no table",),
    "file_postgresql": ("a PostgreSQL backup",),
    "file_presentation": ("a presentation",),
    "file_program": ("a program",),
    "file_pst": ("an Outlook archive (.pst)",),
    "file_publisher": ("a Publisher document",),
    "file_rar": ("a RAR archive",),
    "file_rtf": ("a text document (RTF)",),
    "file_sql": ("an SQL dump",),
    "file_sqlite": ("an SQLite database",),
    "file_table": ("a table (CSV)",),
    "file_visio": ("a Visio drawing",),
    "file_word": ("a Word document",),
    "file_xz": ("an xz archive",),
    "file_yaml": ("YAML",),
    "file_zip": ("a workbook (.xlsx, .ods) or a zip archive",),
    "file_zstd": ("a zstd archive",),
    "instead_ask_again": (
        "Look at the key, the address and the rights with which the tickets were asked for, and export them again.",
    ),
    "instead_export_table": ("Export the tickets as CSV, Excel (.xlsx), JSON or Parquet.",),
    "instead_from_outlook": ("Export the mails from Outlook as CSV, or as an mbox.",),
    "instead_from_the_query": (
        "Export the same query as CSV, in psql for example with \\copy (SELECT …) TO 'tickets.csv' CSV HEADER.",
    ),
    "instead_parquet": ("Write it as Parquet, JSON Lines or CSV.",),
    "instead_table_as_csv": ("Export the table of tickets as CSV instead.",),
    "instead_table_by_query": (
        "Export the table of tickets as CSV instead, for example with a query in your database's tool.",
    ),
    "instead_without_password": ("Save it without one, or as CSV.",),
    "instead_unpacked": (
        "Unpack it first, with base64 -d on Linux and macOS or certutil -decode on Windows, and bring what comes out.",
    ),
    "instead_unpacked_no_tickets": ("What is inside holds no tickets: export them as CSV, Excel (.xlsx) or JSON.",),
    "instead_zip": ("Pack it as .zip, or unpack it first.",),
    "instead_zip_or_gz": ("Pack it as .zip or .gz, or unpack it first.",),
}

JSON: Mapping[str, tuple[Sentence, ...]] = {
    "json_error": ("{error}",),
    "json_error_at": ("{error} at character {character:n}",),
    "json_expected": ("expected {expected:words} and found {found:quoted}",),
    "json_expected_key": ("expected a key in quotes and found {found:quoted}",),
    "json_list": ("a list",),
    "json_nested": ("it is nested too deeply",),
    "json_null": ("null",),
    "json_scalar": ("a text or number",),
}
