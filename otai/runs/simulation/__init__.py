"""A fleet in a computer: a day of orders, pools of machines, failures; driven by the very rule by which workers claim
(`ordering.place`).

Read `assumptions.py` (what is assumed, all of it), `fleet.py` (the clockwork, simpy), `report.py` (what came out).
Installed by `pip install 'otai[simulate]'`.
"""
