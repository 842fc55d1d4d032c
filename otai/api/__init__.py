"""The REST door. It translates between HTTP and the rooms, and decides nothing.

No endpoint is open yet.
"""
