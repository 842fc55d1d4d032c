"""Labelled tickets as they come in: what is in them, who is kept aside, and what is to be learnt from them as
numbers."""
