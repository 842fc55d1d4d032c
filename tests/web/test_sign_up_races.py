from __future__ import annotations

import threading

import pytest
from django.db import connection

from otai.ledger import queries as ledger
from otai.orgs.models import Organisation, User
from tests.orgs.people import PASSWORD
from tests.web.visitors import browser

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_sign_up_sent_three_times_at_once_makes_one_account_and_one_organisation() -> None:
    start = threading.Barrier(3)
    answers = []
    form = {"organisation": "Acme Ltd", "name": "Alice", "email": "alice@acme.example", "password1": PASSWORD}

    def send() -> None:
        visitor = browser()
        start.wait()
        try:
            answers.append(visitor.post("/account/signup/", form).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(answers) == 3
    assert set(answers) <= {200, 302}, "refused in words, or let in"
    assert User.objects.count() == Organisation.objects.count() == 1
    assert ledger.balance(Organisation.objects.get().id).available == 6
