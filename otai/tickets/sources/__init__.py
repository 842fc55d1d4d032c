"""Files as tables: one module a format, all with the same face (`Source`).

A source knows its columns and gives its rows in batches of bounded size, as often as asked. It changes no value; what
cannot be read at all becomes a bad row. Read `opening.py` first: it says which module reads a file.
"""
