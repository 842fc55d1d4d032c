"""Other people's data: how long it is kept, how it leaves, how it is erased.

Words: erasure (a person or an organisation goes; what must be kept names a number), grace (the days in which a closing
organisation only reads and can be taken back), retention (after how many days what an organisation keeps is deleted),
export (all that is kept of a person or an organisation, as a zip), import (an organisation's export becomes an
organisation here). Read `persons.py`, then `organisations.py`, then `retention.py`, then `exports.py` and `imports.py`.
docs/privacy.md says where whose words lie, for how long, and what deletes them; docs/export.md what an export holds.
"""
