"""Report cards of format 1, whose findings were English sentences: their values are read out of the sentences that
release 0.1 wrote.

Nothing else reads sentences, and nothing writes this format any more. What does not look as 0.1 wrote it keeps its
sentence (`written`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any

_points = r"by (?P<gain>[+-][\d.]+) points \((?:95 % interval )?(?P<low>[+-][\d.]+) to (?P<high>[+-][\d.]+)\)"

PATTERNS: Mapping[str, str] = {
    "business_is_enough": _points,
    "duplicates_across_split": r"^(?P<tickets>\d+) ",
    "empty_tickets": r"^(?P<tickets>\d+) ",
    "encoders": r"^Read with (?P<rest>.+)$",
    "fine_tuning_gained": _points,
    "hierarchy": r"(?P<share>[\d.]+)% of its tickets go with one (?P<parent>.+) for each label",
    "hierarchy_left_free": r"(?P<share>[\d.]+)% of its tickets go with one (?P<parent>.+) for each label; .* lose (?P<cost>[\d.]+) points",
    "labels_confused": r": (?P<tickets>\d+) tickets of (?P<actual>'.+'|\".+\") were taken for (?P<predicted>'.+'|\".+\")\. Do people",
    "labels_left_out": r": (?P<labels>\d+) labels were left out, with fewer than (?P<fewest>\d+) .*?\((?P<named>.+); (?P<tickets>\d+) tickets\)",
    "labels_merged": r"were joined: (?P<merged>.+)\.$",
    "labels_never_predicted": r"on the holdout: (?P<labels>.+)\. More tickets",
    "labels_suspected": r": (?P<wrong>\d+) of (?P<examined>\d+) tickets examined .* the (?P<listed>\d+) likeliest",
    "mostly_unlabelled": r": (?P<missing>\d+) of (?P<all>\d+) training tickets",
    "no_better_than_majority": r"always answering (?P<label>'.+'|\".+\") \((?P<share>[\d.]+)% right\)",
    "no_holdout": r"^(?P<tickets>\d+) ",
    "small_holdout": r"on (?P<tickets>\d+) tickets only",
    "way_of_learning": r"^(?P<network>\S+): (?P<ways>\d+) ways of fine-tuning .* chosen: (?P<epochs>\d+) epochs at rate (?P<rate>[\d.e-]+?)[,.]",
    "words_were_enough": _points,
}


def _share(text: str) -> float:
    return float(text) / 100


def _name(text: str) -> str:
    """As `repr` wrote it."""
    return str(ast.literal_eval(text))


def _list(text: str) -> list[str]:
    return [text]


READ: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(("gain", "low", "high", "share"), _share),
    "cost": lambda text: -_share(text),
    **dict.fromkeys(("actual", "predicted", "label"), _name),
    **dict.fromkeys(("named", "merged"), _list),
    **dict.fromkeys(("rest", "parent", "network"), str),
    "rate": float,
}


def with_values(card: Mapping[str, Any]) -> dict[str, Any]:
    """The card with findings of today's form; all figures are the same in both formats."""
    return {**card, "findings": [_finding(one) for one in card.get("findings", [])]}


def _finding(stored: Mapping[str, Any]) -> dict[str, Any]:
    code, said = stored["code"], stored["message"]
    match = re.search(PATTERNS[code], said) if code in PATTERNS else None
    values: dict[str, Any] = {}
    if match is not None:
        for name, text in match.groupdict().items():
            # The one name that is a count here and a list there.
            is_list = name == "labels" and code == "labels_never_predicted"
            values[name] = _list(text) if is_list else READ.get(name, int)(text)
    return {
        "code": code,
        "severity": stored["severity"],
        "attribute": stored["attribute"],
        "values": values,
        "written": said,
    }
