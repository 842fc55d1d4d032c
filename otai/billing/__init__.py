"""How credits arrive: subscriptions and tiers, the credits they grant, and later packages, purchases and invoices.

Words: tier, subscription, grant. Grants are made exactly once for each (organisation, kind, period). Read `models.py`, then
`operations.py`.
"""
