"""`otai guarantee`: what the subscription's included run must reach, and what became of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otai.billing import queries as billing
from otai.cli import training
from otai.cli.actor import actor
from otai.cli.arguments import WhyOption
from otai.cli.output import JsonOption, OrgOption, organisation_named, print_json, print_table, say
from otai.cli.runs import run_as_dict
from otai.cli.setup import require_installation
from otai.cli.training import DeliveryOption, ModeOption
from otai.db import utc_now
from otai.errors import Invalid
from otai.learning.evidence.acceptance import Criterion, Metric, Outcome, told
from otai.orgs.models import Organisation
from otai.pricing.price_book import Delivery, GuaranteeTerms, Mode, StandardBar, Tier, VerdictRule
from otai.runs import operations as runs
from otai.runs import queries as run_queries
from otai.runs.guarantee import fee as fees
from otai.runs.guarantee import operations, queries
from otai.runs.guarantee.criteria import standard_threshold
from otai.runs.guarantee_status import GuaranteeStatus
from otai.runs.models import Guarantee, Reason, Run
from otai.serving.operations import register_completed_runs
from otai.tickets import expected_quality
from otai.tickets import queries as tickets
from otai.words.catalogue import percent, say_actor_to_programs, say_fact
from otai.words.named import WORDS

if TYPE_CHECKING:
    from otai.learning.evidence.expectation import Expectation, ModeExpectation

app = typer.Typer(
    help="The included run and improvement: criteria, verdict, and the fee back if both miss.", no_args_is_help=True
)

TierOption = Annotated[Tier | None, typer.Option(help="Of another tier level than the highest reached.")]
CriterionArgument = Annotated[
    list[str], typer.Argument(help="'queue accuracy 0.7', 'queue macro_f1 0.5' or 'queue coverage@95 0.3'; repeat.")
]


def guarantee_as_dict(guarantee: Guarantee) -> dict[str, Any]:
    """A guarantee as JSON, with its criteria and verdicts."""
    return {
        "id": guarantee.id,
        "organisation": guarantee.organisation.slug,
        "tier": guarantee.tier,
        "status": guarantee.status,
        "waits_for_operator": guarantee.waits_for_operator,
        "waits_because": guarantee.waits_because,
        "criteria": [one.as_dict() | {"in_words": say_fact(one.as_fact())} for one in queries.criteria(guarantee)],
        "data_set": str(guarantee.data_set) if guarantee.data_set else None,
        "holdout_tickets": guarantee.holdout_tickets,
        "holdout_sha256": guarantee.holdout_sha256,
        "agreed_by": say_actor_to_programs(guarantee.agreed_by),
        "agreed_at": guarantee.agreed_at,
        "verdict_rule": guarantee.verdict_rule,
        "run": guarantee.run.number if guarantee.run else None,
        "verdict": _told(guarantee.verdict),
        "improvement_run": guarantee.improvement_run.number if guarantee.improvement_run else None,
        "improvement_verdict": _told(guarantee.improvement_verdict),
        "fee_credits": guarantee.fee_credits,
        "events": [
            {"at": event.at, "move": event.what, "who": say_actor_to_programs(event.who), **event.explained()}
            for event in queries.events(guarantee)
        ],
    }


def _told(verdict: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    return None if verdict is None else list(map(told, verdict))


def _guarantee(organisation: Organisation, tier: Tier | None) -> Guarantee:
    operations.open_guarantees(organisation=organisation, now=utc_now())
    return queries.guarantee(organisation, tier)


@app.command("show")
def show(
    tier: TierOption = None,
    data_set: Annotated[str | None, typer.Option("--data-set", help="What is likely on these tickets.")] = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Where the guarantee stands, what is agreed without a person, and what is likely on your tickets."""
    organisation = organisation_named(org)
    guarantee = _guarantee(organisation, tier)
    bar, terms = billing.price_book().standard_bar, billing.price_book().guarantee
    chosen = tickets.data_set(organisation, data_set) if data_set else guarantee.data_set
    likely = queries.likely(chosen) if chosen else []
    is_before = guarantee.status in (GuaranteeStatus.OPEN, GuaranteeStatus.AGREED)
    expected = expected_quality.of(chosen, now=utc_now()) if chosen and is_before else {}
    corrected = queries.corrections(guarantee)
    again = queries.measured_again(guarantee)
    if json:
        print_json(
            guarantee_as_dict(guarantee)
            | {
                "standard_bar": {metric.value: standard_threshold(bar, metric) for metric in Metric},
                "rule": {"compares": terms.verdict, "reason": terms.reason},
                "likely": likely,
                "expected": expected,
                "corrected_labels": corrected,
                "measured_again": {name: [told(one.as_dict()) for one in outcomes] for name, outcomes in again.items()},
            }
        )
        return
    _show_standing(guarantee, bar, terms)
    _show_verdict("Run", guarantee.run, guarantee.verdict)
    _show_verdict("Improvement run", guarantee.improvement_run, guarantee.improvement_verdict)
    if corrected:
        say(f"{len(corrected)} labels of the tickets measured on were corrected since; with and without them:")
        _table_of_outcomes([(name, one) for name, outcomes in again.items() for one in outcomes])
    if guarantee.fee_credits:
        say(f"Missed twice: the training fee of {guarantee.fee_credits} credits was credited.")
    if guarantee.status == GuaranteeStatus.MISSED and guarantee.run:
        say(f"What would most likely raise it: otai advice improve {guarantee.run.model_name}")
        say("Then order the included improvement run: otai guarantee improve")
    if expected:
        _show_expected(expected, str(chosen))
    if likely and is_before:
        say(f"What {chosen} reached when it was last trained (run {likely[0].run}, {Mode(likely[0].mode).title}):")
        print_table(
            ["attribute", "accuracy", "macro F1", "coverage at 95 %", "with more tickets"],
            [
                [
                    one.attribute,
                    _interval(one.accuracy),
                    _interval(one.macro_f1),
                    "" if one.coverage_at_95_precision is None else percent(one.coverage_at_95_precision, places=1),
                    "; ".join(_forecast(forecast) for forecast in one.forecasts) or "not known",
                ]
                for one in likely
            ],
        )
    print_table(
        ["when", "what happened", "who", "why"],
        [
            [
                f"{e.at.astimezone(organisation.zone):%Y-%m-%d %H:%M}",
                e.happened(),
                say_actor_to_programs(e.who),
                e.said(),
            ]
            for e in queries.events(guarantee)
        ],
    )


