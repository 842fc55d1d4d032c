"""Paid trainings: quotes, runs, their events, the queue, the workers that claim them and the executors that train.

Words: quote, run (one paid training), attempt (one try of it on a machine), event (a row for each move), worker,
executor, hold (the credits reserved for a run; the ledger keeps it). Read `status.py` (the life of a run), then
`operations/orders.py`, then `queue.py`.
"""
