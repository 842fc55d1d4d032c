"""Maximum: encoders that are trained further on a customer's own tickets, beside everything that Business knows.

Words: a *network* is an encoder whose upper part learns, with one head for each attribute; a *configuration* is a
`recipes.Tuning`; an *ensemble weight* is a network's in the sum of scores beside Business's model; a *hierarchy* says
which labels lie under which.

Read `trainer.py` (the whole of it), then `optimisation.py` (one network learns), `ensemble_weights.py` (how much each
counts), `hierarchy.py`, `finetuned.py` (what a model keeps). Only what is imported by `finetuned.py` at the top is
needed to load a model; torch comes with the first text.
"""