def _show_standing(guarantee: Guarantee, bar: StandardBar, terms: GuaranteeTerms) -> None:
    waits = ", waits for our yes" if guarantee.waits_for_operator else ""
    say(f"Guarantee of {Tier(guarantee.tier).title}: {WORDS['status'][guarantee.status]}{waits}")
    for reason in guarantee.waits_because:
        say(f"  {say_fact(reason)}")
    for criterion in queries.criteria(guarantee):
        say(f"  {say_fact(criterion.as_fact())}")
    say(
        "Agreed at once: "
        + ", ".join(f"{metric.title} up to {percent(float(standard_threshold(bar, metric)))}" for metric in Metric)
        + " (coverage at up to 95 % precision)."
    )
    rule = VerdictRule(guarantee.verdict_rule) if guarantee.verdict_rule else terms.verdict
    say(f"What counts: {rule.title}.")
    if guarantee.holdout_tickets:
        say(
            f"Measured on {guarantee.holdout_tickets} tickets of {guarantee.data_set}, never trained on: "
            "otai guarantee holdout FILE"
        )


def _show_expected(expected: Mapping[str, Expectation], data_set: str) -> None:
    say(f"What {data_set} makes likely, tried on a part of it:")
    modes = list(Mode)
    print_table(
        ["attribute", "guessing", *(f"{mode.title}: accuracy" for mode in modes)],
        [
            [name, percent(one.guessing, places=1), *(_expected(one.modes.get(mode.value)) for mode in modes)]
            for name, one in expected.items()
        ],
    )


def _expected(found: ModeExpectation | None) -> str:
    return _interval(vars(found.accuracy)) if found else "not known"


