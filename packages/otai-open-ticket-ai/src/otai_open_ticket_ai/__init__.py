"""Models of OTAI Studio in Open Ticket AI 2.

Words: decision (what the model says of one attribute of a ticket: label, confidence, and whether it may be applied
alone at the precision asked for), decider (who makes decisions: a model served by `otai serve`), routing (decisions
become the ticket's new queue and priority, and a note).

Read `deciding.py`, then `pipe.py` (one step that decides, updates and leaves a note), `service.py` (the same model for
Open Ticket AI's own templates), then `app.py`, which starts Open Ticket AI with both.
"""
