"""Words: facts as sentences, in the language of whoever reads them.

The rooms below the doors tell facts as a **code with values** (a finding, a refusal). Here each code has its sentence:
in English, which is what translators translate, and in every other language through gettext
(`locale/<language>/LC_MESSAGES/words.po`). Numbers, shares and signs are written as the language writes them (Babel).
No sentence is ever read back. Read first: `catalogue.py`, then the tables (`findings.py`, `tables/`).

A new language is a folder below `locale`: `python -m tests.words.book fr` makes its book, and names what it lacks.
"""