def _interval(estimate: dict[str, float]) -> str:
    value, low, high = (percent(estimate[one], places=1) for one in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _forecast(forecast: dict[str, Any]) -> str:
    gain = forecast["accuracy"]
    return f"{forecast['more_tickets']} more: {100 * gain['low']:+.1f} to {100 * gain['high']:+.1f} points of accuracy"


def _show_verdict(title: str, run: Run | None, verdict: list[dict[str, Any]] | None) -> None:
    if run is None:
        return
    if verdict is None:
        say(f"{title} {run.number}: {run.status}")
        return
    say(f"{title} {run.number}:")
    for one in map(told, verdict):
        met = "met" if one["met"] else "missed"
        note = f" {one['note']}" if one["note"] else ""
        say(f"  {one['in_words']}: {_interval(one)} on {one['tickets']} tickets: {met}.{note}")


def _table_of_outcomes(rows: list[tuple[str, Outcome]]) -> None:
    print_table(
        ["version", "criterion", "measured", ""],
        [
            [
                name,
                say_fact(one.criterion.as_fact()),
                percent(one.measured.value, places=1),
                "met" if one.met else "missed",
            ]
            for name, one in rows
        ],
    )


@app.command("propose")
def propose(
    criteria: CriterionArgument,
    data_set: Annotated[str, typer.Option("--data-set", help="The tickets that it is about.")],
    tier: TierOption = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Propose what the included run must reach. It is agreed at once at or below the standard bar, where these tickets
    make it likely; else we are asked."""
    organisation = organisation_named(org)
    read = [Criterion.parse(one) for one in criteria]
    guarantee = operations.propose(
        organisation=organisation,
        data_set=tickets.data_set(organisation, data_set),
        criteria=read,
        who=actor(),
        now=utc_now(),
        tier=tier,
    )
    if json:
        print_json(guarantee_as_dict(guarantee))
    elif guarantee.waits_for_operator:
        say("Proposed. It waits for our yes: otai guarantee show")
        for reason in guarantee.waits_because:
            say(f"  {say_fact(reason)}")
    else:
        say(f"Agreed. {guarantee.holdout_tickets} tickets are kept aside to measure on. Next: otai guarantee order")


@app.command("waiting")
def waiting(json: JsonOption = False) -> None:
    """For operators: criteria that wait for a yes, and fees that wait for a look before they are credited."""
    found = list(queries.waiting())
    if json:
        print_json([guarantee_as_dict(one) for one in found])
        return
    print_table(
        ["organisation", "tier", "what waits", "proposed", "criteria", "why"],
        [
            [
                one.organisation.slug,
                one.tier,
                "criteria" if one.waits_for_operator else "fee",
                f"{one.proposed_at:%Y-%m-%d}",
                "; ".join(say_fact(criterion.as_fact()) for criterion in queries.criteria(one)),
                " ".join(say_fact(reason) for reason in one.waits_because),
            ]
            for one in found
        ],
    )


def _decided(decide: Callable[..., Guarantee], *, why: str, tier: Tier | None, org: str | None) -> Guarantee:
    found = queries.guarantee(organisation_named(org), tier)
    return decide(guarantee=found.id, who=actor(), why=why, now=utc_now())


@app.command("agree")
def agree(
    why: WhyOption,
    no: Annotated[bool, typer.Option("--no", help="Decline instead.")] = False,
    tier: TierOption = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """For operators: say yes (or --no) to criteria that wait."""
    decided = _decided(operations.decline if no else operations.agree, why=why, tier=tier, org=org)
    if json:
        print_json(guarantee_as_dict(decided))
    else:
        say("Declined." if no else "Agreed: the included training can be ordered.")


@app.command("fee")
def fee(
    why: WhyOption,
    no: Annotated[bool, typer.Option("--no", help="Decline instead.")] = False,
    tier: TierOption = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """For operators: after a look, credit (or --no: do not credit) the fee of criteria that were missed twice."""
    decided = _decided(fees.decline_fee if no else fees.credit_fee, why=why, tier=tier, org=org)
    if json:
        print_json(guarantee_as_dict(decided))
    elif decided.status == GuaranteeStatus.IN_REVIEW:
        say("This is more than one operator gives alone: a second one has to say the same.")
    else:
        say("Declined." if no else f"Credited: {decided.fee_credits} credits.")


@app.command("grant")
def grant(
    why: WhyOption,
    tier: Annotated[Tier, typer.Option(help="The tier level that it is of.")] = Tier.COMMUNITY,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """For operators: give the guarantee to an organisation whose founder or company had one."""
    found = operations.grant_guarantee(
        organisation=organisation_named(org), tier=tier, who=actor(), why=why, now=utc_now()
    )
    if json:
        print_json(guarantee_as_dict(found))
    else:
        say(f"{found.organisation.name} has a guarantee of {tier.title}.")


YesToOrder = Annotated[bool, typer.Option("--yes", "-y", help="Order without asking.")]
DetachOption = Annotated[bool, typer.Option("--detach", help="Order only; a worker trains it (otai worker).")]
PredictOption = Annotated[
    list[str] | None,
    typer.Option("--attribute", "-a", help="Predict this attribute; repeat. All usable ones if left out."),
]


@app.command("order")
def order(
    mode: ModeOption = Mode.BASIC,
    delivery: DeliveryOption = Delivery.STANDARD,
    attribute: PredictOption = None,
    model: Annotated[str | None, typer.Option(help="Name of the model; the data set's if left out.")] = None,
    tier: TierOption = None,
    yes: YesToOrder = False,
    detach: DetachOption = False,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Order the included run: it costs you no credits, and its price shows in the statement."""
    _order(False, mode, delivery, attribute, model, tier, yes, detach, org, json)


@app.command("improve")
def improve(
    mode: ModeOption = Mode.BASIC,
    delivery: DeliveryOption = Delivery.STANDARD,
    attribute: PredictOption = None,
    model: Annotated[str | None, typer.Option(help="Name of the model; the data set's if left out.")] = None,
    tier: TierOption = None,
    yes: YesToOrder = False,
    detach: DetachOption = False,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """Order the included improvement run on the newest version of the tickets, after the criteria were missed."""
    _order(True, mode, delivery, attribute, model, tier, yes, detach, org, json)


def _order(
    improvement: bool,
    mode: Mode,
    delivery: Delivery,
    attribute: list[str] | None,
    model: str | None,
    tier: Tier | None,
    yes: bool,
    detach: bool,
    org: str | None,
    json: bool,
) -> None:
    require_installation()
    organisation = organisation_named(org)
    guarantee = _guarantee(organisation, tier)
    if guarantee.data_set is None:
        raise operations.NotAgreed("first")
    chosen = tickets.data_set(organisation, guarantee.data_set.name)
    offered = runs.make_quote(
        organisation=organisation,
        data_set=chosen,
        attributes=attribute or training.usable_attributes(chosen),
        mode=mode,
        delivery=delivery,
        model_name=model or chosen.name,
        reason=Reason.NEW_MODEL,
        now=utc_now(),
    )
    if not yes:
        if json or not sys.stdin.isatty():
            raise Invalid("order", code="confirmation_missing")
        say(f"{mode.title}, {delivery.title}, of {chosen}: list price {offered.credits} credits, included.")
        typer.confirm("Order it?", abort=True)
    place = runs.order_improvement_run if improvement else runs.order_included_run
    run = place(organisation=organisation, quote=offered.id, who=actor(), now=utc_now(), tier=tier)
    if not json:
        say(f"Run {run.number} is ordered: {run.credits} credits, paid by the guarantee.")
    if not detach:
        training.train_here(run, quiet=json)
        register_completed_runs(now=utc_now(), organisation=organisation)
    run = run_queries.run(organisation, run.number)
    guarantee = queries.guarantee(organisation, tier)
    if json:
        print_json(run_as_dict(run) | {"guarantee": guarantee_as_dict(guarantee)})
        return
    say(f"Run {run.number} is {run.status}; the guarantee is {guarantee.status}.")
    _show_verdict("Run", guarantee.run, guarantee.verdict)
    _show_verdict("Improvement run", guarantee.improvement_run, guarantee.improvement_verdict)


@app.command("holdout")
def holdout(
    file: Annotated[Path | None, typer.Argument(help="File to write; standard output if left out.")] = None,
    tier: TierOption = None,
    org: OrgOption = None,
) -> None:
    """The tickets that the included runs are measured on, as CSV."""
    lines = queries.holdout_csv(queries.guarantee(organisation_named(org), tier))
    if file is None:
        sys.stdout.writelines(lines)
        return
    with file.open("w", newline="", encoding="utf-8") as target:
        target.writelines(lines)
    say(f"Written to {file}.")


@app.command("refund")
def refund(
    why: WhyOption,
    tier: TierOption = None,
    org: OrgOption = None,
    json: JsonOption = False,
) -> None:
    """For operators: turn the credited fee into money."""
    found = queries.guarantee(organisation_named(org), tier)
    refunds = operations.refund_fee(guarantee=found.id, who=actor(), why=why, now=utc_now())
    if json:
        print_json(
            [
                {"purchase": one.purchase.reference, "net_cents": one.net_cents, "gross_cents": one.gross_cents}
                for one in refunds
            ]
        )
        return
    for one in refunds:
        say(f"{one.gross_cents / 100:.2f} {one.currency} are paid back on {one.purchase.reference}: {one.state}.")
