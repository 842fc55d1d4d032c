"""A report card on the command line: per attribute the quality beside guessing, and what could be decided without a
person."""

from __future__ import annotations

from typing import Any

from otai.cli.output import print_table, say
from otai.words.card_findings import HEADLINES
from otai.words.catalogue import percent
from otai.words.findings import message, told


def report_card_summary(card: dict[str, Any]) -> None:
    """The report card (its JSON form, see `otai.learning.evidence.report_card`) as a table and sentences."""
    say(f"\nReport card: {_origin(card)}")
    findings = told(card.get("findings", []), of_card=True)
    for sentence in _answer(card):
        say(sentence)
    rows = []
    for attribute in card["attributes"]:
        accuracy, majority = attribute["accuracy"], attribute["majority"]
        rows.append(
            [
                attribute["name"],
                len(attribute["labels"]),
                percent(accuracy["value"], places=1),
                f"{percent(accuracy['low'])} to {percent(accuracy['high'])}",
                percent(majority["accuracy"], places=1),
                f"{attribute['macro_f1']['value']:.3f}",
                f"{majority['macro_f1']:.3f}",
                *(_coverage(attribute, target) for target in (0.90, 0.95, 0.99)),
            ]
        )
    columns = [
        "attribute",
        "labels",
        "right",
        "interval",
        "guessing",
        "F1",
        "guessing",
        "at 90 %",
        "at 95 %",
        "at 99 %",
    ]
    print_table(columns, rows, right=columns[1:])
    say(
        "right: share of tickets, with its 95 % interval. F1: macro F1. guessing: what always the most frequent label "
        "gets."
    )
    say("at 90, 95, 99 %: the share of tickets that it may decide alone so that this share of them is right; -: none.")
    for attribute in card["attributes"]:
        if attribute["kind"] == "multi":
            _by_labels(attribute)
        _forecast(attribute)
    if cost := card.get("cost"):
        about = "" if cost["energy_is_measured"] else "about "
        say(
            f"It took {cost['wall_seconds']:.0f} s, {cost['processor_seconds']:.0f} s of processor time, "
            f"{cost['peak_memory_bytes'] / 1e6:.0f} MB and {about}{cost['energy_watt_hours']:.2g} Wh."
        )
    for finding in findings:
        if finding["code"] not in HEADLINES:
            say(f"  {'!' if finding['severity'] == 'warning' else '-'} {finding['message']}")


def _answer(card: dict[str, Any]) -> list[str]:
    """What it answers first; of a card that this release does not read, what it says itself."""
    # What the figures are worked out with takes a second to load.
    from otai.learning.evidence.card_answer import answer_of
    from otai.learning.evidence.report_card import ReportCard

    try:
        return [message(one, of_card=True) for one in answer_of(ReportCard.from_values(card))]
    except ValueError:
        stored = told(card.get("findings", []), of_card=True)
        return [one["message"] for one in stored if one["code"] in HEADLINES]


def _by_labels(attribute: dict[str, Any]) -> None:
    """Several labels a ticket: a whole set of them is hardly ever right, so they are counted one by one."""
    hits = sum((label["precision"] or 0.0) * label["predicted"] for label in attribute["per_label"])
    there = max(sum(label["holdout_tickets"] for label in attribute["per_label"]), 1)
    given = max(sum(label["predicted"] for label in attribute["per_label"]), 1)
    say(
        f"  {attribute['name']}: of 100 labels given {100 * hits / given:.0f} are right; of 100 there it finds "
        f"{100 * hits / there:.0f} and misses the others. Right, above, means all labels of a ticket."
    )


def _forecast(attribute: dict[str, Any]) -> None:
    curve = attribute.get("learning_curve") or {}
    for forecast in curve.get("forecasts", [])[:1]:
        gain = forecast["accuracy"]
        say(
            f"  {attribute['name']}: {forecast['more_tickets']:,} more tickets would bring {100 * gain['value']:+.1f} "
            f"points ({100 * gain['low']:+.1f} to {100 * gain['high']:+.1f})."
        )


def _origin(card: dict[str, Any]) -> str:
    trained, measured = card["train_tickets"], card["holdout_tickets"]
    match card["holdout"]:
        case "given":
            return f"trained on {trained:,} tickets, measured on the {measured:,} that your split keeps aside"
        case "left_out":
            return f"{card['tickets']:,} tickets, each measured by a model that had not seen it"
        case _:
            return f"trained on {trained:,} tickets, measured on {measured:,} that were kept aside"


def _coverage(attribute: dict[str, Any], target: float) -> str:
    for coverage in attribute["coverage"]:
        if abs(coverage["target_precision"] - target) < 1e-9:
            return "-" if coverage["threshold"] is None else percent(coverage["coverage"])
    return "?"
