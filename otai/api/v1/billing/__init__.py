"""Buying, by noun; `noun` has all of its endpoints, in the order in which the documentation shows them."""

from otai.api.endpoints import Noun
from otai.api.v1.billing import details, invoices, methods, packages, purchases, tiers, top_up

noun = Noun("Buying")
for _part in (packages, details, purchases, methods, invoices, top_up, tiers):
    noun.add_router("", _part.noun)
