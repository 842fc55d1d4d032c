"""Times as exports write them: ISO 8601, dates of several countries and languages, seconds since 1970, the numbers of
spreadsheets."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

EARLIEST, LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""Outside of this a number that looks like a time is none."""

_FORMATS = (
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d.%m.%y %H:%M:%S", "%d.%m.%y %H:%M", "%d.%m.%y", "%d.%m.%Y, "
    "%H:%M", "%d.%m.%Y "
    "%H.%M",
    "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d %I:%M:%S %p", "%Y/%m/%d %I:%M %p", "%Y-%m-%d %I:%M:%S %p",
    "%Y-%m-%d %I:%M %p", "%d.%m.%Y %I:%M %p", "%Y/%m/%d", "%Y.%m.%d %H:%M:%S", "%Y.%m.%d %H:%M", "%Y.%m.%d",
    "%d/%b/%y %I:%M %p", "%d/%b/%Y %I:%M %p", "%d/%b/%Y %H:%M", "%d/%b/%y "
    "%H:%M", "%d/%b/%y", "%d/%b/%Y", "%d/%b/%Y:%H:%M:%S",
    "%d %b %Y %H:%M:%S", "%d %b %Y %H:%M", "%d %b %Y", "%d %b %Y %I:%M %p", "%b %d %Y", "%b %d %Y %H:%M", "%b %d %Y "
    "%H:%M:%S",
    "%b %d %Y %I:%M %p", "%b %d %Y %I:%M:%S %p", "%b %d %H:%M:%S %Y", "%d-%b-%Y %H:%M:%S", "%d-%b-%Y "
    "%H:%M", "%d-%b-%Y", "%d-%b-%y",
    "%d-%b-%y %I:%M %p", "%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%dT%H%M%S",
)  # fmt: skip
"""After weekdays are cut, months written in English, commas and words such as "at" dropped."""
_LATELY = list(_FORMATS)
_SLASHED = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2(\d{4}|\d{2})(.*)", re.DOTALL)
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %H:%M:%S.%f", "T%H:%M:%S")

_ZONES = {
    "utc": 0, "gmt": 0, "z": 0, "wet": 0, "bst": 60, "west": 60, "cet": 60, "mez": 60, "cest": 120, "mesz": 120,
    "eet": 120, "eest": 180,
    "msk": 180, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420,
    "ist": 330,
    "jst": 540, "aest": 600, "aedt": 660,
}  # fmt: skip
"""Minutes east of Greenwich."""
_ZONE = re.compile(
    rf"\s*\(?(?:(?:UTC|GMT)?\s*([+-])(\d{{2}}):?(\d{{2}})|(?:UTC|GMT)([+-])(\d{{1,2}})|\b({'|'.join(_ZONES)}))\)?$",
    re.IGNORECASE,
)

_MONTH_WORDS = (
    "january february march april may june july august september october november december",
    "jan feb mar apr may jun jul aug sep oct nov dec",
    "sept",
    "januar februar märz april mai juni juli august september oktober november dezember",
    "jänner feber mrz",
    "mär",
    "okt dez",
    "januari februari maart april mei juni juli augustus september oktober november december",
    "mrt",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "janv févr avr juil",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "ene abr ago dic",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "gen mag giu lug set ott",
    "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "sty lut kwi maj cze lip sie wrz paź lis gru",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "fev mai out",
)  # fmt: skip
"""English, German, Dutch, French, Spanish, Italian, Polish, Portuguese."""
_NUMBERED = (
    "jan ene gen sty jän", "feb fév fev feber lut feber", "mar mär mrz mrt maa març", "apr avr abr kwi", "may mai mei "
    "maj mayo mag maio", "jun "
    "juin giu cze junho",
    "jul juil lug lip", "aug aoû ago sie", "sep set wrz", "oct okt ott out paź", "nov lis", "dec dez déc dic gru",
)  # fmt: skip
_ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _number_of(month: str) -> int:
    """1 to 12. June and July begin alike in some languages, so the longest beginning decides."""
    fitting = [
        (len(start), at)
        for at, starts in enumerate(_NUMBERED, start=1)
        for start in starts.split()
        if month.startswith(start)
    ]
    return max(fitting)[1]


