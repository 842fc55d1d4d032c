"""Costly work on what somebody sent, in a process of its own: imports, previews, expected quality.

A *kind* of job names a function that knows neither tables nor settings: a spec and files in, values and files out. It
runs in a process that is bounded in memory, processor time and wall time and is killed as a group. The process that
asked follows it (*conducts* it) and writes the rows when the result is there, in one transaction with the job's last
move. Jobs wait for a place on their machine, each organisation has its share of the places, and two who ask the same
question get the same job.

Read `work.py` (what a kind is), `status.py`, `operations.py` (ask, wait, cancel), then `conducting.py` and
`fork_server.py`.
"""
