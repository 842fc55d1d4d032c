"""Tickets that a customer brings: data sets with their attributes and labels, what was found in them, and how files
become them.

Words: data set (one import, with a name and a version; never changed afterwards), ticket (subject and body, once an
e-mail or a form), attribute (what is predicted for a ticket), label (one of an attribute's values), column role (what a
column of the source is for), finding (something in the data that the customer should know). The database holds the data
set, its attributes, labels and profile; the tickets themselves are one Parquet file in the file store
(docs/decisions/0301-tickets-live-in-parquet.md).

Read `models.py`, then `operations.py` (an import from end to end), then `columns.py` (how roles are guessed) and
`sources/` (one module a file format).
"""
