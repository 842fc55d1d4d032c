"""The REST door: `/api/v1`, and the doors for payment providers and for those who watch us. It translates, and decides
nothing.

Read `application.py` (what is mounted), `access.py` (who calls, and may they), `problems.py` (how a refusal looks) and
one noun of `v1/`. `endpoints.py` is how an endpoint is declared, `keys.py` makes a repeated request harmless,
`cursors.py` walks long lists, `rates.py` keeps one caller from taking all. The pages of `docs/api.md` say the same to
customers.
"""
