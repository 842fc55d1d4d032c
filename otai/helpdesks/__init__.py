"""Helpdesks that tickets come from: asked at their address with a token, read only, and what they answer becomes a file
that an import reads.

Words: helpdesk (a system at an address: Zammad, Zendesk, Request Tracker), ticket (as the helpdesk keeps it: fields,
and articles once they are read), article (one message of a ticket), wanted (which tickets to read). Nothing of what a
helpdesk answers is kept here: an import makes a data set of it.

Read `values.py`, then `helpdesk.py` (what each system must be able to do) and `systems/` (one module a system), then
`reading.py` (tickets as the file of an import). docs/helpdesks/README.md tells it to customers.
"""
