"""A calendar month, as people name it: 2026-11."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo

from otai.errors import Invalid


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """Its bounds depend on whose days are meant: the seller's, for documents and books."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Raises Invalid, code `invalid_month`, for what is none between 2000 and 2200."""
        found = re.fullmatch(r"(\d{4})-(\d{1,2})", text.strip(), re.ASCII)
        if found is None or not (2000 <= int(found[1]) <= 2200 and 1 <= int(found[2]) <= 12):
            raise Invalid("month", month=text[:20], code="invalid_month")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def at(cls, at: datetime, zone: tzinfo) -> Month:
        """The month that a time lies in."""
        local = at.astimezone(zone)
        return cls(local.year, local.month)

    def __str__(self) -> str:
        return f"{self.year}-{self.number:02d}"

    @property
    def next(self) -> Month:
        """The one after it."""
        return self.plus(1)

    def plus(self, months: int) -> Month:
        """So many months later; negative: earlier."""
        count = self.year * 12 + self.number - 1 + months
        return Month(count // 12, count % 12 + 1)

    def begins(self, zone: tzinfo) -> datetime:
        """The first moment of it."""
        return datetime(self.year, self.number, 1, tzinfo=zone)

    def ends(self, zone: tzinfo) -> datetime:
        """The first moment that is no longer of it."""
        return self.next.begins(zone)


@dataclass(frozen=True, slots=True)
class Period:
    """Months in a row, first and last: a month, or a quarter."""

    first: Month
    last: Month

    @classmethod
    def parse(cls, text: str) -> Period:
        """`2026-11`, or `2026-Q4`. Raises Invalid, code `invalid_month`."""
        found = re.fullmatch(r"(\d{4})-?[Qq]([1-4])", text.strip(), re.ASCII)
        if found is None:
            month = Month.parse(text)
            return cls(month, month)
        return cls.quarter(Month.parse(f"{found[1]}-{int(found[2]) * 3}"))

    @classmethod
    def quarter(cls, month: Month) -> Period:
        """The quarter that a month lies in."""
        first = Month(month.year, (month.number - 1) // 3 * 3 + 1)
        return cls(first, first.plus(2))

    def __str__(self) -> str:
        if self.first == self.last:
            return str(self.first)
        return f"{self.first.year}-Q{(self.first.number + 2) // 3}"

    def begins(self, zone: tzinfo) -> datetime:
        """The first moment of it."""
        return self.first.begins(zone)

    def ends(self, zone: tzinfo) -> datetime:
        """The first moment that is no longer of it."""
        return self.last.ends(zone)
