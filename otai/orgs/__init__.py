"""Who the customers are: organisations, their members and roles, and their time zones.

Words: organisation (one customer; everything else belongs to exactly one), member, role. Another organisation's things do not exist:
every query above takes the organisation and finds nothing of others. Read `models.py` first.
"""
