"""The guarantee: an included run and an improvement iteration, measured against what was agreed before, or the fee
comes back.

Words: criterion (attribute, metric, threshold), holdout (the tickets measured on, fixed before training), verdict (each
criterion as it was measured), fee (the list price of the onboarding run). Read `..guarantee_status`, then
`operations.py`; `settlement.py` is what a run's ending does.
"""
