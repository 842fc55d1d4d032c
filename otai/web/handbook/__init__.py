"""The help in the Studio: the pages of `docs/` that are written for customers, read where they lie.

`docs` here is a link to the folder at the top, so that there is one copy in the sources; an installed package has the
files themselves. A page is a file of it, and in German the file of that name in `docs/de`; where a language has none,
English is shown. Read `pages.py` first: which pages there are and for whom. Then `rendering.py`, `searching.py`, and
`of_pages.py`: which page of the Studio is explained where.
"""
