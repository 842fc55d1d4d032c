"""Deleting tickets and models, part by part: what is refused, what is left to others, and what happens when something
breaks in between."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from otai.db import new_id
from otai.errors import NotFound, OtaiError
from otai.learning.evidence.acceptance import Criterion
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.runs import operations as runs
from otai.runs.guarantee import operations as guarantees
from otai.runs.guarantee import queries as guarantee_queries
from otai.runs.models import Guarantee, Quote, Run
from otai.runs.operations import cancel_run, order_run
from otai.serving import deletion, feedback, versions
from otai.serving.deletion import DataSetInUse, delete_tickets, versions_of, what_goes_with_tickets
from otai.serving.feedback import RENAMED
from otai.serving.models import Advice, DataSetChange, Feedback
from otai.tickets import erasing, files, queries
from otai.tickets.erasing import finish_deletions
from otai.tickets.files import FileStore, FileStoreUnavailable, file_store, vectors_folder
from otai.tickets.models import Attribute, DataSet, ExpectedQuality, FileToDelete, Label, TicketsDeleted
from otai.tickets.versions import next_version
from tests import stories
from tests.serving.training_here import trained, work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def store(tmp_path: Path, settings: Any) -> None:
    settings.OTAI_FILES = (tmp_path / "store").as_uri()


@pytest.fixture
def acme(now: datetime) -> Organisation:
    return stories.acme(now, tier=Tier.PRO)


def delete(*data_sets: DataSet, now: datetime, **more: Any) -> deletion.TicketsGoing:
    organisation = data_sets[0].organisation
    return delete_tickets(organisation=organisation, data_sets=data_sets, who="alice", now=now, **more)


class TestWhatIsRefused:
    def test_while_a_run_needs_them_and_not_after_it_was_cancelled(
        self, acme: Organisation, tmp_path: Path, now: datetime
    ) -> None:
        support = stories.tickets_of(acme, tmp_path, now)
        run = stories.ordered(acme, support, now)
        assert what_goes_with_tickets(organisation=acme, data_sets=[support]).open_runs == (run.number,)
        with pytest.raises(DataSetInUse, match="training 1 needs its tickets") as refusal:
            delete(support, now=now)
        assert refusal.value.details["runs"] == [1]
        assert len(list(queries.tickets(support))) == 150

        cancel_run(organisation=acme, number=1, who="alice", now=now)
        delete(support, now=now)
        run.refresh_from_db()
        assert (run.status, run.credits) == ("cancelled", 1)

    def test_a_quote_of_deleted_tickets_is_refused_by_code(
        self, acme: Organisation, tmp_path: Path, now: datetime
    ) -> None:
        support = stories.tickets_of(acme, tmp_path, now)
        quote = stories.quote_for(acme, support, now)
        delete(support, now=now)
        # An offer that nobody took is no history.
        with pytest.raises(NotFound):
            order_run(organisation=acme, quote=quote.id, who="alice", now=now)
        support.refresh_from_db()
        with pytest.raises(TicketsDeleted, match="were deleted on 2 Nov 2026"):
            stories.quote_for(acme, support, now)
        with pytest.raises(TicketsDeleted):
            next_version(support, mapping={"queue": {"network": "net"}}, made_as=RENAMED, now=now)
        with pytest.raises(TicketsDeleted):
            guarantees.propose(
                organisation=acme,
                data_set=support,
                criteria=[Criterion.parse("queue accuracy 60%")],
                who="alice",
                now=now,
            )

    def test_twice_is_once(self, acme: Organisation, tmp_path: Path, now: datetime) -> None:
        support = stories.tickets_of(acme, tmp_path, now)
        delete(support, now=now)
        again = delete(support, now=now + timedelta(days=1))
        assert again.data_sets == ()
        assert DataSet.objects.get().deleted_at == now

    def test_carol_of_globex_loses_nothing(self, acme: Organisation, tmp_path: Path, now: datetime) -> None:
        ours = stories.tickets_of(acme, tmp_path, now)
        theirs = stories.tickets_of(stories.globex(now), tmp_path, now)
        delete_tickets(organisation=acme, data_sets=[ours, theirs], who="alice", now=now)
        assert len(list(queries.tickets(theirs))) == 150
        assert DataSet.objects.get(id=theirs.id).deleted_at is None


class TestWhatGoesAndWhatStays:
    def test_the_row_keeps_figures_and_no_names_of_labels(
        self, acme: Organisation, tmp_path: Path, now: datetime
    ) -> None:
        support = stories.tickets_of(acme, tmp_path, now)
        before = queries.profile(support)
        delete(support, now=now)
        left = DataSet.objects.get()
        profile = queries.profile(left)
        assert (left.tickets, left.sha256, left.file, left.source_filename) == (150, support.sha256, "", "")
        assert profile.languages == before.languages and profile.text_length == before.text_length
        assert [label.count for label in profile.attribute("queue").labels] == [
            label.count for label in before.attribute("queue").labels
        ]
        assert {label.name for label in profile.attribute("queue").labels} == {"label 1", "label 2", "label 3"}
        assert "network" not in str(left.profile) + str(left.roles)
        assert not Attribute.objects.exists() and not Label.objects.exists() and not ExpectedQuality.objects.exists()
        assert queries.data_sets(acme).count() == 0 and queries.data_sets(acme, with_deleted=True).count() == 1
        with pytest.raises(NotFound):
            queries.data_set(acme, "support")

    def test_a_version_number_means_one_thing_for_ever(self, acme: Organisation, tmp_path: Path, now: datetime) -> None:
        stories.tickets_of(acme, tmp_path, now)
        second = stories.tickets_of(acme, tmp_path, now)
        delete(second, now=now)
        assert queries.data_set(acme, "support").version == 1
        assert stories.tickets_of(acme, tmp_path, now).version == 3
        assert [one.version for one in versions_of(second)] == [1, 3]

    def test_feedback_on_a_ticket_that_another_version_keeps_stays(
        self, acme: Organisation, tmp_path: Path, now: datetime
    ) -> None:
        first = stories.tickets_of(acme, tmp_path, now)
        version = trained(acme, first, now)
        ticket = next(iter(queries.tickets(first)))
        text = f"{ticket['subject']}\n{ticket['body']}"
        wrong = next(queue for queue in stories.QUEUES if queue != ticket["attribute:queue"])
        feedback.give(
            version=version, corrections=[feedback.Correction(text, {"queue": (wrong,)})], by="bob", key="k", now=now
        )
        made = feedback.merge(organisation=acme, name="support", by="alice", now=now)
        assert delete(first, now=now).said_about_them == 0
        assert Feedback.objects.count() == 1 and DataSetChange.objects.get().changes == []
        assert delete(made.data_set, now=now).said_about_them == 1
        assert not Feedback.objects.exists()
        assert DataSetChange.objects.get().changed == 1

    def test_a_report_card_of_any_format_loses_its_words(
        self, acme: Organisation, tmp_path: Path, now: datetime
    ) -> None:
        support = stories.tickets_of(acme, tmp_path, now)
        run = trained(acme, support, now).run
        strange = {
            "format": 0,
            "attributes": [{"name": "queue", "worst": [{"excerpt": "secret", "ticket_id": "T1", "share": 0.5}]}],
        }
        Run.objects.filter(id=run.id).update(report_card=strange)
        delete(support, now=now)
        run.refresh_from_db()
        assert run.report_card == {
            "format": 0,
            "attributes": [{"name": "queue", "worst": [{"excerpt": "", "ticket_id": "", "share": 0.5}]}],
        }
        # A model whose card this release cannot read can be deleted all the same.
        deletion.delete_model(organisation=acme, id=run.version.model_id, who="alice", now=now)

    def test_with_its_models_on_request(self, acme: Organisation, tmp_path: Path, now: datetime) -> None:
        support = stories.tickets_of(acme, tmp_path, now)
        version = trained(acme, support, now)
        gone = delete(support, now=now, with_models=True)
        assert (gone.models, gone.staying_models) == (("support",), ("support",))
        assert file_store().paths() == []
        card = Run.objects.get(id=version.run_id).report_card or {}
        assert card["attributes"][0]["labels"] == ["label 1", "label 2", "label 3"]
        assert card["attributes"][0]["accuracy"] == (version.run.report_card or {})["attributes"][0]["accuracy"]
        assert Advice.objects.count() == 0

    def test_a_guarantee_is_given_up_with_its_tickets_and_says_so(
        self, acme: Organisation, tmp_path: Path, now: datetime
    ) -> None:
        source = stories.write_tickets(tmp_path / "many.csv", tickets=400)
        from otai.tickets.operations import import_tickets

        support = import_tickets(organisation=acme, name="support", source=source, now=now)
        criteria = [Criterion.parse("queue accuracy 60%")]
        guarantees.propose(organisation=acme, data_set=support, criteria=criteria, who="alice", now=now)
        going = what_goes_with_tickets(organisation=acme, data_sets=[support])
        assert going.guarantees_given_up == ("pro",) and going.guarantee_tickets >= 50
        delete(support, now=now)
        given_up = Guarantee.objects.get()
        assert (given_up.status, given_up.criteria, given_up.holdout_file) == ("open", [], "")
        assert file_store().paths() == []
        # She begins again with other tickets.
        again = import_tickets(organisation=acme, name="support", source=source, now=now)
        guarantees.propose(organisation=acme, data_set=again, criteria=criteria, who="alice", now=now)
        run = runs.order_included_run(
            organisation=acme, quote=stories.quote_for(acme, again, now).id, who="alice", now=now
        )
        work(now)
        Guarantee.objects.update(status="missed")
        delete(again, now=now)
        missed = guarantee_queries.guarantee(acme)
        assert (missed.holdout_file, guarantee_queries.corrections(missed)) == ("deleted", ())
        with pytest.raises(TicketsDeleted):
            list(guarantee_queries.holdout_csv(missed))
        other = import_tickets(organisation=acme, name="support", source=source, now=now)
        with pytest.raises(TicketsDeleted):
            runs.order_improvement_run(
                organisation=acme, quote=stories.quote_for(acme, other, now).id, who="alice", now=now
            )
        run.refresh_from_db()
        assert run.tickets_file == "deleted"
        assert file_store().paths() == sorted([run.bundle_file, other.file])

    def test_proposing_again_leaves_no_file_behind(self, acme: Organisation, tmp_path: Path, now: datetime) -> None:
        support = stories.tickets_of(acme, tmp_path, now)
        from otai.tickets.operations import import_tickets

        many = import_tickets(
            organisation=acme, name="many", source=stories.write_tickets(tmp_path / "m.csv", tickets=400), now=now
        )
        for share in (60, 65, 70):
            criteria = [Criterion.parse(f"queue accuracy {share}%")]
            guarantees.propose(organisation=acme, data_set=many, criteria=criteria, who="alice", now=now)
        assert len(file_store().paths()) == 3
        assert {support.file, many.file, Guarantee.objects.get().holdout_file} == set(file_store().paths())


class TestWhenSomethingBreaks:
    def test_a_file_that_the_store_keeps_is_deleted_later(
        self, acme: Organisation, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        support = stories.tickets_of(acme, tmp_path, now)

        def away(*_: Any) -> None:
            raise FileStoreUnavailable(written="the bucket does not answer")

        with monkeypatch.context() as broken:
            broken.setattr(FileStore, "delete", away)
            delete(support, now=now)
            finish_deletions(now=now)
        assert DataSet.objects.get().deleted_at == now
        assert file_store().paths() == [support.file] == [FileToDelete.objects.get().path]
        finish_deletions(now=now)
        assert file_store().paths() == [] and not FileToDelete.objects.exists()

    def test_a_file_whose_import_died_before_its_row_was_written_is_found_and_deleted(
        self, acme: Organisation, tmp_path: Path, now: datetime
    ) -> None:
        support = stories.tickets_of(acme, tmp_path, now)
        begun = datetime.now(tz=UTC)
        (tmp_path / "lost.parquet").write_bytes(b"tickets")
        lost = file_store().put(tmp_path / "lost.parquet", folder=f"tickets/{acme.pk}/{new_id()}", suffix=".parquet")
        assert deletion.sweep_orphans(now=begun) == 0, "its row may be written at this moment"
        assert deletion.sweep_orphans(now=begun + timedelta(days=2)) == 1
        assert file_store().paths() == [support.file] and support.file != lost.path

    def test_when_the_rows_cannot_be_changed_nothing_is_gone(
        self, acme: Organisation, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        support = stories.tickets_of(acme, tmp_path, now)

        def broken(**_: Any) -> None:
            raise RuntimeError("the database went away")

        monkeypatch.setattr("otai.serving.deletion.runs.forget_tickets", broken)
        with pytest.raises(RuntimeError):
            delete(support, now=now)
        assert len(list(queries.tickets(DataSet.objects.get()))) == 150
        assert not FileToDelete.objects.exists()

    def test_another_machine_forgets_its_vectors_when_it_hears_of_it(
        self, acme: Organisation, tmp_path: Path, now: datetime
    ) -> None:
        delete(stories.tickets_of(acme, tmp_path, now), now=now)
        folder = vectors_folder(acme.id)
        folder.mkdir(parents=True)
        finish_deletions(now=now + timedelta(minutes=1))
        assert folder.is_dir(), "a run that was cancelled may write them still"
        finish_deletions(now=now + timedelta(minutes=11))
        if connection.vendor != "sqlite":
            assert not folder.exists()
        # Vectors that are made later are others'.
        folder.mkdir(parents=True, exist_ok=True)
        (Path(files.settings.OTAI_HOME) / "forgotten").mkdir(exist_ok=True)
        (Path(files.settings.OTAI_HOME) / "forgotten" / str(acme.id)).write_text(
            (now + erasing.looked_at_again_after).isoformat()
        )
        finish_deletions(now=now + timedelta(days=1))
        assert folder.is_dir()

    def test_copies_of_a_remote_store_go_as_well(self, tmp_path: Path) -> None:
        store = FileStore("memory://erasing-copies", cache=tmp_path / "copies")
        source = tmp_path / "t.parquet"
        source.write_bytes(b"tickets")
        stored = store.put(source, folder="tickets/x", suffix=".parquet")
        copy = store.local_path(stored.path)
        assert copy.is_file()
        store.delete(stored.path)
        assert not copy.exists() and not store.exists(stored.path)


class TestConstraints:
    def test_a_data_set_has_a_file_until_its_tickets_are_deleted(
        self, acme: Organisation, tmp_path: Path, now: datetime
    ) -> None:
        support = stories.tickets_of(acme, tmp_path, now)
        rows = DataSet.objects.filter(id=support.id)
        for wrong in (
            {"file": ""},
            {"deleted_at": now, "deleted_by": "alice"},
            {"deleted_at": now, "file": "", "source_filename": ""},
            {"deleted_by": "alice"},
        ):
            with pytest.raises(IntegrityError, match="has_a_file_until"), transaction.atomic():
                rows.update(**wrong)

    def test_a_file_to_delete_is_named(self, now: datetime) -> None:
        with pytest.raises(IntegrityError, match="tickets_file_to_delete_is_named"), transaction.atomic():
            FileToDelete.objects.create(path="", since=now)


def test_of_an_order_and_a_deletion_at_once_one_wins(tmp_path: Path, now: datetime) -> None:
    """Whoever comes second is refused: there is never a run whose tickets are gone."""
    acme = stories.acme(now, tier=Tier.PRO)
    for attempt in range(6):
        support = stories.tickets_of(acme, tmp_path, now, name=f"support {attempt}")
        quote = stories.quote_for(acme, support, now, attributes=("queue",))
        outcomes: dict[str, object] = {}
        begin = threading.Barrier(2)

        def order(
            quote: Quote = quote, outcomes: dict[str, object] = outcomes, begin: threading.Barrier = begin
        ) -> None:
            begin.wait()
            try:
                outcomes["order"] = order_run(organisation=acme, quote=quote.id, who="alice", now=now)
            except OtaiError as refused:
                outcomes["order"] = refused.code
            finally:
                connection.close()

        def erase(
            support: DataSet = support, outcomes: dict[str, object] = outcomes, begin: threading.Barrier = begin
        ) -> None:
            begin.wait()
            try:
                outcomes["delete"] = delete(support, now=now)
            except OtaiError as refused:
                outcomes["delete"] = refused.code
            finally:
                connection.close()

        threads = [threading.Thread(target=order), threading.Thread(target=erase)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        support.refresh_from_db()
        if isinstance(outcomes["order"], Run):
            assert outcomes["delete"] == "data_set_in_use" and support.deleted_at is None
        else:
            assert outcomes["order"] in ("not_found", "tickets_deleted"), outcomes
            assert support.deleted_at is not None
        Run.objects.filter(status="queued").update(status="cancelled", ending="cancelled", ended_at=now)


def test_kept_tickets_that_nobody_imported_stay(acme: Organisation, tmp_path: Path, now: datetime) -> None:
    support = stories.tickets_of(acme, tmp_path, now)
    version = trained(acme, support, now)
    versions.keep_tickets(organisation=acme, name="support", days=7, who="alice", now=now)
    version.model.refresh_from_db()
    feedback.keep(version, ["something that nobody imported"], now=now)
    assert delete(support, now=now).asked_about == 0
    assert version.observed.count() == 1


class TestWhatSqliteKeepsOfDeletedRows:
    """Why `wipe_freed_pages` does what it does: each step is seen to be needed, in the bytes of the database's
    files."""

    WORD = "zwirnpfuhl"

    @pytest.fixture(autouse=True)
    def on_sqlite(self) -> None:
        if connection.vendor != "sqlite":
            pytest.skip("PostgreSQL wipes in its own time")

    def files_with_it(self) -> list[str]:
        name = str(connection.settings_dict["NAME"])
        paths = [Path(name), Path(name + "-wal")]
        return [path.name[-4:] for path in paths if path.exists() and self.WORD.encode() in path.read_bytes()]

    def written_and_deleted(self, *, wiping: bool) -> None:
        """Rows that lay in the main file for long; deleted by a release that wipes, or by one of before."""
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA secure_delete = {'ON' if wiping else 'OFF'}")
            cursor.execute("CREATE TABLE IF NOT EXISTS said (text TEXT)")
            cursor.executemany("INSERT INTO said VALUES (%s)", [(f"{self.WORD} {n} " * 9,) for n in range(200)])
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            assert self.files_with_it()
            cursor.execute("DELETE FROM said")

    @pytest.fixture(autouse=True)
    def afterwards(self, on_sqlite: None) -> Any:
        yield
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")
            cursor.execute("DROP TABLE IF EXISTS said")
        erasing.wipe_freed_pages()

    def test_deletions_of_before_are_wiped_by_vacuum_alone(self) -> None:
        self.written_and_deleted(wiping=False)
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert self.files_with_it(), "freed pages hold what they held"
        assert erasing.wipe_freed_pages()
        assert self.files_with_it() == []

    def test_what_is_overwritten_is_so_in_the_log_first(self) -> None:
        self.written_and_deleted(wiping=True)
        assert self.files_with_it(), "the main file is behind its log"
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert self.files_with_it() == [], "without a VACUUM: rows that a sweep deletes are wiped too"

    def test_others_who_read_put_it_off(self) -> None:
        import sqlite3

        self.written_and_deleted(wiping=True)
        reader = sqlite3.connect(str(connection.settings_dict["NAME"]))
        try:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM said").fetchone()
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA busy_timeout = 200")
            assert not erasing.wipe_freed_pages(), "housekeeping tries again"
        finally:
            reader.close()
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA busy_timeout = 30000")
        assert erasing.wipe_freed_pages()
        assert self.files_with_it() == []