_MONTHS = {word: _number_of(word) for words in _MONTH_WORDS for word in words.split()}
_WORD = re.compile(r"[^\W\d_]+\.?")
_WEEKDAY = re.compile(r"^[^\W\d_]{2,12}\.?,?\s+(?=\S*\d|\w)")
_FILLERS = frozenset({"at", "um", "uhr", "de", "del", "of", "om", "à", "a", "alle", "às", "klo", "o", "the"})
_ZONE_IN_WORDS = re.compile(r"(?<=GMT[+-]\d{4}) \([^()]{1,60}\)$")
_HALVES = re.compile(r"\b([ap])\. ?m\.?(?=$| )", re.IGNORECASE)
"""8:12 a. m., as Spanish writes it."""
_PERIODS = {"am": "AM", "pm": "PM"}
_SERIAL = re.compile(r"([2-5]\d{4})[.,](\d+)")
_PACKED = re.compile(r"(?:19|20)\d{6}T\d{4}(?:\d{2})?(?:Z|[+-]\d{2}:?\d{2})?")
_ORACLE = re.compile(r"(\d{1,2}-[^\W\d_]{3,4}-\d{2,4}) (\d{1,2})\.(\d{2})\.(\d{2})(?:[.,]\d+)?( [AP]M)?")


def _with_colons(found: re.Match[str]) -> str:
    return ":".join(part for part in found.groups() if part)


def _with_zeros(found: re.Match[str]) -> str:
    day = f"{found[1]}-{int(found[2]):02d}-{int(found[3]):02d}"
    return f"{day} {int(found[4]):02d}" if found[4] else f"{day} " if found[0][-1:] in " T" else day


_JSON_DATE = re.compile(r"/Date\((\d{10}|\d{13})(?:[+-]\d{4})?\)/")
"""Milliseconds since 1970 as .NET writes them into JSON; they count in UTC whatever zone stands behind."""
_BY_WHOM = re.compile(r"^[^\d,;:]{3,40} (?=[A-Z][a-z]{2,8} \d{1,2}, \d{4} \d{1,2}:\d{2}(?::\d{2})? [AP]M$)")
"""Who it was stands before the time in a log of monday: Jana Peters Jan 3, 2026 10:00 AM."""
_TIDYING: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"^(\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?: ?[AaPp][Mm])?),? +(\d{1,4}[-./].*)$"), r"\2 \1"),
    (re.compile(r"^[^\W\d_]{2,12}\.?,? +(?=\d{1,2}[/-]\d{1,2}[/-]\d)"), ""),
    (_BY_WHOM, ""),
    (re.compile(r"(?<=\d)\.?-?([^\W\d_]{3,9})\.?[-.](?=\d{4}\b)"), r" \1 "),
    (re.compile(r"^([^\W\d_]{3,9})-(\d{1,2})-(?=\d{4}\b)"), r"\1 \2 "),
    (re.compile(r"(?<=\d) +(?:[-\u2013/|]|à|às|alle|um|at) +(?=\d{1,2}[:.h]\d{2})"), " "),
    (re.compile(r"(?<=[\d,] )(\d{1,2})[.hH](\d{2})(?:[.:](\d{2}))?(?=$| [AaPp+-])"), _with_colons),
    (re.compile(r"(?<=:\d\d)[.,:]\d{1,9}(?=$|[ AaPp+-])"), ""),
    (re.compile(r"(?<=\d)(?=[AaPp][Mm]$)"), " "),
    (re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})(?:$|[ T](?:(\d{1,2})(?=:))?)"), _with_zeros),
)
_SERIAL_DAY = re.compile(r"[2-5]\d{4}")
_SPREADSHEETS_BEGIN = datetime(1899, 12, 30, tzinfo=UTC)


