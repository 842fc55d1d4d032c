"""Learning: labelled tickets in, a model and the evidence for it out. Pure: no Django, no database, usable as a library.

Words: a *ticket* is one text with its attributes; an *attribute* is one thing to predict, its values are *labels*; the *holdout* is
the tickets kept aside to measure on; a *recipe* says how a mode trains; a *report card* is the evidence for the customer; a
*bundle* is the model as one file. Nothing here imports Django, and nothing that is loaded from a file can run code.

Read `tickets.py` (what goes in) first, then `training.py` (the one function that does it all, stage by stage), then `bundle.py`
(what comes out). `process.py` is the same as a process of its own, for whoever has to survive a crash of it.
"""
