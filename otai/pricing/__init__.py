"""What a run would cost, and what an ended run does cost. Pure: values in, values out; no Django, no clock.

Words: price book (dated set of all policy numbers, a reason beside each), quote (priced offer with expiry), price line,
mode, delivery, tier, settlement. Read `price_book.py` first, then `quote.py`, then `settlement.py`.
"""
