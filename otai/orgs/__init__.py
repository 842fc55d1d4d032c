"""Who the customers are: organisations, their members and roles, and their time zones.

Words: organisation (one customer; everything else belongs to exactly one), member (a person in it, with one role),
invitation, API key (a program, with scopes). `permissions.py` says what roles and scopes may do. Another organisation's
things do not exist: every query above takes the organisation and finds nothing of others. Read `models.py` first.
"""
