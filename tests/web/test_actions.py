"""Which action each page and form asks for, written down beside the code: a role that may do more than before, or less,
is noticed here.

That a page refuses a role without its action is tried in `test_sign_in_attacks.py`.
"""

from __future__ import annotations

import pytest

from otai.orgs.permissions import Action
from tests.web.test_sign_in_attacks import addresses

pytestmark = pytest.mark.pure

ASKS_FOR = {
    Action.VIEW: (
        "home home_now find shortcuts help help_page help_prices profile team leave tickets data_set job job_now "
        "job_events cancel_job runs run run_now run_events run_attribute report_card_json report_card_html "
        "guarantee models model compare_versions credits ledger ledger_csv tier purchase purchase_now "
        "order_confirmation invoices invoices_of_month invoice_pdf invoice_xml spending spending_csv ledger_proof "
        "check_document notifications choose_notifications fresh_notifications"
    ),
    Action.READ_TICKETS: "data_set_sample model_feedback guarantee_holdout browse ticket review review_item",
    Action.DOWNLOAD_MODELS: "download_version",
    Action.PREDICT: "try_version",
    Action.GIVE_FEEDBACK: "give_feedback withdraw_feedback",
    Action.UPLOAD_TICKETS: (
        "upload_tickets begin_upload upload_arrived sample_tickets upload read_upload drop_upload labels cut_lines "
        "uncut delete_data_set "
        "helpdesks helpdesk look_at_helpdesk change_helpdesk import_helpdesk disconnect_helpdesk "
        "merge_feedback correct_labels review_next review_decide review_undo review_version"
    ),
    Action.TRAIN: ("train train_quality order cancel_run propose_criteria order_included follow_advice dismiss_advice"),
    Action.MANAGE_MODELS: "go_live roll_back delete_model look_now keep_tickets",
    Action.BUY: (
        "package pay to_payment payment_returned purchase_cancel payment_methods add_method method_returned renewals "
        "payment_portal remove_method demo_transfer billing_details change_tier low_credits set_spend_limit"
    ),
    Action.APPROVE: "approve_run decline_run",
    Action.MANAGE_WEBHOOKS: "webhooks webhook test_webhook switch_webhook rotate_webhook delete_webhook send_again",
    Action.READ_ACCESS: "access access_lines",
    Action.MANAGE_KEYS: "keys revoke_key",
    Action.MANAGE_TEAM: "invite withdraw_invitation change_role remove_member",
    Action.MANAGE_ORGANISATION: "organisation set_approval ask_second_factor",
    Action.ERASE_DATA: "organisation_data delete_organisation keep_organisation",
    Action.EXPORT_DATA: "ask_for_export download_export",
}


ASK_AGAIN = (
    "keys invite change_role remove_member ask_second_factor delete_data_set delete_model delete_organisation "
    "organisation_data ask_for_export download_export webhooks switch_webhook rotate_webhook billing_details "
    "helpdesks look_at_helpdesk change_helpdesk"
)
"""Forms that ask again who somebody is, where they signed in a while ago."""


def test_what_concerns_safety_asks_again_who_it_is() -> None:
    asking = {address.name for address in addresses() if address.has_slug and address.asks_again}
    assert asking == set(ASK_AGAIN.split())


def test_each_page_asks_for_the_action_that_is_written_here() -> None:
    asked = {address.name: address.action for address in addresses() if address.has_slug}
    assert asked == {name: action for action, names in ASKS_FOR.items() for name in names.split()}
