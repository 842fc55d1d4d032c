"""Signing up and in, the team and its keys, and a person's own page. django-allauth does what everybody needs; here is
what is ours.

`sign_up.py` ties a person to an organisation, `adapter.py` and `forms.py` fit allauth, `views/` are the pages below
/<slug>/.
"""
