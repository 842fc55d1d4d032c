"""What the English sentences leave out: each value that the code gives and no place of its sentence shows, and why.
A value that is given and missing here is lost: its sentence was reworded without it.

A refusal is called by its key, a fact `fact:CODE`, a finding `data:CODE` (of an import) or `card:CODE` (of a training).
"""

from __future__ import annotations

import string
from collections.abc import Iterable

from otai.words.sentences import Counted, Sentence

LEFT_OUT: dict[str, tuple[str, str]] = {
    "accuracy": (
        "the gain says the mean of both; pages show each beside it",
        "card:business_is_enough card:fine_tuning_gained",
    ),
    "all_tickets": ("what the share is of: for programs", "data:label_in_text"),
    "attribute": (
        "the ticket is named; which of its labels is for programs",
        "review_moved.claimed review_moved.merged",
    ),
    "attributes": ("the one that is missing is named", "change_invalid.no_attribute"),
    "begins": ("when the month began is for programs", "spend_limit_reached.month"),
    "cents": ("what was given: a payment of nothing, or less", "invalid_payment.nothing"),
    "chance": ("said as how many times as often", "data:label_in_text"),
    "changed_labels": ("which labels changed is told by findings of their own", "data:versions_compared"),
    "column": (
        "for programs; where it stands in a file the sentence of the row names it",
        "dataset_invalid.attribute_name dataset_invalid.attribute_name_twice dataset_invalid.bad_rows "
        "dataset_invalid.labels dataset_invalid.multi_form dataset_invalid.no_order dataset_invalid.order_form "
        "dataset_invalid.role_form feedback_invalid.attribute feedback_invalid.bad_row feedback_invalid.id "
        "feedback_invalid.label feedback_invalid.no_attribute_column feedback_invalid.no_text "
        "feedback_invalid.no_text_column feedback_invalid.one_label feedback_invalid.row_no_text "
        "feedback_invalid.text",
    ),
    "count": ("the trainings are named", "data_set_in_use.runs"),
    "country": ("its prefix is said, which is EL for Greece", "invalid_vat_id.form"),
    "coupon": ("whoever gave it knows it", "coupon_not_valid.not_first_month"),
    "difference": ("the id that was asked for", "not_found.no_balance_difference"),
    "encoder": ("its package is named", "encoder_invalid.other_package"),
    "endpoint": ("the id that was asked for", "webhook_endpoint_disabled.off"),
    "examples": (
        "with everything of each, for pages that lay them out; some of them are said",
        "data:label_given_away data:personal_data data:text_was_cut",
    ),
    "file": (
        "its folder or its whole path is said",
        "encoder_damaged.file encoder_invalid.no_object encoder_invalid.no_safetensors encoder_invalid.own_code "
        "encoder_invalid.unreadable",
    ),
    "first": ("the first of these rows: one of them is said", "data:footer_left_out"),
    "from_rows": ("the columns are named", "data:columns_appeared_late"),
    "groups": ("for pages; the labels are named", "data:labels_look_alike"),
    "guarantee": ("its id, for programs: the door shows a link", "model_in_use.guarantee run_not_charged.included"),
    "held": ("said with what is spent, together", "nothing_to_refund.spent"),
    "here": ("the tier they are in, which they see", "no_higher_tier.preview"),
    "hold": ("the id that was asked for", "already_refunded.hold hold_not_captured.hold hold_resolved.hold"),
    "id": ("the id that was asked for", "data_key_gone.gone not_found.payment_method secret_key_missing.changed"),
    "install": ("for who runs the Studio: the command line says it", "mode_not_installed.encoders"),
    "key": ("whoever sent it knows it", "request_in_progress.under_way"),
    "known": ("the three there are, in words", "invalid_notification.mail"),
    "labels": (
        "those that matter are named",
        "change_invalid.no_label data:attribute_not_learnable data:labels_came data:labels_went",
    ),
    "languages": (
        "for programs; English alone is meant, or those there are are said as `known`",
        "card:encoder_added_for_english card:encoder_english_not_there language_unknown.language",
    ),
    "libraries": ("all of them; the one that is missing is said", "encoders_not_installed.hub"),
    "limit": (
        "for programs, beside the number that is said",
        "attribute_count_out_of_range.no_whole_number too_many_requests.organisation",
    ),
    "lines": ("some of them are said as `shown`; pages list all", "data:label_given_away"),
    "lot": ("the id that was asked for", "insufficient_credits.lot"),
    "macro_f1": (
        "the gain says the mean of both; pages show each beside it",
        "card:business_is_enough card:fine_tuning_gained",
    ),
    "mail": ("what was given", "invalid_notification.mail"),
    "missing": (
        "what is needed and available says it; of a network, the first part and how many",
        "encoder_invalid.weights insufficient_credits.available insufficient_credits.lot",
    ),
    "model": ("its version is named", "report_card_missing.version"),
    "most_bytes": ("said in megabytes", "too_large.file too_large.upload"),
    "name": ("the data set is named", "label_too_rare.nothing_to_train tickets_deleted.deleted"),
    "needs": (
        "the action or scope: for programs; the sentence says who may, or which key",
        "not_allowed.models_too not_allowed.no_key_may not_allowed.role not_allowed.scopes",
    ),
    "net_cents": ("for programs; what was asked is said", "nothing_to_refund.no_paid_month"),
    "networks": ("only one of them cannot, which the sentence names", "nothing_to_export.network"),
    "of": ("whose streams: for programs", "too_many_streams.streams"),
    "organisation": ("there is one that is asked", "billing_details_missing.details"),
    "organisations": ("for programs; their names are said", "only_owner.owner"),
    "path": (
        "the folder above it is missing, and said; of a sealed file, for who runs the Studio",
        "no_such_folder.folder sealed_file_damaged.changed",
    ),
    "phrases": ("some of them are said as `shown`; pages list all", "data:label_given_away"),
    "problems": (
        "the first is said, and how many; pages list them",
        "data:bad_rows_left_out dataset_invalid.bad_rows",
    ),
    "purchase": ("the line of the statement names it", "fact:moved_why.payment_stays"),
    "reason": (
        "the provider's code: for programs, beside its words",
        "payment_declined.provider payment_declined.provider_refused",
    ),
    "reference": ("the id that was asked for", "not_found.checkout_page payment_declined.bank_transfer"),
    "request": ("the id that was asked for", "not_found.no_operator_request"),
    "row": (
        "for programs; a sentence about the whole file needs none",
        "dataset_invalid.bad_rows dataset_invalid.cells dataset_invalid.fields_missing "
        "dataset_invalid.header_empty dataset_invalid.header_unreadable dataset_invalid.mails "
        "dataset_invalid.rows dataset_invalid.table_rows dataset_invalid.xml_damaged dataset_invalid.xml_tickets "
        "feedback_invalid.attribute feedback_invalid.bad_row feedback_invalid.column feedback_invalid.label "
        "feedback_invalid.no_attribute_column feedback_invalid.no_text_column feedback_invalid.tickets",
    ),
    "rows": ("which rows they were: for pages", "data:headers_repeated data:newest_row_won"),
    "seconds": (
        "when to try again: the header Retry-After says it; of a lost machine, for who runs it",
        "assembling_busy.one database_busy.no_answer database_busy.not_set_up database_busy.others "
        "fact:failed.worker_lost too_many_requests.organisation too_many_requests.requests "
        "too_many_requests.wrong_keys",
    ),
    "setting": (
        "its name, for programs: the sentence names it by `name`, or itself",
        "invalid_setting.base_url invalid_setting.base_url_path invalid_setting.choice invalid_setting.colour "
        "invalid_setting.colour_contrast invalid_setting.colour_light invalid_setting.database "
        "invalid_setting.language invalid_setting.logo invalid_setting.number invalid_setting.studio_name "
        "invalid_setting.switch",
    ),
    "share": ("the number of tickets is said", "data:contradicting_duplicates"),
    "since": ("whoever gave it knows it", "invalid_period.period"),
    "spent": (
        "what is left of how many is said, or that all is",
        "nothing_to_refund.spent spend_limit_reached.month",
    ),
    "status": (
        "for programs: the sentence says what it means, or it is HTTP's",
        "advice_decided.decided body_too_slow.arriving cannot_cancel.purchase criteria_frozen.frozen "
        "criteria_not_agreed.first_agree criteria_not_agreed.ordered disk_full.body disk_full.file "
        "fact:moved_why.funding_back nothing_missed.nothing_missed overloaded.waiting too_many_bodies.from_here "
        "too_many_bodies.together too_many_uploads.together too_many_uploads_of_one.organisation",
    ),
    "tickets": (
        "the ticket is named; of rare labels, the labels are",
        "change_invalid.no_ticket change_invalid.not_suspected data:rare_labels",
    ),
    "tickets_looked_at": ("what the share is of: for programs", "data:label_in_text"),
    "title": ("whoever orders has the package before their eyes", "equal_order.purchase"),
    "unspent": ("what is spent of how many is said", "fee_was_spent.fee"),
    "until": ("whoever gave it knows it", "invalid_period.period"),
    "values": ("those that are odd are named", "data:split_values_unknown"),
    "version": ("the tickets are named, and when they were deleted", "tickets_deleted.deleted"),
    "where": (
        "whose code it is: for programs",
        "dataset_invalid.attribute_twice dataset_invalid.lengths dataset_invalid.missing_column "
        "dataset_invalid.no_attribute dataset_invalid.no_value dataset_invalid.several_values "
        "holdout_impossible.tickets label_too_rare.few_tickets",
    ),
    "why": (
        "what the case itself says, in a word for programs; of columns, for the log",
        "dataset_invalid.no_text_found invitation_over.expired invitation_over.used invitation_over.withdrawn",
    ),
    "without": ("said as how many of a hundred would be right", "card:label_given_away"),
    "worker": ("which machine it was: for who runs it", "fact:failed.worker_lost"),
}
"""Value: why it is not said, and of which codes."""


FOR_PROGRAMS = {"field"}
"""Which field of a form or a body a refusal is about: forms mark it, programs read it, and any refusal may have it."""


def shown(sentences: Iterable[Sentence]) -> set[str]:
    """The values that these sentences show. Where a number picks one of two, that of many has to show it: the one of
    a single thing may say it in words."""
    texts = (one.other if isinstance(one, Counted) else one for one in sentences)
    return {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}


def left_out(*kinds: str) -> set[tuple[str, str]]:
    """(code, value) of what is left out of sentences of these kinds ("fact:", "data:", "card:"); "" for refusals."""
    pairs = {(code, value) for value, (_, codes) in LEFT_OUT.items() for code in codes.split()}
    return {(code, value) for code, value in pairs if (code.partition(":")[0] + ":" if ":" in code else "") in kinds}
