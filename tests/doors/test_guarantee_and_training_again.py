"""The journeys after the first model, over TLS: the included run and its verdict, and training again when the product
says so."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from otai.client import Studio
from tests import stories
from tests.doors.production import Customer, Production

LEGAL = "subject,body,queue,priority\n" + "".join(
    f"Contract {n} to be signed,Hello, please look at clause {n} of the contract with our supplier.,legal,low\n"
    for n in range(40)
)


@pytest.mark.postgres
def test_the_included_run_meets_what_was_agreed_and_a_new_queue_is_a_reason_to_train_again(
    trusted: Production, tmp_path: Path
) -> None:
    acme: Customer = trusted.customer("acme-guarantee")
    with (
        Studio(trusted.url, acme.key) as program,
        trusted.http(headers={**acme.authorization, "Prefer": "wait=60"}) as caller,
    ):
        tickets = program.import_tickets(stories.write_tickets(tmp_path / "first.csv", tickets=400), name="support")
        before = program.balance()
        asked = {"data_set": str(tickets.id), "criteria": ["queue accuracy 60%"]}
        answered = caller.post("/api/v1/guarantee/criteria", json=asked)
        assert answered.status_code == 200, answered.text
        agreed = answered.json()
        assert (agreed["status"], agreed["agreed_by"]) == ("agreed", "price book")
        quote = program.quote(tickets.id, attributes=["queue"], model="support")
        ordered = caller.post("/api/v1/guarantee/runs", json={"quote": str(quote.id), "kind": "included"})
        assert ordered.status_code == 201
        assert program.wait_for_run(ordered.json()["number"], timeout=200).status == "completed"
        [guarantee] = caller.get("/api/v1/guarantees").json()["items"]
        assert (guarantee["status"], guarantee["verdict"][0]["met"]) == ("met", True)
        assert program.balance().available == before.available, "it cost nothing"
        held = caller.get(f"/api/v1/guarantees/{guarantee['id']}/holdout.csv").text
        assert len(held.splitlines()) > guarantee["holdout_tickets"] > 10

        # A queue that the model never saw comes with the next export: the product says so, and why.
        new_queue = tmp_path / "next.csv"
        new_queue.write_text(LEGAL)
        following = program.import_tickets(new_queue, name="support", add=True)
        assert (following.version, following.tickets) == (2, 440)
        found = caller.post("/api/v1/models/support/look").json()["items"]
        [given] = [one for one in found if one["kind"] == "labels_changed"]
        assert "legal" in given["title"]
        followed = caller.post(f"/api/v1/advice/{given['id']}/follow", json={}).json()["run"]
        assert program.wait_for_run(followed["number"], timeout=200).status == "completed"
        # It is compared with the first one before it answers.
        until = time.monotonic() + 60
        while program.model("support").version == 1 and time.monotonic() < until:
            time.sleep(0.5)
        assert caller.get("/api/v1/models/support/versions/2/comparison").json()["goes_live"]
        [answer] = program.predict("support", ["Contract to be signed with our supplier"])
        assert answer["queue"].labels == ("legal",)
        assert program.balance().available == before.available - given["credits"]
