"""Numbers as a workbook shows them: 1.1 under the format `0.00` is the code "1.10", 42 under `00000` is "00042".

Excel keeps the number and the format, and people read their codes in what it shows. A format adds zeros, signs and
words here; it never takes a digit away: a number that is shown shorter than it is stays whole. Signs between thousands
and currencies are left out, and the decimal sign is a dot, for nothing in the file says which a reader sees.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

BUILT_IN: Mapping[int, str] = {2: "0.00", 4: "#,##0.00", 9: "0%", 10: "0.00%", 39: "#,##0.00", 40: "#,##0.00"}
"""Formats that a workbook names by number alone (ECMA-376, 18.8.30), as far as they show more than the number."""
LONGEST_CODE = 200
MOST_DIGITS = 15
"""As many as a workbook keeps of a number."""

_TOKEN = re.compile(
    r"""\\(?P<escaped>.)|"(?P<quoted>[^"]{0,99})"|(?P<blank>[_*].)|\[(?P<bracket>[^\[\]]{0,99})\]|(?P<sign>.)""",
    re.DOTALL,
)
_CURRENCY = re.compile(r"[$€£¥₣₤₹₽₺]|\b(?:eur|usd|gbp|chf|pln|zł|kr|kč|lei|ft)\b", re.IGNORECASE)
_COLOUR = re.compile(r"(?i)black|blue|cyan|green|magenta|red|white|yellow|color ?\d{1,2}|(?:\$-)[0-9a-f]{1,8}")
_DIGITS = frozenset("0#?")
_PLAIN = frozenset(" -+()/:'!&~{}<>=^")
"""Signs that a format shows as they are, without quotes."""


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """What a format adds: `whole` are the places before the decimal sign with what stands between them, from left to
    right; `decimals` zeros at least and `most_decimals` digits at most follow the sign."""

    before: str
    whole: Sequence[str]
    decimals: int
    most_decimals: int
    is_percent: bool
    behind: str

    @property
    def adds_nothing(self) -> bool:
        """Whether it shows what the number says anyway."""
        places = [sign for sign in self.whole if sign in _DIGITS]
        is_bare = len(places) == len(self.whole) and places.count("0") <= 1
        return is_bare and not (self.before or self.behind or self.decimals or self.is_percent)

    def shown(self, number: float) -> str | None:
        """The number as people see it; None where it is shown shorter than it is."""
        scaled = abs(number) * 100 if self.is_percent else abs(number)
        if not scaled < 10**MOST_DIGITS:
            return None
        digits = f"{scaled:.{self.most_decimals}f}"
        if abs(float(digits) - scaled) > 1e-9 * max(scaled, 1.0):
            return None
        whole, _, decimals = digits.partition(".")
        kept = decimals[: self.decimals] + decimals[self.decimals :].rstrip("0")
        sign = "-" if number < 0 and float(digits) else ""
        return f"{self.before}{sign}{self._placed(whole)}{'.' if kept else ''}{kept}{self.behind}"

    def _placed(self, digits: str) -> str:
        """The digits in their places, from the right; what does not fit stands before them."""
        left = list(digits.lstrip("0"))
        placed: list[str] = []
        for at in range(len(self.whole) - 1, -1, -1):
            sign = self.whole[at]
            if sign not in _DIGITS:
                # What parts digits stands only where some are left, or zeros are asked for.
                placed += [sign] if left or "0" in self.whole[:at] else []
            elif left:
                placed.append(left.pop())
            elif sign == "0":
                placed.append("0")
        return "".join([*left, *reversed(placed)]) or "0"


@cache
def format_of(code: str) -> NumberFormat | None:
    """What a format's code says of a positive number; None where it shows no more than the number itself, or a date, a
    currency, a fraction, a power of ten."""
    parts = _parts_of(code) if len(code) <= LONGEST_CODE else None
    places = [at for at, (kind, _) in enumerate(parts or ()) if kind == "digit"]
    if parts is None or not places:
        return None
    made = _format_of_parts(parts[: places[0]], parts[places[0] : places[-1] + 1], parts[places[-1] + 1 :])
    return None if made is None or made.adds_nothing else made


Parts = list[tuple[str, str]]


def _format_of_parts(before: Parts, middle: Parts, behind: Parts) -> NumberFormat | None:
    kinds = [kind for kind, _ in middle]
    dot = kinds.index("dot") if "dot" in kinds else len(middle)
    decimals = [sign for _, sign in middle[dot + 1 :]]
    # A percent sign that parts digits, two decimal signs, one at the end: nobody writes so.
    is_odd = "percent" in kinds or not _DIGITS.issuperset(decimals)
    if is_odd or any(kind != "word" for kind, _ in before) or any(kind == "dot" for kind, _ in behind):
        return None
    return NumberFormat(
        before="".join(sign for _, sign in before).lstrip(),
        whole=tuple(sign for _, sign in middle[:dot]),
        decimals=decimals.count("0"),
        most_decimals=len(decimals),
        is_percent=any(kind == "percent" for kind, _ in behind),
        behind="".join(sign for _, sign in behind).rstrip(),
    )


def _parts_of(code: str) -> list[tuple[str, str]] | None:
    """(kind, sign) of what the code shows of a positive number, in its order: "digit", "dot", "percent", "word"; None
    where it shows something else than digits and words."""
    parts: list[tuple[str, str]] = []
    for token in _TOKEN.finditer(code):
        word = token["escaped"] or token["quoted"]
        sign = token["sign"]
        if word:
            parts.append(("word", word))
        elif token["bracket"] is not None:
            # A colour says nothing; a condition, a currency or a length of time does.
            if _COLOUR.fullmatch(token["bracket"]) is None:
                return None
        elif sign == ";":
            break
        elif sign in _DIGITS:
            parts.append(("digit", sign))
        elif sign == ".":
            parts.append(("dot", sign))
        elif sign == "%":
            parts.append(("percent", sign))
        elif sign == ",":
            continue
        elif sign in _PLAIN:
            parts.append(("word", sign))
        elif sign is not None:
            return None
    words = "".join(sign for kind, sign in parts if kind == "word")
    is_fraction = any(kind == "word" and sign == "/" for kind, sign in parts)
    return None if is_fraction or _CURRENCY.search(words) else parts


_NUMBER_IN_TEXT = re.compile(r"\d+(?:[.,]\d+)?")
_IN_GROUPS = re.compile(r"\d{1,3}(?:[.,'\u2019 \xa0\u202f]\d{3})+(?:[.,]\d+)?")


def same_number(number: float, text: str) -> str | None:
    """What a reader of an OpenDocument sheet sees in a cell of that number, with a decimal dot: "1.10" for 1.1; None
    where it says less than the number, or parts thousands."""
    text = text.strip()
    numbers = _NUMBER_IN_TEXT.findall(text)
    if _CURRENCY.search(text) or _IN_GROUPS.fullmatch(text.lstrip("-")) or not numbers or len(text) > LONGEST_CODE:
        return None
    if len(numbers) == 1:
        scaled = abs(number) * 100 if "%" in text else abs(number)
        if abs(float(numbers[0].replace(",", ".")) - scaled) <= 1e-9 * max(scaled, 1.0):
            return text.replace(numbers[0], numbers[0].replace(",", "."))
        return None
    # 123456 as "00-123-456".
    digits = "".join(re.findall(r"\d", text)).lstrip("0")
    return text if number.is_integer() and digits == str(int(abs(number))) else None