def is_serial(text: str) -> bool:
    """A day and a part of it as spreadsheets number them ("46055,375")."""
    return _SERIAL.fullmatch(text.strip()) is not None


def serial_day(text: str) -> datetime | None:
    """A whole day as spreadsheets number them ("46055"): a time only in a column of such."""
    found = _SERIAL_DAY.fullmatch(text.strip())
    return None if found is None else _SPREADSHEETS_BEGIN + timedelta(days=int(found[0]))


def parse_time(text: str, *, month_first: bool = True) -> datetime | None:
    """The time that a cell states, in UTC (a time without a zone is taken for UTC); None if it states none.

    `month_first` decides what 03/04/2026 means where both readings are dates; the import finds it out for the column as
    a whole.
    """
    text = text.strip()
    if len(text) > 200:
        return None
    if "GMT" in text:
        # Browsers name the zone once more in words.
        text = _ZONE_IN_WORDS.sub("", text)
    if not 6 <= len(text) <= 60 or not any(character.isdigit() for character in text):
        return None
    time = _stated(text, month_first=month_first)
    if time is None and (tidied := _tidied(text)) != text:
        time = _stated(tidied, month_first=month_first)
    if time is None:
        return None
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time
    try:
        time = time.astimezone(UTC)
    except OverflowError:
        return None
    return time if EARLIEST <= time < LATEST else None


def _stated(text: str, *, month_first: bool) -> datetime | None:
    return _iso(text) or _number(text) or _zoned(text, month_first=month_first) or _packed(text)


def _tidied(text: str) -> str:
    """The same in a form that is read: some programs put a weekday before figures (Outlook), the time first, h or a
    point for its colon (French, Italian), a stroke between day and time, or the time's thousandths behind."""
    if (counted := _JSON_DATE.fullmatch(text)) is not None:
        return counted[1]
    for pattern, instead in _TIDYING:
        text = pattern.sub(instead, text)
    return text


def is_day_first(text: str) -> bool:
    """True for a slashed date that can only be read day first, such as 25/03/2026."""
    return which_first(text) == "day"


def which_first(text: str) -> str | None:
    """ "day" for 25/03/2026, "month" for 03/25/2026, "either" for 03/04/2026, None for what is no such date or reads
    alike both ways."""
    match = _SLASHED.match(text.strip()) or _SLASHED.match(_tidied(text.strip()))
    if match is None:
        return None
    first, second = int(match[1]), int(match[3])
    if first > 31 or second > 31 or (first > 12 and second > 12):
        return None
    if first > 12 or second > 12:
        return "day" if first > 12 else "month"
    return None if first == second else "either"


