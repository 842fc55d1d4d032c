"""What the vendor's accountant gets: VAT by rate, the One Stop Shop, the recapitulative statement, bookings for DATEV,
and the month's close as a file.

`tax.py` has the figures, `datev.py` the bookings, `closing.py` the months that were handed over. All of them read the
documents as they were issued; a month is the seller's. `files.py` makes files of them.
"""
