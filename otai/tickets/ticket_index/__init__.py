"""The index of one version's tickets: what the ticket browser and the review of labels look things up in.

Words: ticket index (an SQLite file beside the version's Parquet file, with an inverted index of the words (FTS5) and a
row for each ticket's id, text key, language, time, beginning and labels). It is made in the job that makes the
version, from the Parquet file alone, can always be made again, and goes with the tickets
(docs/decisions/0910-an-index-file-beside-each-version.md).

Read `building.py`, then `reading.py`.
"""