def _packed(text: str) -> datetime | None:
    """Without signs between (20260202T073000Z), and as Oracle writes it (02-FEB-26 07.30.00.000000 AM)."""
    if _PACKED.fullmatch(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return None
    oracle = _ORACLE.fullmatch(text)
    return None if oracle is None else _written(f"{oracle[1]} {oracle[2]}:{oracle[3]}:{oracle[4]}{oracle[5] or ''}")


def _iso(text: str) -> datetime | None:
    if not text[:4].isdigit() or text[4:5] != "-":
        return None
    cleaned = re.sub(r" ?(UTC|GMT|Z)$", "+00:00", text)
    try:
        return datetime.fromisoformat(cleaned)
    except ValueError:
        return None


def _number(text: str) -> datetime | None:
    """Seconds or milliseconds since 1970, or days since 1900 with their fraction, as spreadsheets count; other numbers
    are no times."""
    if re.fullmatch(r"\d{10}(\.\d+)?|\d{13}", text):
        return datetime.fromtimestamp(float(text) / (1000 if len(text) == 13 and "." not in text else 1), tz=UTC)
    serial = _SERIAL.fullmatch(text)
    if serial is None:
        return None
    days = timedelta(days=float(f"{serial[1]}.{serial[2]}"))
    # To the second: the fraction is rounded where it is written.
    return _SPREADSHEETS_BEGIN + timedelta(seconds=round(days.total_seconds()))


def _zoned(text: str, *, month_first: bool) -> datetime | None:
    """A date and time, with the zone behind it if there is one."""
    moment = _slashed(text, month_first=month_first) or _written(text)
    if moment is not None or (zone := _ZONE.search(text)) is None:
        return moment
    rest = text[: zone.start()].strip()
    moment = _iso(rest) or _slashed(rest, month_first=month_first) or _written(rest)
    if moment is None or moment.tzinfo is not None:
        return moment
    if zone[6]:
        minutes = _ZONES[zone[6].lower()]
    elif zone[5]:
        minutes = 60 * int(zone[5]) * (-1 if zone[4] == "-" else 1)
    else:
        minutes = (60 * int(zone[2]) + int(zone[3])) * (-1 if zone[1] == "-" else 1)
    return moment.replace(tzinfo=timezone(timedelta(minutes=minutes))) if abs(minutes) < 1_440 else None


def _slashed(text: str, *, month_first: bool) -> datetime | None:
    match = _SLASHED.fullmatch(text)
    if match is None:
        return None
    first, second, year = int(match[1]), int(match[3]), match[4]
    clock = match[5].replace(",", "").upper().replace("A.M.", "AM").replace("P.M.", "PM")
    month, day = (first, second) if month_first and first <= 12 else (second, first)
    if month > 12:
        month, day = day, month
    date = f"{year if len(year) == 4 else '20' + year}-{month}-{day}"
    for pattern in _CLOCKS:
        try:
            return datetime.strptime(date + clock, f"%Y-%m-%d{pattern}")  # noqa: DTZ007
        except ValueError:
            continue
    return None


_BEGINS_AS_DATE = re.compile(
    r"\d{1,4}[./\- ]|\d{1,2}(st|nd|rd|th) |\d{8}(T?\d{6})?$|[^\W\d_]{2,12}\.?,? +\S*\d|[^\W\d_]{2,12}\.?,? +[^\W\d_]{3,12}\.? +\d"
)


def _written(text: str) -> datetime | None:
    # Trying every format takes a while; most cells that are no dates show it at once.
    if not _BEGINS_AS_DATE.match(text):
        return None
    plain = _in_english(text)
    if plain is None:
        return None
    for at, pattern in enumerate(_LATELY):
        try:
            time = datetime.strptime(plain, pattern)  # noqa: DTZ007
        except ValueError:
            continue
        if at:
            # No date fits two of the formats, so their order is a matter of time alone: a column mostly has one.
            _LATELY.insert(0, _LATELY.pop(at))
        return time
    if "," in text or ":" in text:
        try:
            return parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError):
            return None
    return None


def _in_english(text: str) -> str | None:
    """The date with its month as Jan, without weekday and words between; None if it has other words in it."""
    kept: list[str] = []
    months = 0
    text = re.sub(r"(?<=\d)(st|nd|rd|th)\b", "", text.replace(",", " ").replace(" @ ", " "))
    text = _HALVES.sub(r"\1m", text)
    # "5. Januar 2026": the point says that it is the fifth.
    text = re.sub(r"\b(\d{1,2})\.\s+(?=[^\W\d_])", r"\1 ", text)

    def word(match: re.Match[str]) -> str:
        nonlocal months
        told = match[0].rstrip(".").lower()
        if told in _MONTHS:
            months += 1
            return _ENGLISH[_MONTHS[told] - 1]
        if told in _PERIODS:
            return _PERIODS[told]
        if told in _FILLERS or (match.start() == 0 and len(told) <= 12):
            return ""
        kept.append(told)
        return match[0]

    plain = " ".join(_WORD.sub(word, text).split())
    return None if any(told not in ("t", "z") for told in kept) or months > 1 else plain
