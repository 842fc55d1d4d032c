"""The price book of pure tests: that of November 2026 as it was published, whatever the book in force has come to say
since."""

from otai.pricing.published import read

BOOK = read("2026-11")

BOOK_WITH_YEARS = read("2026-12b")
"""One in which a tier can be taken for a year, and has quotas."""
