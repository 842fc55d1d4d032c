"""What stands elsewhere and is an attack too: `make attack` runs these modules beside this folder.

`python -m tests.attack.modules` prints all of it, for pytest: else it would collect every test there is."""

MODULES = {
    "tests/api/test_another_organisation.py": "every endpoint as another organisation, and as nobody",
    "tests/api/test_scopes.py": "which scope each endpoint asks for",
    "tests/api/test_what_read_opens.py": "each scope singly",
    "tests/billing/test_gifts.py": "gifts for founders who cost nothing",
    "tests/doors/test_hostile_files.py": "archives, workbooks and markup made to harm, through TLS",
    "tests/doors/test_silent_strangers.py": "streams and bodies that hold what others need, through TLS",
    "tests/doors/test_the_doors.py": "health and metrics by any name, what is said before strangers come, through TLS",
    "tests/doors/test_tickets_and_runs.py": "orders at once, columns as shown, deleted words, through TLS",
    "tests/front/test_attacks.py": "the same, and places in all processes together",
    "tests/learning/data/test_hostile_texts.py": "texts made to be slow",
    "tests/learning/evidence/test_card_page.py": "labels made to harm whoever reads a card",
    "tests/learning/model/test_bundle.py": "files of models made to harm",
    "tests/orgs/test_permissions.py": "what each role and each scope may do",
    "tests/orgs/test_quotas.py": "more than one organisation may have, by many at once",
    "tests/orgs/test_rates.py": "more requests in a minute than may be, at several processes",
    "tests/outbound/test_addresses.py": "webhooks that lead inside",
    "tests/privacy/test_erased_organisations.py": "planted words after an organisation is gone",
    "tests/privacy/test_exports.py": "exports of strangers made to harm",
    "tests/races/test_through_the_api.py": "orders and cancellations at once",
    "tests/runs/test_guarantee_reviews.py": "guarantees by labels that nobody could learn",
    "tests/serving/test_deletion.py": "deleting in the middle of everything else",
    "tests/serving/test_hostile_tickets.py": "tickets made to harm a prediction",
    "tests/test_spreadsheets.py": "cells that a spreadsheet would work out",
    "tests/tickets/test_hostile_files.py": "files of tickets made to harm",
    "tests/tickets/test_nasty.py": "tickets and names made to harm",
    "tests/tickets/test_old_excel.py": "old workbooks, and what calls itself one",
    "tests/tickets/test_slow_files.py": "small files made to be slow to read",
    "tests/web/test_page_rates.py": "more pages in a minute than may be",
    "tests/web/test_access_events.py": "who tried to come in, as owners see it",
    "tests/web/test_impersonation.py": "operators who look, and may not act",
    "tests/web/test_nasty_values.py": "values that no form sends, at every page",
    "tests/web/test_sign_in_attacks.py": "guessing, planted sessions, forged forms, every role at every page",
}
"""By their paths below the checkout, with what is tried there."""

if __name__ == "__main__":
    print("tests/attack", *MODULES)
