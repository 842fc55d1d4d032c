"""OTAI Studio: a helpdesk team trains a ticket classifier on its own tickets and pays in training credits.

Rooms, from the ground up (docs/architecture.md has the picture; `make check` keeps the order):
`units`, `errors`, `db` | `pricing`, `learning` (pure) | `orgs` | `ledger` | `billing`, `tickets` | `runs` | `serving` |
`web`, `api`, `cli` (the doors) | `config`. A room calls downward only.
"""

__version__ = "0.1.0"
