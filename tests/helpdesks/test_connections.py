"""Helpdesks that are kept: connected by Alice with a token that nobody sees again, looked at, and imported."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from otai import keyring
from otai.errors import NotFound
from otai.helpdesks import jobs, operations, queries
from otai.helpdesks.connecting import System
from otai.helpdesks.models import HelpdeskConnection
from otai.helpdesks.operations import (
    HelpdeskNameTaken,
    InvalidHelpdeskConnection,
    TooManyHelpdeskConnections,
    ToRead,
)
from otai.helpdesks.problems import HelpdeskRefused, InvalidHelpdeskAddress, InvalidHelpdeskToken
from otai.helpdesks.secrets import token_of
from otai.jobs import operations as job_operations
from otai.jobs.folders import jobs_folder
from otai.orgs.models import TeamEvent
from otai.orgs.permissions import Role
from otai.tickets.jobs import imported
from otai.tickets.models import DataSet
from tests import stories
from tests.api.callers import Program
from tests.helpdesks import story
from tests.helpdesks.conftest import Fake
from tests.web.visitors import member_of, of

ADDRESS = "https://helpdesk.acme.example"


def connected(acme: Any, now: datetime, **said: Any) -> HelpdeskConnection:
    asked = {"system": System.ZAMMAD, "address": ADDRESS, "token": story.TOKEN, **said}
    return operations.connect(organisation=acme, who="alice@acme.example", now=now, **asked)


def test_a_token_is_sealed_in_its_row_alone_and_told_to_nobody(acme: Any, now: datetime) -> None:
    kept = connected(acme, now)
    row = HelpdeskConnection.objects.values().get()
    assert story.TOKEN not in json.dumps(row, default=str) and token_of(kept) == story.TOKEN
    assert kept.name == "helpdesk.acme.example"
    told = TeamEvent.objects.filter(what__startswith="helpdesk").values_list("what", "subject", "details")
    assert [what for what, *_ in told] == ["helpdesk_connected"] and story.TOKEN not in str(list(told))
    other = connected(acme, now, name="Second")
    HelpdeskConnection.objects.filter(id=other.id).update(sealed_token=kept.sealed_token)
    with pytest.raises(keyring.SecretKeyMissing):
        token_of(HelpdeskConnection.objects.get(id=other.id))


def test_tokens_are_sealed_anew_when_the_secret_key_changes(acme: Any, now: datetime, settings: Any) -> None:
    kept = connected(acme, now)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the key of the next year, just as long as that of this"
    assert keyring.hanging_on(keyring.former_ids())["helpdesk_tokens"] == 1
    assert keyring.rewrap()["helpdesk_tokens"] == 1 and keyring.rewrap()["helpdesk_tokens"] == 0
    settings.SECRET_KEY_FALLBACKS = []
    kept.refresh_from_db()
    assert token_of(kept) == story.TOKEN


def test_another_address_needs_the_token_anew(acme: Any, now: datetime) -> None:
    kept = connected(acme, now)
    there = {"organisation": acme, "connection": kept.id, "who": "alice", "now": now}
    with pytest.raises(InvalidHelpdeskConnection) as refused:
        operations.change(**there, address="https://thief.example")
    assert refused.value.case == "token_again" and queries.connection(acme, kept.id).address == ADDRESS
    changed = operations.change(**there, address=f"{ADDRESS}/", name="Support")
    assert (changed.address, changed.name, token_of(changed)) == (ADDRESS, "Support", story.TOKEN)
    read = ToRead(["Network", " Network ", ""], date(2026, 1, 1), ["group"])
    changed = operations.change(**there, address="https://new.acme.example", token="another", to_read=read)
    assert (changed.queues, changed.created_since, changed.fields) == (["Network"], date(2026, 1, 1), ["group"])
    assert token_of(queries.connection(acme, kept.id)) == "another"


def test_what_cannot_be_connected_is_refused_and_nothing_is_kept(acme: Any, now: datetime) -> None:
    refusals: list[tuple[type[Exception], dict[str, Any]]] = [
        (InvalidHelpdeskAddress, {"address": "https://10.0.0.7"}),
        (InvalidHelpdeskAddress, {"address": "http://helpdesk.acme.example"}),
        (InvalidHelpdeskToken, {"token": "two\nlines"}),
        (InvalidHelpdeskConnection, {"name": "x" * 101}),
        (InvalidHelpdeskConnection, {"to_read": ToRead(["x" * 201])}),
    ]
    for refusal, said in refusals:
        with pytest.raises(refusal):
            connected(acme, now, **said)
    assert not HelpdeskConnection.objects.exists()
    connected(acme, now)
    with pytest.raises(HelpdeskNameTaken):
        connected(acme, now)
    with pytest.raises(NotFound):
        queries.connection(stories.globex(now), HelpdeskConnection.objects.get().id)


def test_there_are_so_many_and_no_more(acme: Any, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "most_connections", 1)
    connected(acme, now)
    with pytest.raises(TooManyHelpdeskConnections):
        connected(acme, now, name="Second")


def test_private_addresses_have_a_switch_of_their_own(acme: Any, now: datetime, settings: Any) -> None:
    settings.OTAI_HELPDESKS_ALLOW_PRIVATE = True
    kept = connected(acme, now, address="http://10.0.0.7")
    settings.OTAI_HELPDESKS_ALLOW_PRIVATE = False
    with pytest.raises(InvalidHelpdeskAddress):
        jobs.ask_for_look(kept, who="alice", now=now)


BREAKS: dict[str, Callable[[], Any]] = {
    "helpdesks_connection_has_a_name_an_address_and_a_token": lambda: HelpdeskConnection.objects.update(name=""),
    "helpdesks_connection_system_is_known": lambda: HelpdeskConnection.objects.update(system="none"),
    "helpdesks_connection_name_is_one_in_an_organisation": lambda: HelpdeskConnection.objects.update(name="One"),
}


@pytest.mark.parametrize("rule", sorted(BREAKS))
def test_the_database_itself_refuses(acme: Any, now: datetime, rule: str) -> None:
    connected(acme, now)
    connected(acme, now, name="Second")
    with pytest.raises(IntegrityError), transaction.atomic():
        BREAKS[rule]()


def test_alice_connects_on_a_page_chooses_and_imports(acme: Any, now: datetime, fake: Fake) -> None:
    alice = of(member_of(acme, "alice", Role.OWNER, now))
    form = {"system": "zammad", "address": fake.address, "token": story.TOKEN, "name": "Our Zammad"}
    shown = alice.post("/acme/tickets/helpdesks/", form, follow=True)
    assert "The helpdesk answers, and the token may read it." in shown.text
    assert story.Told(1).text in shown.text and story.ANSWER not in shown.text and story.TOKEN not in shown.text
    here = f"/acme/tickets/helpdesks/{HelpdeskConnection.objects.get().id}/"
    chosen = {"chosen": "1", "queue": ["Network"], "field": ["group"], "created_since": "2026-01-06"}
    shown = alice.post(f"{here}look", chosen, follow=True)
    assert story.Told(21).text in shown.text and story.Told(22).text not in shown.text
    assert "2 normal" not in shown.text, "a field that was not chosen"
    assert not list(jobs_folder().iterdir()), "nothing of it is left here"
    asked = {"name": "support", "mask": "on", "changed_since": "yesterday"}
    assert alice.post(f"{here}import", asked).status_code == 422
    asked["changed_since"] = "2026-01-17"
    done = alice.post(f"{here}import", asked, follow=True)
    data_set = DataSet.objects.get()
    assert done.redirect_chain[-1][0].endswith(f"{data_set.id}/")
    told = [one for one in story.tickets() if one.queue == "Network" and one.changed_at.date() >= date(2026, 1, 17)]
    assert (data_set.name, data_set.version, data_set.tickets) == ("support", 1, len(told))
    wrong = alice.post(f"{here}change", {"address": fake.address, "token": "wrong"}, follow=True)
    assert "does not accept the token" in wrong.text
    assert "is disconnected" in alice.post(f"{here}disconnect", follow=True).text
    assert not HelpdeskConnection.objects.exists() and DataSet.objects.exists()
    assert of(member_of(acme, "vera", Role.VIEWER, now)).get("/acme/tickets/helpdesks/").status_code == 403


def test_a_program_connects_previews_and_imports(acme: Any, now: datetime, fake: Fake) -> None:
    writes, reads = Program(acme, ["tickets:write"]), Program(acme, ["tickets:read", "read"])
    asked = {"system": fake.system, "address": fake.address, "token": story.TOKEN}
    status, made = writes.post("/helpdesks", asked)
    assert status == 201 and story.TOKEN not in str(made)
    here = f"/helpdesks/{made['id']}"
    assert writes.post(f"{here}/test")[1]["labels"]["group"] == list(story.QUEUES)
    assert writes.post(f"{here}/preview")[0] == 403, "words of tickets are for whoever may read them"
    _, preview = reads.post(f"{here}/preview")
    assert len(preview["tickets"]) == 10 and preview["tickets"][0]["text"] == story.Told(1).text
    assert "group" in preview["fields"] and preview["roles"]
    looks = [one for one in reads.get("/jobs")[1]["items"] if one["kind"] == "helpdesk_look"]
    assert any(one["result"]["tickets"] for one in looks)
    without = Program(acme, ["read"]).get("/jobs")[1]["items"]
    assert all("tickets" not in one["result"] for one in without)
    assert writes.call("PATCH", here, {"queues": ["Network"]}).json()["queues"] == ["Network"]
    assert writes.call("PATCH", here, {"address": "https://thief.example"}).status_code == 422
    since = story.Told(30).changed_at
    asked = {"name": "support", "changed_since": story.written(since)}
    status, done = writes.post(f"{here}/import", asked, Prefer="wait=120")
    later = [one for one in story.tickets() if one.queue == "Network" and one.changed_at >= since]
    assert (status, done["tickets"]) == (201, len(later))
    assert writes.call("DELETE", here).status_code == 204 and writes.get(here)[0] == 404


def test_what_the_helpdesk_refuses_is_said_and_nothing_is_imported(acme: Any, now: datetime, fake: Fake) -> None:
    kept = connected(acme, now, address=fake.address, token="wrong")
    with pytest.raises(HelpdeskRefused) as refused:
        jobs.look_of(job_operations.wait(jobs.ask_for_look(kept, who="alice", now=now), seconds=None))
    assert refused.value.case == "token"
    asked = jobs.ask_for_import(kept, name="support", who="alice", now=now)
    with pytest.raises(HelpdeskRefused):
        jobs.refuse_if_failed(job_operations.wait(asked, seconds=None))
    assert not DataSet.objects.exists() and not list(jobs_folder().iterdir())


def test_later_tickets_join_the_version_before(acme: Any, now: datetime, fake: Fake) -> None:
    from otai.tickets.options import ImportOptions

    kept = connected(acme, now, address=fake.address, to_read=ToRead(["Network"]))
    first = job_operations.wait(jobs.ask_for_import(kept, name="support", who="alice", now=now), seconds=None)
    there = {"organisation": acme, "connection": kept.id, "who": "alice", "now": now}
    kept = operations.change(**there, to_read=ToRead(["Printing"]))
    changed = story.Told(61).changed_at
    more = jobs.ask_for_import(
        kept, name="support", options=ImportOptions(add=True), changed_since=changed, who="alice", now=now
    )
    second = job_operations.wait(more, seconds=None)
    assert (imported(first).version, imported(second).version) == (1, 2)
    later = [one for one in story.tickets() if one.queue == "Printing" and one.changed_at >= changed]
    told = [one for one in story.tickets() if one.queue == "Network"] + later
    assert later and imported(second).tickets == len(told)
