"""Alice of acme brings her helpdesk's export; Carol of globex must see nothing of it."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.db import IntegrityError, transaction

from otai.errors import NotFound
from otai.learning.data.tickets import LabelledTickets
from otai.orgs.models import Organisation
from otai.tickets import operations, queries
from otai.tickets.columns import ColumnRoles, ColumnsInvalid
from otai.tickets.erasing import delete_files, empty
from otai.tickets.files import FileStore
from otai.tickets.limits import Limits
from otai.tickets.models import Attribute, DataSet, Label
from otai.tickets.operations import DataSetNameInvalid, preview_columns
from otai.tickets.problems import DatasetInvalid
from otai.tickets.sample import write_csv

Bring = Callable[..., DataSet]

HEADER = "subject,body,queue,priority\n"
ROW = "Printer {n},The printer on floor {n} is on fire,{queue},{priority}\n"


def table(rows: int = 40) -> str:
    return HEADER + "".join(
        ROW.format(n=n, queue=("IT", "Billing")[n % 2], priority=("low", "medium", "high")[n % 3]) for n in range(rows)
    )


def read(data_set: DataSet) -> list[dict[str, Any]]:
    return list(queries.tickets(data_set))


class TestAnImport:
    def test_keeps_every_ticket_with_its_texts_and_labels(self, bring: Bring) -> None:
        data_set = bring(table())
        tickets = read(data_set)
        assert len(tickets) == data_set.tickets == 40
        assert tickets[3]["subject"] == "Printer 3"
        assert tickets[3]["body"] == "The printer on floor 3 is on fire"
        assert tickets[3]["attribute:queue"] == "Billing"
        assert tickets[3]["row"] == 5
        assert tickets[3]["ticket"] == "row 5"

    def test_writes_attributes_and_label_counts(self, bring: Bring) -> None:
        attributes = {attribute.name: attribute for attribute in queries.attributes(bring(table()))}
        assert list(attributes) == ["queue", "priority"]
        assert attributes["priority"].kind == Attribute.Kind.ORDERED
        assert attributes["priority"].order == ["low", "medium", "high"]
        assert {label.name: label.count for label in attributes["queue"].labels.all()} == {"IT": 20, "Billing": 20}

    def test_gives_a_file_that_learning_reads(self, bring: Bring, store: FileStore) -> None:
        data_set = bring(table())
        tickets = LabelledTickets.read_parquet(store.local_path(data_set.file))
        assert len(tickets) == 40
        assert tickets.texts[0] == "Printer 0\nThe printer on floor 0 is on fire"
        assert tickets.attributes["queue"][:2] == ["IT", "Billing"]

    def test_under_the_same_name_makes_the_next_version_and_keeps_the_earlier(
        self, bring: Bring, acme: Organisation
    ) -> None:
        first, second = bring(table()), bring(table(50))
        assert (first.version, second.version) == (1, 2)
        assert queries.data_set(acme, "support").tickets == 50
        assert queries.data_set(acme, "support", version=1).tickets == 40
        assert [one.version for one in queries.data_sets(acme)] == [1, 2]
        assert [one.version for one in queries.data_sets(acme, newest_only=True)] == [2]

    def test_is_not_seen_by_another_organisation(self, bring: Bring, globex: Organisation) -> None:
        bring(table())
        assert list(queries.data_sets(globex)) == []
        with pytest.raises(NotFound):
            queries.data_set(globex, "support")

    def test_reports_progress_up_to_the_end(self, bring: Bring) -> None:
        seen: list[tuple[float, int]] = []
        bring(table(), progress=lambda share, tickets: seen.append((share, tickets)))
        assert seen[-1] == (1.0, 40)

    def test_reads_a_packed_file(self, bring: Bring) -> None:
        assert bring(gzip.compress(table().encode()), filename="tickets.csv.gz").tickets == 40

    def test_needs_a_name(self, bring: Bring) -> None:
        for name in ("", "  ", "x" * 201, "two\nlines"):
            with pytest.raises(DataSetNameInvalid):
                bring(table(), name=name)

    def test_keeps_only_the_last_part_of_a_file_name(self, bring: Bring) -> None:
        assert bring(table(), name="a").source_filename == "tickets.csv"
        path_trick = bring(table(), name="b", filename="tickets.csv")
        assert "/" not in path_trick.source_filename
        assert operations.checked_filename("..\\..\\etc/passwd\0") == "passwd"

    def test_streams_tickets_from_the_middle(self, bring: Bring) -> None:
        data_set = bring(table(100))
        assert [ticket["row"] for ticket in queries.tickets(data_set, offset=50, limit=3)] == [52, 53, 54]
        assert list(queries.tickets(data_set, offset=100)) == []
        assert list(queries.tickets(data_set, limit=0)) == []


class TestBadRows:
    BAD = table(6) + "only one field\n" + table(2).removeprefix(HEADER)

    def test_refuse_the_whole_import_and_leave_nothing(self, bring: Bring, store: FileStore) -> None:
        with pytest.raises(DatasetInvalid) as refusal:
            bring(self.BAD)
        assert refusal.value.code == "dataset_invalid"
        assert refusal.value.details["row"] == 8
        assert refusal.value.details["column"] == "body"
        assert refusal.value.details["problem_count"] == 1
        assert DataSet.objects.count() == Attribute.objects.count() == Label.objects.count() == 0
        assert store.paths() == []

    def test_are_left_out_and_counted_when_asked_for(self, bring: Bring) -> None:
        data_set = bring(self.BAD, skip_bad_rows=True)
        assert (data_set.tickets, data_set.left_out_rows) == (8, 1)
        assert 8 not in [ticket["row"] for ticket in read(data_set)]
        assert queries.profile(data_set).findings[0].code == "bad_rows_left_out"

    def test_are_shown_up_to_twenty_and_counted_to_the_end(self, bring: Bring) -> None:
        with pytest.raises(DatasetInvalid) as refusal:
            bring(table(6) + "bad\n" * 50)
        assert len(refusal.value.details["problems"]) == 20
        assert refusal.value.details["problem_count"] == 50

    def test_alone_are_no_import_even_when_skipped(self, bring: Bring) -> None:
        with pytest.raises(DatasetInvalid):
            bring(HEADER + "bad\n" * 5, skip_bad_rows=True)

    def test_too_many_fields_name_the_last_column(self, bring: Bring) -> None:
        with pytest.raises(DatasetInvalid) as refusal:
            bring(table(5) + "a,b,c,d,e\n")
        assert refusal.value.details["row"] == 7

    def test_a_nul_byte_names_row_and_column(self, bring: Bring) -> None:
        with pytest.raises(DatasetInvalid) as refusal:
            bring(table(5) + "a,b\0b,IT,low\n")
        assert (refusal.value.details["row"], refusal.value.details["column"]) == (7, "body")

    def test_bytes_of_another_encoding_name_row_and_column(self, bring: Bring) -> None:
        good = table(5) + "Ümläut,größer als größtes Übel üäöüäöüäöüäöüäöü,IT,low\n"
        with pytest.raises(DatasetInvalid) as refusal:
            bring(good.encode() + b"a,\xff\xfe,IT,low\n")
        assert (refusal.value.details["row"], refusal.value.details["column"]) == (8, "body")

    def test_a_quote_that_never_ends_costs_one_row(self, bring: Bring) -> None:
        data_set = bring(table(5) + 'x,"never ends,IT,low\n' + table(5).removeprefix(HEADER), skip_bad_rows=True)
        assert (data_set.tickets, data_set.left_out_rows) == (10, 1)

    def test_a_quote_that_is_not_doubled_costs_its_own_record_only(self, bring: Bring) -> None:
        data_set = bring(
            table(5) + 'x,"he said "no"\nand left",IT,low\n' + table(5).removeprefix(HEADER), skip_bad_rows=True
        )
        assert (data_set.tickets, data_set.left_out_rows) == (10, 1)

    def test_a_field_beyond_the_bound_costs_one_row(self, bring: Bring) -> None:
        small = Limits(field_characters=1000)
        data_set = bring(table(5) + f'x,"{"long " * 300}\nsecond line",IT,low\n', skip_bad_rows=True, limits=small)
        assert (data_set.tickets, data_set.left_out_rows) == (5, 1)

    def test_a_time_that_is_none_is_bad_only_where_the_customer_named_the_column(self, bring: Bring) -> None:
        rows = [f"{n},2026-01-{n:02d} 10:00,Text number {n} that is long enough\n" for n in range(1, 29)]
        text = "id,created,body\n" + "".join(rows) + "29,soon,Text number 29 that is long enough\n"
        data_set = bring(text, name="guessed")
        assert "times_not_read" in [finding.code for finding in queries.profile(data_set).findings]
        with pytest.raises(DatasetInvalid) as refusal:
            bring(text, roles=ColumnRoles.parse(columns=["created=created"]))
        assert (refusal.value.details["row"], refusal.value.details["column"]) == (30, "created")

    def test_of_rows_with_one_id_the_newest_wins_whoever_named_the_column(self, bring: Bring) -> None:
        text = (
            "id,body\n" + "".join(f"T{n},Some text number {n} here\n" for n in range(60)) + "T3,Some text again here\n"
        )
        for roles in (None, ColumnRoles.parse(columns=["id=ticket"])):
            tickets = list(read(bring(text, roles=roles)))
            assert len({ticket["ticket"] for ticket in tickets}) == len(tickets) == 60
            assert [ticket["body"] for ticket in tickets if ticket["ticket"] == "T3"] == ["Some text again here"]


class TestAFileThatIsRefused:
    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"", "empty"),
            (b"subject,body\n", "no tickets"),
            (b"\n\n", "header"),
            (b",,\na,b,c\n", "header"),
            (b"PK\x03\x04rubbish", "damaged"),
            (b"PAR1rubbish", "Parquet"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xls"),
            (b"%PDF-1.7", "PDF"),
            (b"\x1f\x8brubbish", "gzip"),
            (b'[{"a": 1}, {"b"', "cannot be read beyond element 2"),
            (b"[]", "holds no tickets"),
            (b"{nonsense\n{more\n", "is no JSON"),
            (b"queue,priority\n" + b"IT,low\nHR,high\n" * 20, "text of a ticket"),
        ],
    )
    def test_says_why_and_leaves_nothing(self, bring: Bring, store: FileStore, content: bytes, says: str) -> None:
        with pytest.raises(DatasetInvalid) as refusal:
            bring(content, filename="upload.bin")
        assert says in refusal.value.message
        assert refusal.value.details["problem_count"] >= 1
        assert DataSet.objects.count() == 0
        assert store.paths() == []

    def test_because_it_is_not_there(self, bring: Bring, tmp_path: Path) -> None:
        with pytest.raises(DatasetInvalid, match="no file"):
            bring(tmp_path / "missing.csv")

    def test_because_it_has_too_many_columns(self, bring: Bring) -> None:
        with pytest.raises(DatasetInvalid, match="501 columns"):
            bring(",".join(f"c{n}" for n in range(501)) + "\n")

    def test_because_it_has_too_many_rows(self, bring: Bring) -> None:
        with pytest.raises(DatasetInvalid, match="more than 2,000 rows"):
            bring(table(5000), limits=Limits(rows=2000))

    def test_because_a_line_never_ends(self, bring: Bring) -> None:
        with pytest.raises(DatasetInvalid, match="line is longer"):
            bring("a,b\n" + "x" * 3_000_000, limits=Limits(line_bytes=1 << 20))

    def test_because_an_attribute_has_too_many_labels(self, bring: Bring) -> None:
        text = "body,who\n" + "".join(f"Some text number {n} here,name {n}\n" for n in range(60))
        with pytest.raises(DatasetInvalid, match="more than 50 different labels"):
            bring(text, roles=ColumnRoles.parse(attributes=["who"]), limits=Limits(labels=50))

    def test_because_the_packed_file_is_a_bomb(self, bring: Bring) -> None:
        bomb = gzip.compress(b"subject,body\n" + b"a,b\n" * 2_000_000)
        with pytest.raises(DatasetInvalid, match="200 times"):
            bring(bomb, filename="t.csv.gz", limits=Limits(unpacked_bytes_trusted=1 << 20))

    def test_because_of_an_unknown_encoding_or_delimiter(self, bring: Bring) -> None:
        with pytest.raises(DatasetInvalid, match="no encoding"):
            bring(table(), encoding="klingon")
        with pytest.raises(DatasetInvalid, match="delimiter"):
            bring(table(), delimiter="ab")

    def test_when_the_rows_cannot_be_written_the_file_goes_too(
        self, bring: Bring, store: FileStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: Any, **__: Any) -> None:
            raise RuntimeError("the database went away")

        monkeypatch.setattr(Label.objects, "bulk_create", broken)
        with pytest.raises(RuntimeError):
            bring(table())
        assert DataSet.objects.count() == 0
        assert store.paths() == []


class TestDeleting:
    def test_empties_the_row_and_removes_the_file_of_that_version_only(
        self, bring: Bring, store: FileStore, acme: Organisation, now: datetime
    ) -> None:
        first, second = bring(table()), bring(table())
        empty([first], who="alice", now=now)
        assert delete_files() == 1
        assert store.paths() == [second.file]
        assert [one.version for one in queries.data_sets(acme)] == [2]
        assert len(read(second)) == 40


class TestUsableAttributes:
    def test_need_two_labels_with_five_training_tickets(self, bring: Bring) -> None:
        rows = "".join(
            f"Text number {n} is "
            f"here,{'AB'[n % 2]},{'C' if n > 3 else 'D'},{'test' if n % 2 else 'train'},{'EF'[n % 2]}\n"
            for n in range(40)
        )
        roles = ColumnRoles.parse(attributes=["ab", "cd", "ef"])
        data_set = bring("body,ab,cd,split,ef\n" + rows, roles=roles)
        # Every B and F is a test ticket, so nothing teaches them; D has 4 tickets.
        assert [one.name for one in queries.usable_attributes(data_set)] == []
        data_set = bring(
            "body,ab,cd,split,ef\n" + rows, roles=ColumnRoles.parse(attributes=["ab", "cd", "ef"], ignore=["split"])
        )
        assert [one.name for one in queries.usable_attributes(data_set)] == ["ab", "ef"]


def test_overrides_for_columns_that_are_not_there_name_those_that_are(bring: Bring) -> None:
    with pytest.raises(ColumnsInvalid, match="“queue”") as refusal:
        bring(table(), roles=ColumnRoles.parse(attributes=["colour"]))
    assert refusal.value.code == "dataset_invalid"


def test_a_preview_makes_the_guess_of_the_import(bring: Bring, tmp_path: Path) -> None:
    data_set = bring(table())
    preview = preview_columns(tmp_path / "tickets.csv")
    assert preview.roles.as_dict() == data_set.roles


@pytest.mark.pure
def test_synthetic_tickets_import_with_their_attributes_and_call_themselves_synthetic(
    bring: Bring, tmp_path: Path
) -> None:
    data_set = bring(write_csv(tmp_path / "synthetic.csv", tickets=600))
    kinds = {one.name: one.kind for one in queries.usable_attributes(data_set)}
    assert kinds == {
        "queue": "single", "category": "single", "type": "single", "priority": "ordered", "product": "single",
        "assignee": "single",
        "tags": "multi",
    }  # fmt: skip
    assert set(queries.profile(data_set).languages) == {"en", "de"}
    assert "synthetic" in data_set.roles["why"]["source"]


README_ATTRIBUTES = {
    "banking77.csv": {"intent"},
    "endava_5k.csv": {
        "ticket_type",
        "category",
        "sub_category1",
        "sub_category2",
        "business_service",
        "urgency",
        "impact",
    },
    "grp_it.csv": {"group"},
    "support_en_de.csv": {"type", "queue", "priority", "tags"},
    "hint3_curekart.csv": {"intent"},
    "xsid.csv": {"intent"},
}


@pytest.mark.pure
@pytest.mark.parametrize("filename", README_ATTRIBUTES)
def test_public_files_import_without_a_word_about_their_columns(bring: Bring, shared_data: Path, filename: str) -> None:
    data_set = bring(shared_data / filename)
    roles = ColumnRoles.from_dict(data_set.roles)
    assert roles.single["body"] == "text"
    assert roles.single["split"] == "split"
    assert {one.name for one in queries.usable_attributes(data_set)} == README_ATTRIBUTES[filename]
    if filename == "support_en_de.csv":
        assert queries.attributes(data_set).get(name="tags").kind == "multi"
    profile = queries.profile(data_set)
    if filename == "xsid.csv":
        assert profile.split == {"test": 2500, "train": 1200}
    if filename == "grp_it.csv":
        assert profile.attribute("group").learnable_labels == 56
        assert len(profile.attribute("group").labels) == 74


class TestConstraints:
    """Each is tried on the database itself: a mistake in an operation must not get past it."""

    def row(self, acme: Organisation, now: Any, **changes: Any) -> DataSet:
        values: dict[str, Any] = {
            "organisation": acme, "name": "x", "version": 1, "file": "f", "sha256": "0", "bytes": 1, "tickets": 1,
            "source_filename": "x", "source_format": "CSV", "imported_at": now, "profile": {}, "roles": {},
        }  # fmt: skip
        return DataSet(**(values | changes))

    def breaks(self, rule: str, make: Callable[[], Any]) -> None:
        with pytest.raises(IntegrityError) as failure, transaction.atomic():
            make()
        # SQLite names the columns of a unique constraint, not the constraint.
        assert rule in str(failure.value) or "UNIQUE" in str(failure.value)

    def test_of_data_sets_hold(self, acme: Organisation, now: Any) -> None:
        self.row(acme, now).save()
        self.breaks("tickets_data_set_version_is_taken_once", lambda: self.row(acme, now).save())
        self.breaks("tickets_data_set_versions_begin_at_one", lambda: self.row(acme, now, version=0).save())
        self.breaks("tickets_data_set_has_tickets", lambda: self.row(acme, now, version=2, tickets=0).save())
        self.breaks("tickets_data_set_has_a_name", lambda: self.row(acme, now, name="").save())
        self.breaks("tickets_data_set_has_a_file", lambda: self.row(acme, now, version=2, file="").save())
        self.breaks("tickets_data_set_has_a_file", lambda: self.row(acme, now, version=2, sha256="").save())

    def test_of_attributes_and_labels_hold(self, acme: Organisation, now: Any) -> None:
        data_set = self.row(acme, now)
        data_set.save()
        position = iter(range(100))

        def attribute(**changes: Any) -> Attribute:
            values = {"data_set": data_set, "name": f"a{next(position)}", "kind": "single", "position": next(position)}
            return Attribute.objects.create(**(values | changes))

        queue = attribute(name="queue", position=99)
        self.breaks("tickets_attribute_is_named_once_in_a_data_set", lambda: attribute(name="queue"))
        self.breaks("tickets_attribute_stands_alone_at_its_position", lambda: attribute(position=99))
        self.breaks("tickets_attribute_kind_is_known", lambda: attribute(kind="other"))
        self.breaks("tickets_attribute_has_an_order_exactly_when_ordered", lambda: attribute(kind="ordered", order=[]))
        self.breaks("tickets_attribute_has_an_order_exactly_when_ordered", lambda: attribute(order=["a", "b"]))
        self.breaks("tickets_attribute_has_a_name", lambda: attribute(name=""))

        def label(**changes: Any) -> Label:
            values = {"attribute": queue, "name": "IT", "count": 5, "training_count": 5}
            return Label.objects.create(**(values | changes))

        label()
        self.breaks("tickets_label_is_named_once_in_an_attribute", label)
        self.breaks("tickets_label_has_a_name", lambda: label(name=""))
        self.breaks("tickets_label_is_carried_by_a_ticket", lambda: label(name="x", count=0, training_count=0))
        self.breaks("tickets_label_trains_on_no_more_than_it_has", lambda: label(name="x", count=1))


def test_the_file_of_a_data_set_is_zstd_with_the_agreed_columns(bring: Bring, store: FileStore) -> None:
    data_set = bring(
        "betreff;text;warteschlange;tag_1;tag_2\n" + "Hallo;Ein Text hier;IT;a;b\nHallo;Noch ein Text;HR;b;\n" * 10
    )
    parquet = pq.ParquetFile(store.local_path(data_set.file))
    assert parquet.metadata.row_group(0).column(1).compression == "ZSTD"
    assert {field.name: str(field.type) for field in parquet.schema_arrow} == {
        "ticket": "string", "subject": "string", "body": "string", "language": "string",
        "created_at": "timestamp[us, tz=UTC]",
        "split": "string", "row": "int64", "uncut_body": "string", "attribute:warteschlange": "string",
        "attribute:tag": "list<element: string>",
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_imports_at_the_same_time_get_a_version_each(tmp_path: Path, settings: Any, now: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    from otai.orgs.operations import create_organisation

    settings.OTAI_FILES = (tmp_path / "store").as_uri()
    acme = create_organisation(slug="acme", name="Acme Ltd", time_zone="UTC", now=now)
    (tmp_path / "t.csv").write_text(table())

    def bring_one(_: int) -> int:
        try:
            return operations.import_tickets(
                organisation=acme, name="support", source=tmp_path / "t.csv", now=now
            ).version
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(bring_one, range(6))) == [1, 2, 3, 4, 5, 6]
