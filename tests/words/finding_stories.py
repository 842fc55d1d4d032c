"""Each finding there is, made by the code that makes it: of an import (`of_data`) and of a training (`of_cards`)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace as Some
from typing import Any

import numpy as np

from otai.learning.data import profile_findings
from otai.learning.data.profile import AttributeProfile, LabelCount, Profile
from otai.learning.data.profile_findings import Duplicates
from otai.learning.estimate import Estimate
from otai.learning.evidence import card_answer, training_findings
from otai.learning.evidence.expectation import Expectation, TriedGain, no_gain_expected
from otai.learning.evidence.leaks import Leak, Leaks
from otai.learning.features.encoder_choice import encoders_for
from otai.learning.finding import Finding
from otai.learning.finetuning import ensemble
from otai.learning.finetuning.hardware import Gpu
from otai.learning.finetuning.larger import larger_encoder
from otai.learning.finetuning.stage import stopped_early
from otai.tickets import text_preparation
from otai.tickets.changing import found_cut
from otai.tickets.columns import ColumnRoles
from otai.tickets.comparing import Difference, Labels
from otai.tickets.day_order import UnsettledDates
from otai.tickets.file_findings import findings_of_file
from otai.tickets.growing import Growing
from otai.tickets.import_findings import findings_of_import
from otai.tickets.joining import Joined
from tests.runs.guarantees import attribute_report


def profile(**changes: Any) -> Profile:
    values: dict[str, Any] = {
        "tickets": 1234,
        "languages": {"unknown": 0.3, "en": 0.7},
        "languages_read": None,
        "attributes": (),
        "empty_tickets": 12,
        "duplicate_tickets": 0,
        "contradicting_duplicates": 0,
        "split": {"train": 1, "dev": 4},
        "text_length": {"median": 9},
        "first_created_at": None,
        "last_created_at": None,
        "findings": (),
    }
    return Profile(**values | changes)


def attribute(name: str, *counts: tuple[str, int], missing: int = 0, order: tuple[str, ...] = ()) -> AttributeProfile:
    labels = tuple(LabelCount(label, count, count) for label, count in counts)
    labelled = sum(label.count for label in labels)
    return AttributeProfile.of_labels(
        name, kind="single", order=order, labelled=labelled, missing=missing, labels=labels
    )


def of_data() -> Iterator[Finding]:
    yield from profile_findings.of_tickets(profile(), Duplicates(23, 7, {"queue": 7}, 3))
    yield from profile_findings.of_attribute(
        attribute("queue", ("Fax", 1), ("fax", 2), missing=2000, order=("low",)), tickets=2003
    )
    yield from profile_findings.of_attribute(attribute("priority", ("low", 990), ("high", 10)), tickets=1000)
    yield from profile_findings.of_attribute(
        attribute("customer", *((f"number {n}", 5) for n in range(1200))), tickets=6000
    )
    yield from profile_findings.of_attribute(
        attribute("assignee", ("anna.bell@acme.example", 60), ("bo.carr@acme.example", 40)), tickets=100
    )
    texts = [f"queue: {label} please" for label in ("billing", "network") * 30]
    labels = {"queue": ["billing", "network"] * 30}
    counted = [attribute("queue", ("billing", 30), ("network", 30))]
    yield from profile_findings.of_leaks(counted, texts, labels, all_tickets=60)
    mended = Some(
        html=1234,
        wiki=2,
        written_breaks=3,
        encoding=4,
        encoding_example="Größe",
        damaged=5,
        damaged_example="Gr??e",
    )
    noticed = Some(
        reader=Some(mended=mended, control_characters=2, threads=5),
        unsettled_dates=[UnsettledDates("Opened", "02/11/2026", order) for order in ("day-first", "month-first")],
        missing_examples=["n/a", "-"],
        missing_words={"queue": 8},
        lost_subject="Kurztext",
        unowned_messages="Comment ID",
        unread_times=3,
        unread_times_example="soon",
        unread_languages=4,
    )
    noted = Some(
        footer_rows=[1240],
        footer_example="Total 1239",
        columns_left_out=["note", "note"],
        names_cut=[f"How satisfied are you with {'all ' * 50}of it?"[:200]],
        mixed_encodings=True,
        is_headless=False,
        title_rows=2,
        headers_repeated=[100, 200],
        groups=[],
        sheets=["Tickets", "More"],
        sheets_left_out=["Notes"],
        files=["a.csv", "b.csv"],
        files_left_out=["c.csv"],
        joined_by_id=["comments.csv"],
    )
    source: Any = Some(late_keys={"colour": 20_001}, left_out=["thread"], noted=noted)
    left_out: Any = Some(count=6, first=[])
    yield from findings_of_import(
        [source], noticed, Some(single={"created": "Opened", "body": "Text"}), left_out=left_out
    )  # type: ignore[arg-type]
    yield from findings_of_import([], noticed, Some(single={"body": "Text"}), left_out=left_out, are_rows=True)  # type: ignore[arg-type]
    headless: Any = Some(**vars(noted) | {"is_headless": True})
    grouped: Any = Some(
        **vars(noted) | {"groups": ["Network", "Printers"], "group_column": "Group", "rows_of_groups": [42, 80]}
    )
    yield from findings_of_file(headless)
    yield from findings_of_file(grouped)
    yield from of_preparing()
    yield from of_versions()
    yield from Expectation({}, 0.25, 1200, no_signal=True).warnings("queue")
    if (no_gain := no_gain_expected([TriedGain(0.002, -0.018, 0.022, 0.0, 0.004, tickets=480)])) is not None:
        yield no_gain


def of_preparing() -> Iterator[Finding]:
    for masked in ((), ("email",)):
        prepared = text_preparation.TextPreparation(text_preparation.TextRules(masked=masked))
        prepared.count.rows = 7
        for kind in text_preparation.KINDS:
            prepared.count.texts[kind] = 3
            prepared.count.examples[kind] = ["On Monday Ann wrote:"]
        for text in ("Write to ann.bell@acme.example", "I am ann.bell@acme.example, IBAN DE89 3704 0044 0532 0130 00"):
            prepared.personal.look_at(text)
        yield from prepared.findings(100)
        yield from prepared.findings(70, rows=140)
    leak = Leak("queue", ("a",), (), ("Team Billing",), 0.4, 0.93, 0.61)
    yield from Leaks((leak, dataclasses.replace(leak, some_labels=(24, 300))), ("team", "site")).findings()
    yield from leak.left_of(0)
    for thread in (True, False):
        for by_update in (True, False):
            joined = Joined(1500, 1200, 300, is_thread=thread, by_update=by_update)
            by = {"updated": "Changed", "created": "Opened", "said": "Sent at"}
            yield from text_preparation.findings_of_joining(joined, tickets=1200, by=by)
        yield from text_preparation.findings_of_joining(joined, tickets=1200, by={})


def of_versions() -> Iterator[Finding]:
    for labels in (Labels(("new",), ("old",), 3), Labels(("new",)), Labels((), ("old",))):
        yield from Difference(came=12, changed=3, went=4, same=1200, labels={"queue": labels}).findings(version=2)
    yield found_cut(66, of=1200)
    growing = Growing(ColumnRoles.parse(attributes=["queue"]))
    growing.add(ColumnRoles.parse(attributes=["category"]))
    growing.of_file(["Kategorie"], ColumnRoles())
    yield from growing.findings()


def target(name: str, **changes: Any) -> Any:
    values = {"spec": Some(name=name), "left_out": {}, "labels": (), "merged": [], "known": np.ones(200, dtype=bool)}
    return Some(**values | changes)


def of_cards() -> Iterator[Finding]:
    rare = target("queue", left_out={"fax": 3, "telex": 4}, merged=[("FAX", "fax")], known=np.zeros(200, dtype=bool))
    rows = np.arange(200)
    split: Any = Some(train=rows[:110], holdout=rows[110:], duplicates_moved=12, newest=None)
    recipe: Any = Some(fewest_tickets=5)
    yield from training_findings.data_findings([None] * 207, 200, split, [rare], recipe)  # type: ignore[arg-type]
    timed: Any = Some(created_at=[datetime(2026, 5, 1, tzinfo=UTC)] * 200)
    new: Any = Some(train=rows[:50], holdout=rows[50:], duplicates_moved=0, newest=rows[150:])
    yield training_findings.newest_finding(training_findings.newest_part(timed, new))
    bare: Any = Some(train=rows[:20], holdout=rows[:0], duplicates_moved=0, newest=None)
    yield from training_findings.data_findings([None] * 20, 20, bare, [], recipe)  # type: ignore[arg-type]
    yield from training_findings.data_findings(
        [None] * 20,
        20,
        bare,
        [target("assignee", labels=("anna.bell@acme.example", "net"))],
        recipe,  # type: ignore[arg-type]
    )
    gain = Estimate(0.004, -0.002, 0.011)
    yield from training_findings.vector_findings([target("queue")], [gain])
    leak = Leak("queue", ("a",), (), ("Team Billing",), 0.4, 0.93, 0.61)
    yield from Leaks((leak, dataclasses.replace(leak, some_labels=(24, 300))), ("team",)).findings_of_card()
    yield from of_the_answer()
    yield from training_findings.evidence_findings(list(reports()))
    yield from of_fine_tuning()
    for choice in (
        encoders_for({"en": 0.9, "de": 0.1}, present=("minilm-en",)),
        encoders_for({"en": 1.0}, present=()),
        encoders_for({"en": 1.0}, expected=["de"]),
        encoders_for({"cs": 0.6, "de": 0.4}, present=("multilingual-e5-small",)),
        encoders_for({"cs": 0.6, "de": 0.4}, present=()),
        encoders_for({"tlh": 0.8, "de": 0.2}, present=()),
        encoders_for({}),
        larger_encoder(Gpu("NVIDIA L4", 24 * 10**9), tokens=1.0, seconds=3600.0, present=("multilingual-e5-base",)),
        larger_encoder(Gpu("NVIDIA L4", 24 * 10**9), tokens=1.0, seconds=3600.0, present=()),
    ):
        yield from choice.why
    stopped: Any = Some(network=Some(used=Some(name="multilingual-e5-base")), share_learnt=0.62)
    yield from stopped_early([stopped])


def reports() -> Iterator[Any]:
    from dataclasses import replace

    from otai.learning.evidence.report_card import ConfusedPair, LabelIssues, LabelReport, Majority, RandomPart

    base = attribute_report("queue", 0.615)
    yield replace(base, holdout_tickets=0)
    yield replace(base, majority=Majority("network", 0.615, 0.6))
    yield replace(base, majority=Majority(None, 0.615, 0.6))
    counted = [LabelReport(name, 9, 50, 0, None, 0.0, 0.0) for name in ("fax", "scan")]
    yield replace(base, chance_of_no_signal=0.4, holdout_tickets=100, per_label=counted)
    for others in (0.3, 0.9):
        yield replace(base, holdout_tickets=300, at_random=RandomPart(300, Estimate(others, 0.0, 1.0), base.macro_f1))
    never = LabelReport("fax", 9, 9, 0, None, 0.0, 0.0)
    pair = ConfusedPair("fax", "scan", 9, 0.5, [])
    yield replace(base, per_label=[never], confused_pairs=[pair], wrong_labels=LabelIssues(400, 8, []))


def of_the_answer() -> Iterator[Finding]:
    from dataclasses import replace

    from otai.learning.evidence.report_card import Coverage, LabelReport

    yield from card_answer.answer_findings(list(reports()))
    base = attribute_report("queue", 0.615)
    held = [Coverage(0.95, 0.8, 0.4, 0.95, 0.42, 0.96, 84)]
    for kind in ("single", "multi"):
        found = [LabelReport(name, 90, 50, 40, 0.9, 0.72, 0.8) for name in ("fax", "scan")]
        one = replace(base, kind=kind, coverage=held, per_label=found)
        yield from card_answer.answer_findings([one])
        yield from card_answer.answer_findings([one, replace(one, name="topic")])
    for more in (None, 1, 400):
        not_yet = Coverage(0.95, None, 0.0, None, 0.0, None, 0, more_tickets=more)
        yield from card_answer.answer_findings([replace(base, coverage=[not_yet])])


def of_fine_tuning() -> Iterator[Finding]:
    def tuned(contrast: float) -> Any:
        tuning = Some(epochs=4, rate=0.00002, contrast_weight=contrast)
        return Some(tried=[1, 2, 3], tuning=tuning, network=Some(used=Some(name="minilm-en")))

    def gained(gain: float, low: float, *, alone: bool) -> Any:
        figures = {"gain": gain, "low": low, "high": gain + 0.01, "accuracy": gain, "macro_f1": gain}
        return Some(**figures, is_business_alone=alone)

    chosen = [gained(0.001, -0.005, alone=True), gained(0.001, -0.005, alone=False), gained(0.03, 0.01, alone=False)]
    names = [target("queue"), target("topic"), target("team")]
    yield from ensemble._nothing_joined([tuned(0.0)], None, None)
    yield from ensemble._findings([tuned(0.0), tuned(0.1)], names, chosen)
    hierarchy: Any = Some(below=[Some(child=1, parent=0, purity=0.985)])
    yield from ensemble._agreements(names, hierarchy, 0.0)
    yield from ensemble._agreements(names, hierarchy, 0.5)


MADE: list[tuple[Finding, bool]] = [(one, False) for one in of_data()] + [(one, True) for one in of_cards()]


FIGURES = Path(__file__).parent / "findings_made.json"
"""What `figures` was when somebody looked it through last."""


def figures() -> list[list[Any]]:
    """Code, attribute and values of each finding, as JSON holds them."""
    return [[one.code, one.attribute, json.loads(json.dumps(one.values))] for one, _ in MADE]
