"""Feedback is collected once, refused with row and column, never trained on silently, and merged in one step; labels
are fixed in place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import Model

from otai.errors import NotFound
from otai.learning.evidence.drift import FEWEST_TICKETS
from otai.orgs import quotas
from otai.orgs.models import Organisation
from otai.orgs.quotas import Quota, QuotaReached
from otai.runs.models import Run
from otai.serving import feedback, queries, versions
from otai.serving import quotas as serving_quotas
from otai.serving.feedback import Correction, FeedbackInvalid
from otai.serving.models import DataSetChange, Feedback, ModelEvent, ModelVersion, ObservedTicket, TrainedModel
from otai.serving.operations import register_completed_runs
from otai.tickets import queries as tickets
from otai.tickets.files import file_store
from otai.tickets.models import DataSet
from otai.tickets.versions import ChangeInvalid
from tests import stories
from tests.serving.training_here import trained

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def acme(now: datetime) -> Organisation:
    return stories.acme(now)


def label_of(data_set: DataSet, text: str, attribute: str = "queue") -> list[object]:
    return [row[f"attribute:{attribute}"] for row in tickets.tickets(data_set) if text in row["subject"]]


def test_feedback_counts_once_and_says_whether_the_model_was_right(version: ModelVersion, now: datetime) -> None:
    batch = [
        Correction("my vpn drops every minute", {"queue": ("network",)}, ticket="T-1"),
        Correction("invoice wrong amount again", {"queue": ("accounts",)}, ticket="T-2"),
    ]
    given = feedback.give(version=version, corrections=batch, by="bob", key="monday", now=now)
    assert (given.statements, given.right, given.replayed) == (2, 1, False)
    again = feedback.give(version=version, corrections=batch, by="bob", key="monday", now=now)
    assert (again.statements, again.right, again.replayed) == (2, 1, True)
    [right, wrong] = Feedback.objects.order_by("row")
    assert (right.predicted, right.corrected, right.is_right) == (["network"], ["network"], True)
    assert (wrong.predicted, wrong.corrected, wrong.is_right, wrong.given_by) == (
        ["billing"],
        ["accounts"],
        False,
        "bob",
    )
    assert Run.objects.count() == 1, "nothing was trained"


def test_what_is_said_of_tickets_counts_as_storage(version: ModelVersion, acme: Organisation, now: datetime) -> None:
    long = "ü printer " * 1_000

    def gives(key: str) -> int:
        said = Correction(long, {"queue": ("network",)})
        return feedback.give(version=version, corrections=[said], by="bob", key=key, now=now).statements

    before = quotas.used(acme.id, Quota.STORAGE)
    assert gives("one") == 1
    [text] = set(Feedback.objects.values_list("text", flat=True))
    taken = quotas.used(acme.id, Quota.STORAGE)
    assert taken == before + len(text.encode()) > before + len(text)
    quotas.lift(organisation=acme, quota=Quota.STORAGE, most=taken + 9, who="olga", why="a story", now=now)
    with pytest.raises(QuotaReached, match="Your data sets, models and feedback take"):
        gives("two")
    assert gives("one") == 1, "what came already is no more than before"
    versions.keep_tickets(organisation=acme, name=version.model.name, days=9, who="bob", now=now)
    assert feedback.keep(ModelVersion.objects.get(), [long], now=now) == 1
    serving_quotas._had_room.clear()
    assert feedback.keep(ModelVersion.objects.get(), [long], now=now) == 0, "and predictions go on"


@pytest.mark.parametrize(
    ("correction", "row", "column"),
    [
        (Correction(" ", {"queue": ("network",)}), 2, "text"),
        (Correction("x", {"colour": ("red",)}), 2, "colour"),
        (Correction("x", {"queue": ("a", "b")}), 2, "queue"),
        (Correction("x", {"queue": ("a\nb",)}), 2, "queue"),
        (Correction("x", {"queue": ("a" * 201,)}), 2, "queue"),
        (Correction("x" * 100_001, {"queue": ("network",)}), 2, "text"),
    ],
)
def test_wrong_feedback_names_its_row_and_column_and_nothing_is_taken(
    correction: Correction, row: int, column: str, version: ModelVersion, now: datetime
) -> None:
    good = Correction("my vpn drops", {"queue": ("network",)})
    with pytest.raises(FeedbackInvalid) as refused:
        feedback.give(version=version, corrections=[good, correction], by="bob", key="k", now=now)
    assert (refused.value.details.get("row"), refused.value.details.get("column")) == (row, column)
    assert not Feedback.objects.exists()


def test_a_file_of_feedback(tmp_path: Path) -> None:
    path = tmp_path / "feedback.csv"
    path.write_text(
        "ticket;subject;body;queue\nT1;vpn drops;every minute;network\nT2;no label here;;\nT3;bill;wrong;accounts\n"
    )
    found, key = feedback.read_file(path, attributes={"queue": "single"})
    assert [(one.ticket, one.text, one.labels) for one in found] == [
        ("T1", "vpn drops\nevery minute", {"queue": ("network",)}),
        ("T3", "bill\nwrong", {"queue": ("accounts",)}),
    ]
    assert feedback.read_file(path, attributes={"queue": "single"})[1] == key
    path.write_text("text,tags\nx,a| b |\n")
    assert feedback.read_file(path, attributes={"tags": "multi"})[0][0].labels == {"tags": ("a", "b")}


@pytest.mark.parametrize(
    ("content", "row", "column"),
    [
        ("ticket,queue\n1,network\n", 1, "text"),
        ("text,colour\nx,red\n", 1, "colour"),
        ("text,queue\nfine,network\n,network\n", 3, "text"),
        ("text\nx\n", 1, ""),
    ],
)
def test_a_file_that_cannot_be_read_names_row_and_column(content: str, row: int, column: str, tmp_path: Path) -> None:
    path = tmp_path / "feedback.csv"
    path.write_text(content)
    with pytest.raises(FeedbackInvalid) as refused:
        feedback.read_file(path, attributes={"queue": "single"})
    assert (refused.value.details["row"], refused.value.details["column"]) == (row, column)


ROWS = [("vpn drops; again; and again; since monday", "network"), ("the bill, dated 3 May, says 12,50", "accounts")]
WRITTEN = {
    "semicolons in texts, commas between": ("text,queue\n", '"{}",{}\n', "utf-8"),
    "commas in texts, semicolons between": ("text;queue\n", '"{}";{}\n', "utf-8"),
    "bars": ("text|queue\n", "{}|{}\n", "utf-8"),
    "carets": ("text^queue\n", "{}^{}\n", "utf-8"),
    "tabs, of Excel": ("text\tqueue\r\n", "{}\t{}\r\n", "utf-16"),
    "Excel's hint": ("sep=;\ntext;queue\n", '"{}";{}\n', "utf-8-sig"),
    "an empty last column": ("text;queue;\n", '"{}";{};\n', "cp1252"),
    "a list of objects": ("[", '{{"text": "{}", "queue": "{}"}},', "utf-8"),
}


@pytest.mark.parametrize("form", WRITTEN)
def test_a_file_is_read_as_an_import_reads_it(form: str, tmp_path: Path) -> None:
    header, row, encoding = WRITTEN[form]
    rows = [*ROWS, ("Rückfrage wegen Größe", "network")]
    written = header + "".join(row.format(*one) for one in rows)
    path = tmp_path / "feedback"
    path.write_bytes((written[:-1] + "]" if header == "[" else written).encode(encoding))
    found, _ = feedback.read_file(path, attributes={"queue": "single"})
    assert [(one.text, *one.labels["queue"]) for one in found] == rows


def test_a_file_without_labels_or_with_a_row_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "feedback.csv"
    path.write_text("text,queue\nx,\n")
    with pytest.raises(FeedbackInvalid, match="No row"):
        feedback.read_file(path, attributes={"queue": "single"})
    path.write_text("text,queue\nfine,network\nx,network,more\nfine as well,network\n")
    with pytest.raises(FeedbackInvalid, match=r"row 3, .*3 fields") as refused:
        feedback.read_file(path, attributes={"queue": "single"})
    assert refused.value.details["row"] == 3


def test_one_step_makes_a_data_set_of_it_and_the_old_version_stays(
    acme: Organisation, support: DataSet, version: ModelVersion, now: datetime
) -> None:
    first = next(tickets.tickets(support))
    text = f"{first['subject']}\n{first['body']}"
    batch = [
        Correction(text, {"queue": ("facilities",)}),
        Correction("the coffee machine leaks", {"queue": ("facilities",)}, ticket="T-9"),
    ]
    feedback.give(version=version, corrections=batch, by="bob", key="monday", now=now)
    offered = feedback.offer(acme, "support")
    assert (offered.statements, offered.tickets, offered.wrong, offered.into) == (2, 2, 2, support)

    made = feedback.merge(organisation=acme, name="support", by="alice", now=now)
    assert (str(made.data_set), made.data_set.tickets, made.added, len(made.changes)) == ("support v2", 151, 1, 1)
    assert label_of(made.data_set, "coffee machine") == ["facilities"]
    assert label_of(made.data_set, first["subject"]) == ["facilities"]
    assert label_of(support, first["subject"]) == [first["attribute:queue"]], "the version before stays as it was"
    assert made.data_set.attributes.get(name="queue").labels.get(name="facilities").count == 2
    assert made.data_set.made_as == {"code": "made_as.feedback_merged", "values": {"model": "support"}}
    assert feedback.offer(acme, "support").statements == 0
    with pytest.raises(feedback.NothingToMerge):
        feedback.merge(organisation=acme, name="support", by="alice", now=now)

    second = trained(acme, made.data_set, now + timedelta(days=1))
    [change] = versions.label_changes_of(second)
    assert (change["kind"], change["by"], change["changed"], change["added"]) == ("feedback", "alice", 1, 1)
    assert change["changes"][0]["now"] == ["facilities"]


def test_labels_are_fixed_in_place_and_renamed(acme: Organisation, support: DataSet, now: datetime) -> None:
    first = next(tickets.tickets(support))
    made = feedback.correct_labels(
        data_set=support, labels=[(first["ticket"], "queue", ("facilities",))], by="alice", now=now
    )
    assert [(one.was, one.now) for one in made.changes] == [([first["attribute:queue"]], ["facilities"])]
    renamed = feedback.map_labels(
        data_set=made.data_set, mapping={"queue": {"facilities": "site services"}}, by="alice", now=now
    )
    assert label_of(renamed.data_set, first["subject"]) == ["site services"]
    assert renamed.data_set.version == 3
    with pytest.raises(ChangeInvalid, match="no label"):
        feedback.map_labels(data_set=renamed.data_set, mapping={"queue": {"facilities": "x"}}, by="alice", now=now)
    with pytest.raises(ChangeInvalid, match="no ticket"):
        feedback.correct_labels(data_set=support, labels=[("T-none", "queue", ("x",))], by="alice", now=now)
    with pytest.raises(ChangeInvalid, match="one label a ticket"):
        feedback.correct_labels(data_set=support, labels=[(first["ticket"], "queue", ("a", "b"))], by="alice", now=now)


def test_carol_sees_and_gives_nothing(acme: Organisation, version: ModelVersion, now: datetime) -> None:
    globex = stories.globex(now)
    feedback.give(version=version, corrections=[Correction("vpn", {"queue": ("network",)})], by="bob", key="k", now=now)
    assert not feedback.listed(globex, "support").exists()
    for ask in (feedback.offer, queries.version):
        with pytest.raises(NotFound):
            ask(globex, "support")


def test_tickets_are_kept_only_where_the_customer_wished_and_only_for_so_long(
    acme: Organisation, version: ModelVersion, now: datetime
) -> None:
    assert feedback.keep(version, ["vpn drops"], now=now) == 0
    versions.keep_tickets(organisation=acme, name="support", days=30, who="alice", now=now)
    version.model.refresh_from_db()
    assert feedback.keep(version, ["vpn drops", "  "], now=now) == 1
    assert feedback.forget_expired(now=now + timedelta(days=29)) == 0
    assert feedback.forget_expired(now=now + timedelta(days=30)) == 1
    feedback.keep(version, ["vpn drops"], now=now)
    versions.keep_tickets(organisation=acme, name="support", days=0, who="alice", now=now)
    assert not ObservedTicket.objects.exists(), "no more means none"
    assert FEWEST_TICKETS == 100


def test_a_new_version_goes_live_if_it_is_not_worse_and_one_step_takes_it_back(
    acme: Organisation, support: DataSet, version: ModelVersion, tmp_path: Path, now: datetime
) -> None:
    assert queries.version(acme, "support").number == 1
    second = trained(acme, support, now + timedelta(days=1))
    assert queries.version(acme, "support").number == 2
    assert second.comparison["goes_live"] is True
    assert second.comparison["attributes"][0]["verdict"] == "same"

    # As release 0.1 stored it.
    ModelEvent.objects.filter(version=second).update(move="-> live")
    back = versions.roll_back(organisation=acme, name="support", who="bob", now=now + timedelta(days=2))
    assert (back.number, queries.version(acme, "support").number) == (1, 1)
    with pytest.raises(versions.NothingToRollBack):
        versions.roll_back(organisation=acme, name="support", who="bob", now=now + timedelta(days=2))
    versions.go_live(organisation=acme, name="support", number=2, who="bob", now=now + timedelta(days=3))
    assert queries.version(acme, "support").number == 2
    with pytest.raises(versions.AlreadyLive):
        versions.go_live(organisation=acme, name="support", number=2, who="bob", now=now)
    moves = [(event.what, event.version.number, event.who) for event in versions.events(version.model)]
    assert moves == [
        ("live", 1, "comparison"),
        ("live", 2, "comparison"),
        ("back", 1, "bob"),
        ("live", 2, "bob"),
    ]


def test_a_worse_version_waits_until_someone_decides(acme: Organisation, tmp_path: Path, now: datetime) -> None:
    source = stories.write_tickets(tmp_path / "support.csv", tickets=300)
    good = stories.import_tickets(organisation=acme, name="support", source=source, now=now)
    trained(acme, good, now)
    # Someone mixed the queues up in every ticket that is not measured on: the next model learns nonsense.
    queues = list(stories.QUEUES)
    from otai.learning.data.attributes import AttributeSpec
    from otai.learning.data.tickets import LabelledTickets
    from otai.learning.evidence.measuring import choose_holdout
    from otai.runs.guarantee.files import tickets_of

    measured = set(
        choose_holdout(LabelledTickets.read_parquet(tickets_of(good)), [AttributeSpec("queue")], share=0.2).tolist()
    )
    mixed = [
        (row["ticket"], "queue", (queues[(queues.index(row["attribute:queue"]) + at % 3) % 3],))
        for at, row in enumerate(tickets.tickets(good))
        if at not in measured and at % 3
    ]
    bad = feedback.correct_labels(data_set=good, labels=mixed, by="mallory", now=now)
    second = trained(acme, bad.data_set, now + timedelta(days=1))
    assert second.comparison["goes_live"] is False
    assert "Worse beyond chance" in versions.comparison_told(second)["why"]
    assert queries.version(acme, "support").number == 1


def test_predictions_use_the_names_that_people_have_given_since(
    acme: Organisation, version: ModelVersion, now: datetime
) -> None:
    ModelVersion.objects.filter(id=version.id).update(renamed={"queue": {"network": "infrastructure"}})
    found = queries.version(acme, "support")
    [said] = queries.predict(found, ["my vpn drops every minute"])
    assert (said["queue"].label, said["queue"].scores[0].label) == ("infrastructure", "infrastructure")


def test_a_version_whose_comparison_was_cut_short_is_compared_later(
    acme: Organisation, support: DataSet, version: ModelVersion, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(**_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("otai.serving.operations.compare_what_waits", crash)
        with pytest.raises(KeyboardInterrupt):
            trained(acme, support, now + timedelta(days=1))
    assert queries.version(acme, "support").number == 1
    register_completed_runs(now=now + timedelta(days=1))
    assert queries.version(acme, "support").number == 2


def test_a_version_that_cannot_be_compared_waits_and_says_why(
    acme: Organisation, version: ModelVersion, tmp_path: Path, now: datetime
) -> None:
    queries._bundle.cache_clear()
    file_store().delete(version.bundle_file)
    source = stories.write_tickets(tmp_path / "other.csv", seed=2)
    other = stories.import_tickets(organisation=acme, name="other", source=source, now=now)
    second = trained(acme, other, now + timedelta(days=1), model="support")
    second.refresh_from_db()
    assert (second.comparison["goes_live"], second.comparison["tickets"]) == (False, 0)
    assert "could not be compared" in versions.comparison_told(second)["why"]
    assert queries.version(acme, "support").number == 1


@pytest.mark.parametrize(
    ("table", "rule", "changes"),
    [
        (Feedback, "serving_feedback_says_who_and_what", {"given_by": ""}),
        (Feedback, "serving_feedback_says_who_and_what", {"text": ""}),
        (Feedback, "serving_feedback_confidence_is_a_share", {"confidence": 1.5}),
        (Feedback, "serving_feedback_is_withdrawn_until_merged", {"withdrawn_by": "bob"}),
        (DataSetChange, "serving_data_set_change_says_who_and_why", {"why": ""}),
        (DataSetChange, "serving_data_set_change_kind_is_known", {"kind": "magic"}),
        (ModelEvent, "serving_model_event_says_who_and_what", {"who": ""}),
        (TrainedModel, "serving_model_keeps_tickets_for_90_days_at_most", {"keeps_tickets_days": 91}),
        (
            ObservedTicket,
            "serving_observed_ticket_is_kept_for_a_while",
            {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)},
        ),
    ],
)
def test_the_database_refuses(
    table: type[Model], rule: str, changes: dict, acme: Organisation, version: ModelVersion, now: datetime
) -> None:
    versions.keep_tickets(organisation=acme, name="support", days=30, who="alice", now=now)
    feedback.keep(queries.version(acme, "support"), ["vpn drops"], now=now)
    feedback.give(
        version=version, corrections=[Correction("a new one", {"queue": ("network",)})], by="bob", key="k", now=now
    )
    feedback.merge(organisation=acme, name="support", by="alice", now=now)
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        table.objects.update(**changes)


def test_versions_of_a_release_before_say_how_they_were_made(
    acme: Organisation, support: DataSet, now: datetime
) -> None:
    """A file may be called as our sentences were; only versions of a version were called so by us."""
    first = next(tickets.tickets(support))
    made = feedback.correct_labels(
        data_set=support, labels=[(first["ticket"], "queue", ("facilities",))], by="alice", now=now
    ).data_set
    DataSet.objects.all().update(source_filename="labels corrected", made_as=None)
    DataSet.objects.filter(id=made.id).update(source_format="made from version 1")
    migration = import_module("otai.tickets.migrations.0010_versions_say_how_they_were_made")
    migration.said_as_facts(apps, SimpleNamespace(connection=connection))
    kept = (
        dict(DataSet.objects.values_list("id", "source_filename")),
        dict(DataSet.objects.values_list("id", "made_as")),
    )
    assert kept[0] == {support.id: "labels corrected", made.id: ""}
    assert kept[1] == {support.id: None, made.id: {"code": "made_as.labels_corrected", "values": {}}}
