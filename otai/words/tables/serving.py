"""What is refused about models, advice and feedback."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said
from otai.words.sentences import Counted

TABLE: Mapping[str, Refusal] = {
    "advice_decided.decided": said(
        "Somebody decided on this advice before.",
    ),
    "tickets_first.of_a_language": said(
        "A training needs tickets in {language:language} with the labels that people gave them: about {wanted:n}; so "
        "far {data_set} has {there:n}.",
        page="Bring such tickets, or give feedback on answers.",
        api="Import such tickets, or POST feedback.",
        command="Bring them with `otai tickets import --add`, or give feedback with `otai feedback`.",
    ),
    "tickets_first.of_late": said(
        "A training from {data_set} would learn the same again: it is what the model was trained on.",
        page="Bring the tickets of the last weeks first, or give feedback on answers.",
        api="Import the tickets of the last weeks first, or POST feedback.",
        command="Bring the tickets of the last weeks with `otai tickets import --add`, or give feedback with "
        "`otai feedback`.",
    ),
    "already_live.version": said(
        "{version} is live already.",
    ),
    "change_invalid.nothing_decided": said(
        "Nothing was decided that would change {data_set}.",
    ),
    "change_invalid.not_suspected": said(
        "The label of {ticket:quoted} was not suspected to be wrong.",
    ),
    "change_invalid.nothing_suspected": said(
        "No label of {attribute:quoted} was suspected to be wrong.",
    ),
    "data_set_in_use.runs": said(
        Counted(
            (
                "{name} cannot be deleted now: training {runs:words} needs its tickets. Cancel first, or wait "
                "for the end."
            ),
            (
                "{name} cannot be deleted now: trainings {runs:words} need their tickets. Cancel first, or wait "
                "for the end."
            ),
            "count",
        ),
    ),
    "days_out_of_range.days": said(
        "Tickets are kept for 0 to 90 days, not for {days}.",
    ),
    "feedback_invalid.attribute": said(
        "The model does not predict {attribute:quoted}. It predicts: {known:words}.",
    ),
    "feedback_invalid.no_attribute_column": said(
        "No column is an attribute of the model. It predicts: {known:words}.",
    ),
    "feedback_invalid.column": said(
        "The column {column:quoted} is no attribute of the model. It predicts: {known:words}.",
    ),
    "feedback_invalid.bad_row": said(
        "The file cannot be read: {first:fact}. Nothing was taken. Correct it, and give the file again.",
    ),
    "feedback_invalid.empty": said(
        "There is no ticket in this feedback.",
    ),
    "feedback_invalid.id": said(
        "The id of ticket {row} is longer than 200 characters.",
    ),
    "feedback_invalid.key": said(
        "A batch of feedback has a key of 1 to 200 characters.",
    ),
    "feedback_invalid.label": said(
        "A label of {attribute:quoted} has 1 to 200 characters on one line.",
    ),
    "feedback_invalid.large": said(
        "The file is larger than {most:n}\u00a0MB. Split it.",
    ),
    "feedback_invalid.no_label": said(
        "No row of the file says a label.",
    ),
    "feedback_invalid.no_text": said(
        "Ticket {row} has no text.",
    ),
    "feedback_invalid.no_text_column": said(
        "The file needs a column “text”, or “subject” and “body”.",
    ),
    "feedback_invalid.nothing_said": said(
        "Ticket {row} says nothing about any attribute.",
    ),
    "feedback_invalid.one_label": said(
        "Ticket {row} needs one label for {attribute:quoted}, not {labels:n}.",
    ),
    "feedback_invalid.row_no_text": said(
        "Row {row} has labels and no text.",
    ),
    "feedback_invalid.text": said(
        "The text of ticket {row} is too long, or holds a zero byte.",
    ),
    "feedback_invalid.tickets": said(
        "The file has more than {most:n} tickets. Split it.",
    ),
    "feedback_invalid.too_many": said(
        "{tickets:n} tickets are more than the {most:n} of one batch. Send several.",
    ),
    "feedback_merged.merged": said(
        "It is part of {data_set} by now, and cannot be withdrawn. Correct the label there.",
    ),
    "model_in_use.guarantee": said(
        "The guarantee of {tier:title} is decided by {model}. Let its improvement end first.",
    ),
    "model_in_use.run": said(
        "Training {run} of {model} is under way. Wait for it, or cancel it first.",
    ),
    "not_found.advice": said(
        "There is no such advice.",
    ),
    "not_found.feedback": said(
        "There is no such feedback.",
    ),
    "not_found.model": said(
        "There is no such model.",
    ),
    "not_found.review_item": said(
        "There is no such question about a label.",
    ),
    "not_found.version_of": said(
        "There is no version {number} of the model {model:quoted}.",
    ),
    "not_found.model_of": said(
        "There is no model {model:quoted}. There is: {known:words}.",
        "There is no model {model:quoted}.",
        command="Train one: otai train.",
    ),
    "not_searchable_yet.index": said(
        "{data_set} is not searchable yet.",
        page="Open the page of the labels that look wrong.",
        api="GET the same address without /next first.",
    ),
    "nothing_to_merge.feedback": said(
        "No feedback on {model} waits to be merged.",
    ),
    "nothing_to_roll_back.model": said(
        "No version of {model} was live before this one.",
    ),
    "report_card_missing.version": said(
        "{version} has no report card that can be read here: {error}",
    ),
    "review_moved.claimed": said("{who:who} looks at {ticket:quoted} now. Nothing was changed."),
    "review_moved.decided": said(
        "{who:who} decided {attribute:quoted} of {ticket:quoted} already: {labels:words}. Your answer was not taken.",
        page="Undo theirs first, if it is wrong.",
        api="Undo theirs first, if it is wrong.",
    ),
    "review_moved.merged": said(
        "What was decided of {ticket:quoted} is part of the tickets by now.",
    ),
    "ticket_search_too_long.seconds": said(
        "This search takes more than {seconds} seconds. Ask for more words, or a label.",
    ),
}
