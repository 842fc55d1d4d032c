"""As what a file was read: its format and what of it, with commas between them. And what was done to the version before
where no file was read."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.sentences import Counted, Sentence

FORMATS: Mapping[str, tuple[Sentence, ...]] = {
    "read_as": ("{parts:facts}",),
    "format_csv": ("CSV",),
    "format_csv_semicolons": ("CSV separated by semicolons",),
    "format_csv_bars": ("CSV separated by bars",),
    "format_csv_separated": ("CSV separated by {sign}",),
    "format_tsv": ("TSV",),
    "format_excel": ("Excel",),
    "format_opendocument": ("OpenDocument",),
    "format_excel_xml": ("Excel XML",),
    "format_html": ("HTML table",),
    "format_json": ("JSON",),
    "format_json_array": ("JSON array",),
    "format_json_lines": ("JSON Lines",),
    "format_marked_lines": ("lines with labels in front",),
    "format_mails": ("mails (.eml)",),
    "format_mbox": ("mbox",),
    "format_parquet": ("Parquet",),
    "format_xml": ("XML",),
    "format_files": (Counted("{kind} of {count:n} file", "{kind} of {count:n} files", "count"),),
    "format_of_version": ("made from version {version:n}",),
    "part_elements": ("elements {name}",),
    "part_list": ("list {name}",),
    "part_sheet": ("sheet {name}",),
    "part_sheets": ("sheets {names}",),
    "encoding": ("{name}",),
    "encoding_mixed": ("UTF-8 with lines in cp1252",),
    "packed_gzip": ("gzip",),
}

MADE_AS: Mapping[str, tuple[Sentence, ...]] = {
    "made_as.feedback_merged": ("feedback on {model}",),
    "made_as.labels_corrected": ("labels corrected",),
    "made_as.labels_renamed": ("labels renamed",),
    "made_as.labels_looked_through": ("labels looked through",),
    "made_as.without_given_lines": ("lines cut that give labels away",),
    "made_as.texts_uncut": ("texts as they came, uncut",),
    "made_as.changed": ("changed",),
}
"""What was done to the version before."""
