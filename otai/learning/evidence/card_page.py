"""A report card as one HTML page that needs nothing else: no script, no font, no picture from anywhere, light and dark
as the reader's machine is.

Labels and tickets come from outside and may hold anything: all text goes through `html.escape`, and nothing of it ever
stands in a style, a link or a tag.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from otai.learning.estimate import Estimate
from otai.learning.evidence.card_answer import answer_of
from otai.learning.evidence.card_charts import (
    CHART_CSS,
    confusion_chart,
    learning_chart,
    percent,
    precision_curve,
    reliability_chart,
    share_bar,
)
from otai.learning.evidence.comparison import AttributeComparison, Comparison
from otai.learning.evidence.report_card import AttributeReport, Cost, Coverage, LabelIssue, LabelsFound, ReportCard
from otai.learning.finding import Finding
from otai.words import findings as words
from otai.words.card_findings import HEADLINES
from otai.words.catalogue import say_fact

MOST_LABEL_ROWS = 200
"""Of an attribute; and of a page of many attributes no more together than these, but some of each."""
MOST_LABEL_ROWS_OF_A_PAGE = 2_000
FEWEST_LABEL_ROWS = 20

PAGE_CSS = """
:root{color-scheme:light dark;--paper:#fff;--ground:#f7f6f3;--ink:#23211d;--muted:#6b675f;--line:#e2dfd8;--accent:#0f7c80;--accent-ink:#0b6366;--amber:#c27803;
--amber-ink:#8a5502;--red:#b3362b;--green:#2e7d43}
@media (prefers-color-scheme:dark){:root{--paper:#1d1f1e;--ground:#141615;--ink:#eceae4;--muted:#a3a097;--line:#35383a;--accent:#2ba3a6;--accent-ink:#5cc5c7;--amber:#dd9a2b;
--amber-ink:#efb75c;--red:#d9655a;--green:#5fb878}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 Inter,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1120px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:28px;line-height:1.2;margin:0 0 4px}h2{font-size:20px;margin:0}h3{font-size:15px;margin:0 0 8px}
p{margin:0 0 8px;max-width:76ch}.muted{color:var(--muted)}a{color:var(--accent-ink)}
section,.box{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:20px;margin:20px 0}
.figures{display:flex;flex-wrap:wrap;gap:12px 36px;margin:14px 0 4px}.figure b{display:block;font-size:40px;line-height:1.1;font-weight:650;letter-spacing:-.02em}
.figure span{color:var(--muted);display:block;max-width:30ch}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,310px),1fr));gap:24px;margin-top:20px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}caption{text-align:left;color:var(--muted);padding-bottom:6px}
th{font-weight:600;text-align:left;color:var(--muted);border-bottom:1px solid var(--line);padding:6px 10px 6px 0;vertical-align:bottom;white-space:nowrap}
td{border-bottom:1px solid var(--line);padding:6px 10px 6px 0;vertical-align:top;overflow-wrap:break-word}.n{text-align:right;white-space:nowrap}
td.text{color:var(--muted);min-width:16em;overflow-wrap:anywhere}td.id{white-space:nowrap}
details{margin-top:16px;border-top:1px solid var(--line);padding-top:12px}summary{cursor:pointer;font-weight:600}
summary:focus-visible{outline:2px solid var(--accent);outline-offset:3px;border-radius:4px}details[open]>summary{margin-bottom:10px}
ul.findings{list-style:none;padding:0;margin:0}ul.findings li{padding:4px 0 4px 26px;position:relative}ul.findings li::before{position:absolute;left:0;top:4px}
li.warning::before{content:"▲";color:var(--amber-ink)}li.note::before{content:"●";color:var(--muted);font-size:10px;top:9px!important}
.better{color:var(--green)}.worse{color:var(--red)}.pill{display:inline-block;border:1px solid var(--line);border-radius:99px;padding:1px 10px;font-size:13px;color:var(--muted)}
nav.names{display:flex;flex-wrap:wrap;gap:6px 14px;margin-top:8px}
@media print{body{background:#fff}section,.box{break-inside:avoid;border-color:#bbb}details>*{display:block}}
"""

MODES = {"basic": "Basic", "business": "Business", "maximum": "Maximum"}


def card_html(
    card: ReportCard,
    *,
    title: str = "",
    facts: Sequence[tuple[str, str]] = (),
    comparison: Comparison | None = None,
    compared_with: str = "the version before",
) -> str:
    """The whole page. `title` names the model, `facts` are lines for the head (what, value) such as the version and the
    day; both may hold any text.

    `comparison` adds what changed since `compared_with`.
    """
    shown = title or "Report card"
    by_name = {compared.name: compared for compared in comparison.attributes} if comparison else {}
    body = [
        _head(card, shown, facts),
        _overview(card, by_name),
        _comparison_note(comparison, compared_with),
        *(
            _attribute(card, report, number, by_name.get(report.name), compared_with)
            for number, report in enumerate(card.attributes)
        ),
        _findings(
            "What to know about the data as a whole",
            [one for one in card.findings if one.attribute is None and one.code not in HEADLINES],
        ),
        _cost(card.cost, card),
        _reading_aid(),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f'<meta name="referrer" content="no-referrer"><title>{escape(shown)}: report card</title><style>{PAGE_CSS}{CHART_CSS}</style></head>'
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def _head(card: ReportCard, title: str, facts: Sequence[tuple[str, str]]) -> str:
    measured = f"{card.holdout_tickets:,}"
    match card.holdout:
        case "given":
            how = (
                f"trained on {card.train_tickets:,} tickets and measured on the {measured} that your own split keeps "
                "aside"
            )
        case "left_out":
            how = (
                f"{card.tickets:,} tickets, too few to keep any aside: each was measured by a model that had not seen "
                "it"
            )
        case _:
            how = f"trained on {card.train_tickets:,} tickets and measured on {measured} that were kept aside"
    if card.final_model_learnt_holdout:
        how += "; the delivered model then learnt from those as well"
    headlines = _notes(answer_of(card))
    more = "".join(f"<span class='pill'>{escape(what)}: {escape(value)}</span> " for what, value in facts)
    return (
        f"<header><p class='muted'>Report card · {escape(MODES.get(card.mode, card.mode))}</p><h1>{escape(title)}</h1>"
        f"<p>{escape(how[0].upper() + how[1:])}.</p><p>{more}</p>{headlines}</header>"
    )


def _overview(card: ReportCard, compared: dict[str, AttributeComparison]) -> str:
    head = [
        "attribute",
        "labels",
        "right",
        "95\u00a0% interval",
        "guessing",
        "macro F1",
        "guessing",
        "alone at 95\u00a0%",
    ]
    rows = []
    for number, report in enumerate(card.attributes):
        automated = next(
            (comparison for comparison in report.coverage if abs(comparison.target_precision - 0.95) < 1e-9), None
        )
        cells = [
            f"<a href='#a{number}'>{escape(report.name)}</a>",
            str(len(report.labels)),
            f"<b>{percent(report.accuracy.value, 1)}</b>",
            f"{percent(report.accuracy.low)} to {percent(report.accuracy.high)}",
            percent(report.majority.accuracy, 1),
            f"{report.macro_f1.value:.3f}",
            f"{report.majority.macro_f1:.3f}",
            "none" if automated is None or automated.threshold is None else percent(automated.coverage),
        ]
        if compared:
            comparison = compared.get(report.name)
            cells.append(_verdict(comparison) if comparison else "")
        rows.append(cells)
    if compared:
        head.append("since before")
    return f"<section><h2>At a glance</h2>{_table(head, rows, right=range(1, 8))}</section>"


def _verdict(one: AttributeComparison) -> str:
    if one.verdict == "same":
        return "no measurable change"
    sign = "▲ better" if one.verdict == "better" else "▼ worse"
    return f"<span class='{one.verdict}'>{sign} {100 * one.accuracy.value:+.1f}</span>"


def _comparison_note(comparison: Comparison | None, compared_with: str) -> str:
    if comparison is None:
        return ""
    if comparison.unknown:
        return (
            f"<div class='box'><h3>Compared with {escape(compared_with)}</h3><p class='muted'>Not possible: "
            f"{escape(say_fact(comparison.unknown))}</p></div>"
        )
    return ""


def _attribute(
    card: ReportCard, report: AttributeReport, number: int, compared: AttributeComparison | None, compared_with: str
) -> str:
    notes = [one for one in card.findings if one.attribute == report.name]
    charts = [
        ("How much it may decide alone", precision_curve(report), "The further to the right a line stays high, the "
        "more tickets need no person. Each mark: the precision asked for, and the share of tickets reached."),
        ("What its confidence means", reliability_chart(report), "On the dotted line, a confidence of 80 % is right 80 "
        f"times in 100. Mean distance from it: {percent(report.calibration_error, 1)}."),
        ("What more tickets would bring", learning_chart(report), _forecast(report, card.mode)),
    ]  # fmt: skip
    drawn = "".join(
        f"<div><h3>{escape(name)}</h3>{svg}<p class='muted'>{escape(said)}</p></div>"
        for name, svg, said in charts
        if svg
    )
    return (
        f"<section id='a{number}'><h2>{escape(report.name)}</h2><p class='muted'>{_kind(report)}</p>{_figures(report)}"
        f"{_compared(compared, compared_with)}{_notes(notes)}<div class='grid'>{drawn}</div>"
        f"{_coverage(report)}{_confusions(report)}{_suspects(report)}{_labels(report, most=_label_rows(len(card.attributes)))}{_tables(report)}</section>"
    )


def _kind(report: AttributeReport) -> str:
    kinds = {
        "single": "one label a ticket",
        "multi": "any number of labels a ticket",
        "ordered": "one label a ticket, in an order",
    }
    return (
        f"{len(report.labels)} labels, {escape(kinds.get(report.kind, report.kind))}; learnt from "
        f"{report.train_tickets:,} tickets, measured on {report.holdout_tickets:,}"
    )


def _figures(report: AttributeReport) -> str:
    figures = []
    if report.kind == "multi":
        labels = LabelsFound.of(report)
        said = f"of 100 labels given are right; of 100 there it finds {100 * labels.found:.0f} and misses the others"
        figures.append((f"{100 * labels.right:.1f}", said))
    figures += [
        (
            f"{100 * report.accuracy.value:.1f}",
            ("times in 100 all labels right (" if report.kind == "multi" else "times in 100 right (")
            + f"{100 * report.accuracy.low:.0f} to {100 * report.accuracy.high:.0f}); always "
            "guessing "
            + (f"{report.majority.label!r}" if report.majority.label else "none")
            + f" gets {100 * report.majority.accuracy:.0f}",
        ),
        (
            f"{report.macro_f1.value:.2f}",
            f"macro F1 ({report.macro_f1.low:.2f} to {report.macro_f1.high:.2f}): rare labels count as much as "
            "frequent ones",
        ),
    ]
    if report.at_random is not None:
        others = report.at_random
        said = f"times in 100 right on {others.tickets:,} tickets of all times; the other figures are of the newest"
        figures.append((f"{100 * others.accuracy.value:.1f}", said))
    automated = next((coverage for coverage in report.coverage if abs(coverage.target_precision - 0.95) < 1e-9), None)
    if automated is not None and automated.threshold is None:
        more = automated.more_tickets
        figures.append(
            ("not yet", f"about {more:,} more labelled tickets would let it promise 95\u00a0%")
            if more is not None
            else ("none", "can be promised to be right 95 times in 100: people should look at every ticket")
        )
    if automated is not None and automated.threshold is not None and automated.precision is not None:
        what = "of the labels" if report.kind == "multi" else "of tickets"
        figures.append(
            (
                percent(automated.coverage),
                f"{what} may be decided alone, asking for 95\u00a0% precision (it was {percent(automated.precision, 1)})",
            )
        )
    if report.mean_absolute_error is not None:
        guess = report.majority.mean_absolute_error
        beside = f"; guessing is {guess:.2f} off" if guess is not None else ""
        figures.append((f"{report.mean_absolute_error:.2f}", f"steps off on average, in the labels' order{beside}"))
    boxes = "".join(
        f"<div class='figure'><b>{escape(value)}</b><span>{escape(said)}</span></div>" for value, said in figures
    )
    return f"<div class='figures'>{boxes}</div>"


def _compared(one: AttributeComparison | None, compared_with: str) -> str:
    if one is None:
        return ""
    said = {
        "better": "measurably better",
        "worse": "measurably worse",
        "same": "not measurably different",
    }[one.verdict]
    new = f" It knows {len(one.new_labels)} labels that the older one did not." if one.new_labels else ""
    return (
        f"<p class='{escape(one.verdict)}'>Compared with {escape(compared_with)}: {said}. On {one.tickets:,} tickets "
        f"that neither had learnt when it was measured, {percent(one.newer_accuracy, 1)} right against "
        f"{percent(one.older_accuracy, 1)} ({_points(one.accuracy)}); {one.only_newer} tickets only now right, "
        f"{one.only_older} only before (McNemar p = {one.p_value:.3f}).{escape(new)}</p>"
    )


def _forecast(report: AttributeReport, mode: str) -> str:
    curve = report.learning_curve
    if curve is None:
        return ""
    if not curve.forecasts:
        why = curve.unknown if isinstance(curve.unknown, str) else say_fact(curve.unknown)
        return f"Where it leads is not known: {why}"
    said = [
        f"{one.more_tickets:,} more tickets: {_points(one.accuracy)}"
        + (f", macro F1 {_points(one.macro_f1)}" if one.macro_f1 else "")
        for one in curve.forecasts
    ]
    without = " All sizes were measured without the fine-tuned networks." if mode == "maximum" else ""
    return "; ".join(said) + f". A forecast from the sizes measured, with its 95 % interval.{without}"


def _points(gain: Estimate) -> str:
    return f"{100 * gain.value:+.1f} points, {100 * gain.low:+.1f} to {100 * gain.high:+.1f}"


def _not_yet(one: Coverage) -> str:
    return "not reached" if one.more_tickets is None else f"not yet: about {one.more_tickets:,} more labelled tickets"


def _coverage(report: AttributeReport) -> str:
    rows = [
        [
            percent(one.target_precision),
            _not_yet(one) if one.threshold is None else f"<b>{one.threshold:.3f}</b>",
            percent(one.coverage, 1),
            "" if one.precision is None else percent(one.precision, 1),
            f"{one.tickets:,}",
        ]
        for one in report.coverage
    ]
    head = ["precision asked for", "confidence to set", "decided alone", "of those right", "tickets"]
    return (
        "<details open><summary>Thresholds to set</summary>"
        + _table(
            head,
            rows,
            right=range(1, 5),
            caption="Chosen on training tickets, each by a model that had not seen it; measured here on the holdout.",
        )
        + "</details>"
    )


def _confusions(report: AttributeReport) -> str:
    if not report.confused_pairs:
        return ""
    rows = []
    for pair in report.confused_pairs:
        texts = pair.excerpts or [""] * len(pair.ticket_ids)
        examples = "<br>".join(
            f"<b>{escape(ticket)}</b> {escape(text)}"
            for ticket, text in zip(pair.ticket_ids[:3], texts[:3], strict=False)
        )
        rows.append(
            [escape(pair.actual), escape(pair.predicted), f"{pair.tickets:,}", percent(pair.share_of_actual), examples]
        )
    table = _table(["really", "taken for", "tickets", "of the label", "for example"], rows, right=(2, 3), text=(4,))
    return (
        f"<details open><summary>Most frequent confusions</summary>{table}<div "
        f"class='scroll'>{confusion_chart(report)}</div></details>"
    )


def _suspects(report: AttributeReport) -> str:
    wrong = report.wrong_labels
    if wrong is None or not wrong.suspects:
        return ""
    rows = [
        [
            escape(one.ticket_id),
            *(escape(said) for said in _change(one, report.kind)),
            percent(one.confidence),
            escape(one.excerpt),
        ]
        for one in wrong.suspects
    ]
    said = (
        f"{wrong.total:,} of {wrong.examined:,} tickets examined; the {len(rows)} likeliest are listed. Each was "
        "judged by a model that had not learnt it."
    )
    table = _table(["ticket", "given", "rather", "sure", "text"], rows, right=(3,), text=(4,), caption=said)
    return f"<details><summary>Labels that look wrong ({wrong.total:,})</summary>{table}</details>"


def _change(one: LabelIssue, kind: str) -> tuple[str, str]:
    """What was given and what it should rather be; of several labels only those that would change."""
    if kind == "multi":
        return ", ".join(one.taken_away) or "-", ", ".join(f"+ {label}" for label in one.added) or "-"
    return ", ".join(one.given) or "(none)", ", ".join(one.suggested) or "(none)"


def _label_rows(attributes: int) -> int:
    """How many labels of each of so many attributes stand on one page."""
    return max(FEWEST_LABEL_ROWS, min(MOST_LABEL_ROWS, MOST_LABEL_ROWS_OF_A_PAGE // max(attributes, 1)))


def _labels(report: AttributeReport, *, most: int) -> str:
    ordered = sorted(report.per_label, key=lambda one: (-one.train_tickets, one.label))
    rows = [
        [
            escape(one.label),
            f"{one.train_tickets:,}",
            f"{one.holdout_tickets:,}",
            f"{one.predicted:,}",
            _share(one.precision),
            _share(one.recall),
            _share(one.f1) + " " + share_bar(one.f1),
        ]
        for one in ordered[:most]
    ]
    more = f" The {most} most frequent are shown." if len(ordered) > most else ""
    head = ["label", "learnt from", "measured on", "predicted", "precision", "recall", "F1"]
    return (
        "<details><summary>Every label "
        f"({len(ordered):,})</summary>{_table(head, rows, right=range(1, 7), caption='Precision: right when predicted. Recall: found when there.' + more)}</details>"
    )


def _share(value: float | None) -> str:
    return "-" if value is None else percent(value)


def _tables(report: AttributeReport) -> str:
    """The figures behind the charts."""
    parts = [
        _table(
            ["confidence and above", "decided alone", "right"],
            [
                [f"{point.threshold:.3f}", percent(point.coverage, 1), percent(point.precision, 1)]
                for point in report.curve[::4]
            ],
            right=range(3),
            caption="How much it may decide alone",
        ),
        _table(
            ["confidence", "tickets", "mean", "right"],
            [
                [
                    f"{percent(bin_.low)} to {percent(bin_.high)}",
                    f"{bin_.tickets:,}",
                    percent(bin_.mean_confidence, 1),
                    percent(bin_.accuracy, 1),
                ]
                for bin_ in report.reliability
            ],
            right=range(1, 4),
            caption="What its confidence means",
        ),
    ]
    if report.learning_curve is not None and report.learning_curve.points:
        parts.append(
            _table(
                ["tickets", "models", "right", "interval", "macro F1"],
                [
                    [
                        f"{point.tickets:,}",
                        str(point.models),
                        percent(point.accuracy.value, 1),
                        f"{percent(point.accuracy.low, 1)} to {percent(point.accuracy.high, 1)}",
                        f"{point.macro_f1.value:.3f}",
                    ]
                    for point in report.learning_curve.points
                ],
                right=range(5),
                caption="What more tickets would bring",
            )
        )
    return (
        f"<details><summary>The figures behind the charts</summary><div class='grid'>{''.join(parts)}</div></details>"
    )


def _findings(title: str, findings: Sequence[Finding]) -> str:
    return f"<section><h2>{escape(title)}</h2>{_notes(findings)}</section>" if findings else ""


def _notes(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    items = "".join(
        "<li "
        f"class='{'warning' if one.severity == 'warning' else 'note'}'>{escape(words.message(one, of_card=True))}</li>"
        for one in sorted(findings, key=lambda one: one.severity != "warning")
    )
    return f"<ul class='findings'>{items}</ul>"


def _cost(cost: Cost | None, card: ReportCard) -> str:
    if cost is None:
        return ""
    energy = "unknown"
    if cost.energy_watt_hours is not None:
        energy = f"{'' if cost.energy_is_measured else 'about '}{cost.energy_watt_hours:.3g} Wh"
    rows = [
        ["time", _seconds(cost.wall_seconds)],
        ["processor time", _seconds(cost.processor_seconds)],
        ["most memory", f"{cost.peak_memory_bytes / 1e6:,.0f} MB"],
        ["energy", f"{energy} <span class='muted'>{escape(cost.energy_method)}</span>"],
    ]
    stages = ", ".join(f"{stage} {_seconds(seconds)}" for stage, seconds in card.seconds.items() if seconds >= 0.05)
    note = f"<p class='muted'>By stage: {escape(stages)}.</p>" if stages else ""
    return f"<section><h2>What the training took</h2>{_table(['', ''], rows)}{note}</section>"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _reading_aid() -> str:
    return (
        "<section><h2>How to read this</h2><p>Everything here was measured on tickets that the measured model had not "
        "learnt. An interval says where the true figure lies 95 times in 100; two figures whose intervals overlap much "
        "may well be the same. Guessing is what always answering the most frequent label would reach on the same "
        "tickets: what the model adds is the difference.</p></section>"
    )


def _table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Iterable[int] = (),
    text: Iterable[int] = (),
    caption: str = "",
) -> str:
    """Cells are HTML already; heads and the caption are not."""
    numbers, texts = set(right), set(text)

    def kind(column: int) -> str:
        return " class='n'" if column in numbers else " class='text'" if column in texts else ""

    top = "".join(f"<th scope='col'{kind(at)}>{escape(name)}</th>" for at, name in enumerate(head))
    body = "".join(
        "<tr>" + "".join(f"<td{kind(at)}>{cell}</td>" for at, cell in enumerate(row)) + "</tr>" for row in rows
    )
    above = f"<caption>{escape(caption)}</caption>" if caption else ""
    shown = f"<thead><tr>{top}</tr></thead>" if any(head) else ""
    return f"<div class='scroll'><table>{above}{shown}<tbody>{body}</tbody></table></div>"
