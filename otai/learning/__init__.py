"""Learning: labelled tickets in, a model and the evidence for it out. Pure: no Django, no database, usable as a
library.

Words: a *ticket* is one text with its attributes; an *attribute* is one thing to predict, its values are *labels*; the
*holdout* is the tickets kept aside to measure on; a *recipe* says how a mode trains; a *report card* is the evidence
for the customer; a *bundle* is the model as one file. Nothing here imports Django, and nothing that is loaded from a
file can run code.

The folders stand in the order of the walk, each calling only what stands before it (`.importlinter`): `data` (what goes
in), `encoders` (networks that read texts), `features` (what is read of a ticket), `linear` (models fitted on that),
`finetuning` (Maximum's networks), `model` (what comes out), `evidence` (what it is worth), `exporting` (the model in
the forms of others). `training.py` is the one function that does it all, stage by stage; `process.py` is the same as a
process of its own, for whoever has to survive a crash of it.
"""
