"""`read` opens figures. Words of tickets, addresses of people and files of models are opened by scopes of their own:
every GET of the API is asked by keys with `read` and with each of these beside it, and their answers are searched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.db.models import CharField
from ninja import Schema

from otai.api.people import WHO
from otai.db import utc_now
from otai.orgs.models import ApiKey
from otai.orgs.permissions import Scope
from otai.runs.models import Run
from otai.serving import feedback
from otai.serving.models import Advice, ReviewItem
from otai.tickets.models import DataSet
from tests.api.callers import Program
from tests.api.everything import Everything, everything_of
from tests.api.test_another_organisation import body_of, endpoints, filled

pytestmark = pytest.mark.django_db

WORD = "xylophone"
ADDRESS = "alice@acme.example"
ONLY_WITH = {
    "/data-sets/{data_set}/tickets": Scope.TICKETS_READ,
    "/guarantees/{guarantee}/holdout.csv": Scope.TICKETS_READ,
    "/models/{model}/feedback": Scope.TICKETS_READ,
    "/members": Scope.MEMBERS_READ,
    "/members/{member}": Scope.MEMBERS_READ,
    "/models/{model}/versions/{version}/bundle": Scope.MODELS_DOWNLOAD,
}


@pytest.fixture
def acme_has(acme: Any, alice: Program, tmp_path: Path, moment: Any, bundle: Path) -> Everything:
    """All of acme's, with a real model, a word of a customer's wherever evidence quotes tickets, and everything done by
    Alice."""
    found = everything_of(acme, tmp_path, moment, bundle)
    run = Run.objects.get(number=found.path["/runs/number"], organisation=acme)
    pair = {"actual": "a", "predicted": "b", "tickets": 1, "share_of_actual": 0.1}
    run.report_card["attributes"][0]["confused_pairs"] = [{**pair, "ticket_ids": ["4711"], "excerpts": [WORD]}]
    run.save(update_fields=["report_card"])
    tickets = DataSet.objects.get(id=found.path["data_set"])
    tickets.profile["findings"] += [
        {"code": "encoding_mended", "severity": "note", "attribute": None, "values": {"texts": 7, "example": WORD}}
    ]
    tickets.roles["why"] = {"body": {"code": "column_says_writer", "values": {"examples": [WORD]}}}
    DataSet.objects.filter(id=tickets.id).update(profile=tickets.profile, roles=tickets.roles)
    Advice.objects.update(evidence=[{"kind": "words", "words": [WORD], "is_drift": True}])
    feedback.give(
        version=run.version, corrections=[feedback.Correction(f"the {WORD} is flat", {"queue": ("network",)}, "12")],
        by=ADDRESS, key="said", now=moment,
    )  # fmt: skip
    for room in ("runs", "serving", "outbound", "orgs"):
        for model in apps.get_app_config(room).get_models():
            for field in model._meta.concrete_fields:
                if isinstance(field, CharField) and (field.name == "who" or field.name.endswith("_by")):
                    model._base_manager.filter(**{field.name: "alice"}).update(**{field.name: ADDRESS})
    return found


def answers(program: Program, acme_has: Everything) -> dict[str, tuple[int, str]]:
    """Of every GET that some key may ask: its status, and its answer as text."""
    found = {}
    for address, method, operation in endpoints():
        if method == "GET" and operation["x-scopes"] and not address.endswith("/events"):
            got = program.call("GET", filled(address, acme_has))
            content = b"".join(got.streaming_content) if got.streaming else got.content
            found[address] = (got.status_code, content.decode(errors="replace"))
    return found


def holding(found: dict[str, tuple[int, str]], what: str) -> set[str]:
    return {address for address, (_, content) in found.items() if what in content}


def test_read_opens_figures_alone(acme: Any, alice: Program, acme_has: Everything) -> None:
    of_all = answers(alice, acme_has)
    of_read = answers(Program(acme, [Scope.READ]), acme_has)
    assert len(holding(of_all, WORD)) >= 6, "the search finds it"
    assert len(holding(of_all, ADDRESS)) >= 5
    assert holding(of_read, WORD) == set()
    assert holding(of_read, ADDRESS) == set()
    figures = {address for address, (status, _) in of_all.items() if status == 200}
    needs_more = {address for address in figures if of_read[address][0] == 403}
    of_others = {address for address, method, said in endpoints() if method == "GET" and said["x-scopes"] != ["read"]}
    assert needs_more == figures & of_others and needs_more >= {*ONLY_WITH} - {"/guarantees/{guarantee}/holdout.csv"}


@pytest.mark.parametrize("scope", [Scope.TICKETS_READ, Scope.MEMBERS_READ, Scope.MODELS_DOWNLOAD])
def test_each_scope_opens_its_own(acme: Any, acme_has: Everything, scope: Scope) -> None:
    found = answers(Program(acme, [Scope.READ, scope]), acme_has)
    assert bool(holding(found, WORD)) is (scope is Scope.TICKETS_READ)
    assert bool(holding(found, ADDRESS)) is (scope is Scope.MEMBERS_READ)
    opened = {address for address, needed in ONLY_WITH.items() if found[address][0] != 403}
    assert opened == {address for address, needed in ONLY_WITH.items() if needed is scope}


def test_answers_and_refusals_of_what_changes_something_name_nobody_either(
    alice: Program, acme: Any, acme_has: Everything
) -> None:
    """An answer was told as it was made, also again to another key; and a refusal said who was first."""
    endpoint = f"/webhooks/endpoints/{acme_has.path['endpoint']}/rotate"
    once = {"Idempotency-Key": "one"}
    assert alice.post(endpoint, **once)[1]["created_by"] == ADDRESS
    hooks = Program(acme, [Scope.WEBHOOKS_MANAGE])
    for headers in (once, {}):
        assert hooks.post(endpoint, **headers)[1]["created_by"] == "a member"
    row = ReviewItem.objects.get(id=acme_has.path["question"])
    ReviewItem.objects.filter(id=row.id).update(claimed_by=ADDRESS, claimed_until=utc_now() + timedelta(minutes=5))
    answer = f"/data-sets/{acme_has.path['data_set']}/review/{row.id}/answer"
    status, refused = Program(acme, [Scope.TICKETS_WRITE]).post(answer, {"verdict": "keep", "labels": []})
    assert status == 409 and refused["error"]["who"] == "a member" and ADDRESS not in str(refused)
    assert ADDRESS in str(alice.post(answer, {"verdict": "keep", "labels": []}))


def test_who_is_told_under_names_that_are_known() -> None:
    def all_of(kind: type[Schema]) -> Iterator[type[Schema]]:
        for one in kind.__subclasses__():
            yield one
            yield from all_of(one)

    fields = [(name, repr(field)) for one in all_of(Schema) for name, field in one.model_fields.items()]
    assert {name for name, shown in fields if "_as_the_caller_may" in shown} <= WHO


@pytest.mark.torture
def test_each_scope_alone_tells_no_more_whatever_is_asked_with_it(acme: Any, acme_has: Everything) -> None:
    asked = 0
    for address, method, operation in endpoints():
        for scope in operation["x-scopes"]:
            with transaction.atomic():
                program, body = Program(acme, [scope]), body_of(operation, acme_has)
                answer = program.call(method, filled(address, acme_has), body, **{"Idempotency-Key": "key"})
                content = b"".join(answer.streaming_content) if answer.streaming else answer.content
                transaction.set_rollback(True)
            of_people = scope in (Scope.MEMBERS_READ, Scope.ACCESS_READ, Scope.DATA_EXPORT)
            assert of_people or ADDRESS.encode() not in content, (method, address, scope)
            assert scope in (Scope.TICKETS_READ, Scope.DATA_EXPORT) or WORD.encode() not in content, (address, scope)
            asked += 1
    assert asked > 100


def test_who_did_it_is_a_member_and_keys_keep_their_names(acme: Any, acme_has: Everything) -> None:
    reader = Program(acme, [Scope.READ])
    number = acme_has.path["/runs/number"]
    assert reader.get(f"/runs/{number}")[1]["ordered_by"] == "a member"
    Run.objects.filter(number=number).update(ordered_by="nightly (API key k3m9pq2x)")
    assert reader.get(f"/runs/{number}")[1]["ordered_by"] == "nightly (API key k3m9pq2x)"


def test_findings_keep_their_figures(acme: Any, acme_has: Everything) -> None:
    status, shown = Program(acme, [Scope.READ]).get(f"/data-sets/{acme_has.path['data_set']}")
    [mended] = [one for one in shown["profile"]["findings"] if one["code"] == "encoding_mended"]
    assert status == 200 and mended["numbers"] == {"texts": 7, "example": "…"} and "7" in mended["message"]


def test_keys_of_before_go_on_reading_what_they_read(alice: Program, acme: Any) -> None:
    from importlib import import_module

    ApiKey.objects.update(scopes=["read", "runs:order"])
    writer = Program(acme, [Scope.TICKETS_WRITE]).key
    migration = import_module("otai.orgs.migrations.0009_keys_that_read_keep_what_they_read")
    migration.keep(apps, None)
    assert ApiKey.objects.get(id=alice.key.id).scopes == [
        "read", "tickets:read", "members:read", "models:download", "runs:order",
    ]  # fmt: skip
    assert ApiKey.objects.get(id=writer.id).scopes == ["tickets:write"]
    migration.give_back(apps, None)
    assert ApiKey.objects.get(id=alice.key.id).scopes == ["read", "runs:order"]
