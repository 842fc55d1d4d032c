"""What the end of an included run does to its guarantee, in the transaction that ends the run: verdict, fee, or the
funding taken back."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from typing import Any

from otai.learning.evidence.acceptance import Criterion, Outcome, judge
from otai.learning.evidence.report_card import ReportCard
from otai.ledger import operations as ledger
from otai.ledger.models import Hold, Lot, LotSource
from otai.ledger.operations import InsufficientCredits
from otai.ledger.references import ReferredTo, reference_to
from otai.pricing.price_book import VerdictRule
from otai.runs.guarantee.fee import SYSTEM, missed_twice, noise_in
from otai.runs.guarantee.moves import move, record
from otai.runs.guarantee_status import GuaranteeOccurrence, GuaranteeStatus
from otai.runs.models import Guarantee, Run
from otai.runs.status import RunStatus
from otai.words.sentences import Fact

log = logging.getLogger(__name__)


def lock_guarantee_of(run: Run) -> None:
    """Before the hold is resolved: whoever orders an included run has the guarantee before the ledger's account, too
    (docs/ledger.md)."""
    if run.guarantee_id is not None:
        Guarantee.objects.select_for_update(no_key=True).get(id=run.guarantee_id)


def included_run_ended(run: Run, *, now: datetime) -> None:
    """Called where a run ends, once its hold is resolved; a run that no guarantee includes is left alone."""
    if run.guarantee_id is None:
        return
    guarantee = Guarantee.objects.get(id=run.guarantee_id)
    if run.status == RunStatus.COMPLETED:
        _measured(guarantee, run, now=now)
    else:
        _funding_taken_back(guarantee, run, now=now)


def verdict_on(guarantee: Guarantee, card: ReportCard) -> list[Outcome]:
    """The agreed criteria against what a report card says."""
    criteria = [Criterion.from_dict(one) for one in guarantee.criteria]
    return judge(criteria, card.attributes, by_bound=guarantee.verdict_rule == VerdictRule.LOWER_BOUND)


def _measured(guarantee: Guarantee, run: Run, *, now: datetime) -> None:
    card = ReportCard.from_json(json.dumps(run.report_card or {}))
    outcomes = verdict_on(guarantee, card)
    written = [outcome.as_dict() for outcome in outcomes]
    met = all(outcome.met for outcome in outcomes)
    why = Fact("guarantee.measured", {"outcomes": [_fact_of(outcome) for outcome in outcomes]})
    details = {"run": run.number, "verdict": written}
    if guarantee.status == GuaranteeStatus.TRAINING:
        why_trained = Fact("guarantee.trained", {"run": run.number})
        move(guarantee, GuaranteeStatus.TRAINED, who=SYSTEM, why=why_trained, now=now, verdict=written)
    else:
        Guarantee.objects.filter(id=guarantee.id).update(improvement_verdict=written)
        guarantee.improvement_verdict = written
    is_second = guarantee.status == GuaranteeStatus.IMPROVING
    to = GuaranteeStatus.MET if met else GuaranteeStatus.MISSED
    move(guarantee, to, who=SYSTEM, why=why, now=now, details=details)
    if is_second and not met:
        missed_twice(guarantee, noise=noise_in(guarantee, outcomes, card.findings), now=now)


def _fact_of(outcome: Outcome) -> dict[str, Any]:
    said = {
        "criterion": outcome.criterion.as_fact().as_dict(),
        "value": outcome.measured.value,
        "tickets": outcome.tickets,
    }
    return Fact("guarantee.met" if outcome.met else "guarantee.missed", said).as_dict()


def _funding_taken_back(guarantee: Guarantee, run: Run, *, now: datetime) -> None:
    """The run cost nothing, so what paid for it goes back as well; the chance stays."""
    short = run.credits - _withdraw_funding(run, now=now)
    details = {"run": run.number, "credits": run.credits, "short": short}
    why = Fact("guarantee.funding_back", {"run": run.number, "credits": run.credits})
    if guarantee.run_id == run.id:
        move(guarantee, GuaranteeStatus.AGREED, who=SYSTEM, why=why, now=now, details=details, run=None)
    else:
        move(guarantee, GuaranteeStatus.MISSED, who=SYSTEM, why=why, now=now, details=details, improvement_run=None)
    if short:
        # Only where someone released the hold by hand and its credits were spent before the run ended.
        log.warning("guarantee %s: %s of %s funding credits were spent already", guarantee.id, short, run.credits)
        spent = Fact("guarantee.funding_spent", {"credits": short})
        record(guarantee, move=GuaranteeOccurrence.FUNDING_NOT_RECOVERED, who=SYSTEM, why=spent, now=now)


def _withdraw_funding(run: Run, *, now: datetime) -> int:
    """Takes the funding out of the ledger again; returns how many credits that were.

    Credits are spent in the policies' order, so the hold may have drawn on included credits while the funding lot paid
    for something else. Then what the hold gave back is taken: never credits that the customer bought, since the funding
    lot comes before them.
    """
    left = run.credits
    own = Lot.objects.filter(organisation=run.organisation_id).exclude(source=LotSource.PURCHASE)
    drawn_on = [lot for lot, _ in Hold.objects.get(id=run.hold).lots]
    in_order = [
        *own.filter(id__in=[run.funding_lot]),
        *own.filter(id__in=drawn_on),
        *own.filter(is_open=True).order_by("-seq"),
    ]
    for lot in {lot.id: lot for lot in in_order}.values():
        if not (part := min(left, lot.unspent)):
            continue
        try:
            ledger.withdraw(
                organisation=run.organisation_id,
                lot=lot.id,
                credits=part,
                key=f"guarantee-back:{run.id}:{lot.id}",
                reference=reference_to(ReferredTo.RUN, run.id),
                reason=Fact("moved_why.funding_back", {"run": run.number, "status": run.status}),
                now=now,
            )
        except InsufficientCredits:
            # Spent between the look and the withdrawal; the next lot, then.
            continue
        left -= part
        if not left:
            break
    return run.credits - left
