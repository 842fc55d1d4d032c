"""Credits, proven: accounts, transfers, holds and lots. Knows no price list, no payment provider, no run.

Words: account (an organisation's available, held and spent credits), transfer (credits moved from one account to
another; never changed), grant (credits that come in), lot (the credits of one grant, with their source and price), hold
/ capture / release (reserve, take, give back), credit refund, withdrawal (credits that leave), key (makes a repeated
request harmless), chain and checkpoint (make tampering visible). Read `models.py`, then `operations/holds.py`, then
`sql/postgres.sql`; docs/ledger.md has the picture.
"""
