"""What is refused about trainings and guarantees."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said
from otai.words.sentences import Counted

TABLE: Mapping[str, Refusal] = {
    "approval_decided.decided": said(
        "Training {number} was decided before, by {decided_by:who}.",
    ),
    "approval_decided.lapsed": said(
        "Training {number} could be approved until {until:date}. Order it again.",
    ),
    "approval_decided.not_asked": said(
        "Training {number} waits for nobody's approval ({status:state}).",
    ),
    "invalid_approval_rule.credits": said(
        "Orders of more than 0 to {most:n} credits can wait for approval.",
    ),
    "invalid_approval_rule.days": said(
        "An order can wait for {least:n} to {most:n} days.",
    ),
    "not_allowed.approver": said(
        "An owner or a member for billing decides on this order, or a key with the scope runs:approve.",
    ),
    "own_order.approve": said(
        "Training {number} was ordered by you, in person or with a key of yours. Somebody else approves it.",
    ),
    "reason_missing.why_declined": said(
        "Say why, in at most 500 characters: whoever ordered reads it.",
    ),
    "invalid_spend_limit.credits": said(
        "A month's limit is 0 to {most:n} credits.",
    ),
    "invalid_spend_limit.member": said(
        "{member:quoted} is no member of this organisation.",
    ),
    "spend_limit_reached.month": said(
        "This training costs more credits ({credits:n}) than {who:who} may still order this month ({left:n} of "
        "{most:n}).",
        page="Ask an owner for more, or wait until {begins:date}.",
        api="PUT /spending/limits sets the limit; the next month begins on {begins}.",
        command="Set the limit: otai org limit; the next month begins on {begins}.",
    ),
    "insufficient_credits.covered": said(
        Counted(
            "This training needs {needed:n} credit (available: {available:n}, missing: {missing:n}). "
            "What covers it: {covering:facts}.",
            "This training needs {needed:n} credits (available: {available:n}, missing: {missing:n}). "
            "What covers it: {covering:facts}.",
            "needed",
        ),
    ),
    "insufficient_credits.covered_twice": said(
        Counted(
            "This training needs {needed:n} credit (available: {available:n}, missing: {missing:n}). "
            "Buy more than once: {covering:facts}.",
            "This training needs {needed:n} credits (available: {available:n}, missing: {missing:n}). "
            "Buy more than once: {covering:facts}.",
            "needed",
        ),
    ),
    "criteria_frozen.frozen": said(
        "The included training was ordered: the criteria cannot be changed any more.",
    ),
    "criteria_invalid.none": said(
        "Name at least one criterion.",
        api="For example: queue accuracy 0.7",
        command="For example: queue accuracy 0.7",
    ),
    "criteria_invalid.too_few": said(
        Counted(
            "Only {tickets:n} ticket of {data_set} could be kept aside to measure {attribute:quoted} on; at "
            "least {needed:n} are needed for a promise. Import more labelled tickets.",
            "Only {tickets:n} tickets of {data_set} could be kept aside to measure {attribute:quoted} on; at "
            "least {needed:n} are needed for a promise. Import more labelled tickets.",
            "tickets",
        ),
    ),
    "criteria_invalid.too_many": said(
        "{criteria:n} criteria are more than the {most:n} that are measured.",
    ),
    "criteria_invalid.twice": said(
        "{attribute:quoted}: {metric} is named twice.",
    ),
    "criteria_invalid.unknown": said(
        "{data_set} has no attribute {attribute:quoted} that can be learnt. It has: {known:words}.",
    ),
    "criteria_not_agreed.first_agree": said(
        "Agree on criteria first.",
        command="Propose them: otai guarantee propose.",
    ),
    "criteria_not_agreed.ordered": said(
        "The included training was ordered already.",
    ),
    "criteria_not_agreed.others_meanwhile": said(
        "Other criteria were agreed on while this order waited for its turn. Look at them and order again.",
    ),
    "criteria_not_agreed.waits": said(
        "The proposed criteria wait for our yes. Propose ones that these tickets make likely to begin at once.",
    ),
    "guarantee_moved.guarantee": said(
        "The guarantee of {tier:title} was changed by someone else meanwhile. Look at it again.",
    ),
    "holdout_impossible.kind": said(
        (
            "{data_set} has another kind of values in {attribute:quoted} than the tickets to measure on. Import "
            "it as the same kind."
        ),
    ),
    "holdout_impossible.tickets": said(
        "{why:fact}",
    ),
    "invalid_model_name.name": said(
        (
            "The model name {model_name:quoted} cannot be used: 1 to 100 letters, digits, blanks, dots, hyphens "
            "and underscores, beginning with a letter or digit. For example: support-queue."
        ),
    ),
    "mode_not_installed.encoders": said(
        "{mode:title} cannot be trained on this installation: a language model is missing. It trains {trained:titles}. "
        "Nothing was charged.",
        page="Ask whoever runs this Studio.",
        api="Whoever runs this Studio installs it: {install:words}.",
        command="Install it: {install:words}.",
    ),
    "mode_not_installed.mode": said(
        "{mode:title} cannot be trained by this version of the Studio; it trains {trained:titles}. Nothing was "
        "charged.",
    ),
    "no_guarantee.holdout": said(
        "The tickets to measure on are fixed when criteria are proposed.",
        command="Propose some: otai guarantee propose.",
    ),
    "not_found.data_set": said(
        "There is no such data set.",
    ),
    "not_found.guarantee": said(
        "There is no such guarantee.",
    ),
    "not_found.guarantee_of": said(
        "{organisation} has no guarantee {tier}.",
        api="It is given once for each person and each company.",
        command=(
            "It is given once for each person and each company; an operator gives another one: otai guarantee grant."
        ),
    ),
    "not_found.quote": said(
        "There is no such quote. Ask for a new one.",
        command="It is made by: otai quote.",
    ),
    "not_found.run": said(
        "There is no training {number}.",
        command="`otai runs list` shows those that exist.",
    ),
    "nothing_missed.nothing_missed": said(
        "An improvement training is included once the agreed criteria were missed.",
    ),
    "quote_does_not_fit.attributes": said(
        "The criteria speak of {missing:words}, which this quote does not train.",
    ),
    "equal_order.run": said(
        Counted(
            "You ordered just this {minutes:n} minute ago: training {run}. Nothing was ordered again.",
            "You ordered just this {minutes:n} minutes ago: training {run}. Nothing was ordered again.",
            "minutes",
        ),
        page="Look at it, or order again.",
        api="Send again: true to order it all the same.",
        command="Pass --again to order it all the same.",
    ),
    "equal_order.purchase": said(
        Counted(
            "You ordered this package {minutes:n} minute ago, and it waits for its payment: {reference}. Nothing was "
            "ordered again.",
            "You ordered this package {minutes:n} minutes ago, and it waits for its payment: {reference}. Nothing was "
            "ordered again.",
            "minutes",
        ),
        page="Look at it, or order again.",
        api="Send again: true to order it all the same.",
        command="Pass --again to order it all the same.",
    ),
    "no_gain_expected.order": said(
        "In a trial on {tickets:n} of these tickets Maximum answered no better than Business ({gain:points} points of "
        "accuracy and macro F1, {low:points} to {high:points}). Nothing was ordered.",
        page="Order Business, or tick that you want Maximum all the same.",
        api="Order Business, or send accept_no_gain.",
        command="Order Business, or pass --accept-no-gain.",
    ),
    "no_signal.order": said(
        "Nothing in these texts tells {named:names}: a training for it would not help. Nothing was ordered.",
        page="Leave it out, or tick that you want it all the same.",
    ),
    "quote_does_not_fit.data_set": said(
        "The criteria were agreed for {data_set}, not for {chosen}.",
    ),
    "quote_does_not_fit.paid": said(
        "This quote was ordered before, as a paid training. Ask for a new one.",
    ),
    "quote_expired.quote": said(
        Counted(
            "The quote of {credits:n} credit stood until {expired_at:time} UTC. Ask for a new one.",
            "The quote of {credits:n} credits stood until {expired_at:time} UTC. Ask for a new one.",
            "credits",
        ),
    ),
    "run_has_ended.run": said(
        "Training {number} has ended already ({status:state}); there is nothing to cancel.",
    ),
    "run_moved.run": said(
        "Training {number} was moved by someone else meanwhile. Look at it again.",
    ),
    "tickets_deleted.holdout": said(
        "The tickets that this guarantee is measured on were deleted; its figures are all that is left.",
    ),
    "unknown_attribute.repeated": said(
        "{attributes:words}: named more than once. Name each attribute once.",
    ),
    "unknown_attribute.unknown": said(
        "{data_set} has no attribute {unknown:names}. It has: {known:words}.",
    ),
}
