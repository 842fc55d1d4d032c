"""The sentences of refusals by room, and of bad rows. `refused.py` puts them together."""
