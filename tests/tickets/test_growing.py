"""Alice's tickets grow from month to month: each version says what came, changed and went, and is stored as the one
before it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from otai.learning.data.tickets import LabelledTickets
from otai.tickets import queries, versions
from otai.tickets.columns import ColumnRoles, ColumnsInvalid
from otai.tickets.files import file_store
from otai.tickets.models import DataSet
from otai.words.sentences import Fact

Bring = Callable[..., DataSet]

pytestmark = pytest.mark.django_db

WORDS = ("screen", "cable", "invoice", "password", "router", "battery", "order")


def table(rows: dict[str, str], *, text: str = "", ids: bool = True) -> str:
    """Ticket ids with their queues as a CSV file."""
    head = "ticket id,text,queue\n" if ids else "text,queue\n"
    return head + "".join(
        f"{f'{id},' if ids else ''}The {WORDS[len(id + queue) % 7]} of case {id} makes trouble since "
        f"monday{text},{queue}\n"
        for id, queue in rows.items()
    )


def by_queue(first: int, last: int) -> dict[str, str]:
    return {f"T{n}": ("network", "billing")[n % 2] for n in range(first, last)}


def finding(data_set: DataSet, code: str) -> dict[str, Any]:
    (found,) = [one for one in queries.profile(data_set).findings if one.code == code]
    return found.values


def texts(data_set: DataSet) -> list[str]:
    return [row["body"] or "" for row in queries.tickets(data_set)]


def test_a_new_version_says_what_came_changed_and_went(bring: Bring) -> None:
    bring(table(by_queue(0, 40)))
    newer = {**by_queue(10, 50), "T12": "archive", "T14": "archive"}
    made = bring(table(newer))
    found = finding(made, "versions_compared")
    assert {name: found[name] for name in ("version", "came", "went")} == {"version": 1, "came": 10, "went": 10}
    assert (found["changed"], found["same"], found["changed_labels"]) == (2, 28, {"queue": 2})
    assert finding(made, "labels_came") == {"version": 1, "labels": 1, "named": ["archive"]}


def test_all_files_are_named_that_tickets_came_from(bring: Bring, tmp_path: Path) -> None:
    (tmp_path / "february.csv").write_text(table(by_queue(20, 40)))
    made = bring(table(by_queue(0, 30)), filename="january.csv", further=[tmp_path / "february.csv"])
    assert (made.tickets, made.source_filename) == (40, "january.csv, february.csv")


def test_tickets_without_ids_are_known_by_their_text(bring: Bring) -> None:
    bring(table(by_queue(0, 40), ids=False))
    # In another order, so that no row keeps its number.
    made = bring(table(dict(reversed(by_queue(10, 50).items())), ids=False))
    found = finding(made, "versions_compared")
    assert (found["came"], found["changed"], found["went"], found["same"]) == (10, 0, 10, 30)


def test_increments_say_it_too_and_the_newest_row_of_an_id_wins(bring: Bring) -> None:
    bring(table(by_queue(0, 40)))
    made = bring(table({"T3": "network", "T40": "billing", "T5": "billing"}), add=True)
    assert made.tickets == 41
    found = finding(made, "versions_compared")
    assert (found["came"], found["changed"], found["went"], found["same"]) == (1, 1, 0, 39)


def test_increments_without_ids_never_take_each_others_rows(bring: Bring) -> None:
    bring(table(by_queue(0, 40), ids=False))
    bring(table(by_queue(40, 60), ids=False), add=True)
    made = bring(table(by_queue(60, 80), ids=False), add=True)
    assert made.tickets == 80 and len(set(texts(made))) == 80


FIRST = "The {word} of my office in Gent makes trouble since monday"


def articles(rows: list[tuple[str, str, str, str]]) -> str:
    """Articles (ticket, sender, day of May, text) as an export of a helpdesk writes them; the queue is what the ticket
    has by then."""
    head = "ticket id,sender,created,text,queue\n"
    return head + "".join(
        f'{id},{sender},2026-05-{day}T08:00:00Z,"{text}",{"network" if day >= "20" or int(id[1:]) % 2 else "billing"}\n'
        for id, sender, day, text in rows
    )


@pytest.mark.parametrize("sender", ["customer", "agent"])
@pytest.mark.parametrize("says_who", [True, False])
def test_articles_that_are_added_join_and_leave_the_first_message(bring: Bring, sender: str, says_who: bool) -> None:
    """Of April's tickets nobody knows any more who wrote them; in May one of them is answered, others are new."""
    first = [(f"T{n}", "customer", "04", FIRST.format(word=WORDS[n % 7])) for n in range(40)]
    answers = [(id, "agent", "05", f"We look after {id} at once, says the desk") for id, *_ in first]
    bring(articles(first + answers))
    later = [("T4", sender, "20", "Thank you, after the restart it works again as it did before")]
    new = [(f"T{n}", sender, "21", f"Where is {WORDS[n % 7]} {n}, please") for n in range(40, 50)]
    increment = articles(later + new)
    made = bring(increment if says_who else increment.replace(",sender,", ",remark,"), add=True)
    stored = {row["ticket"]: row for row in queries.tickets(made)}
    assert len(stored) == 50
    assert stored["T4"]["body"] == FIRST.format(word=WORDS[4])
    labels = [{label["name"]: label["count"] for label in one["labels"]} for one in made.profile["attributes"]]
    # Of 20 tickets in billing one was moved to the network since.
    assert {"billing": 19, "network": 31} in labels


def test_the_earlier_message_of_the_customer_is_the_ticket_in_whatever_order_files_come(bring: Bring) -> None:
    bring(articles([(f"T{n}", "agent", "20", f"We look after the {WORDS[n % 7]} at once, {n}") for n in range(40)]))
    made = bring(articles([(f"T{n}", "customer", "04", FIRST.format(word=WORDS[n % 7])) for n in range(5)]), add=True)
    assert sum(text.startswith("The ") for text in texts(made)) == 5


SECRET = " and my mail is ada@example.com"


def test_what_is_added_to_masked_tickets_is_masked(bring: Bring) -> None:
    """Asked once: whoever adds a file later need not think of it."""
    bring(table(by_queue(0, 40), text=SECRET), mask=True)
    made = bring(table(by_queue(40, 50), text=SECRET), add=True)
    assert not any("ada@example.com" in text for text in texts(made))
    assert b"ada@example" not in file_store().local_path(made.file).read_bytes()
    assert sum("[email]" in text for text in texts(made)) == 50


def test_masking_while_adding_masks_what_was_there(bring: Bring) -> None:
    """One version is stored in one way, and its models mask new tickets alike."""
    bring(table(by_queue(0, 40), text=SECRET))
    made = bring(table(by_queue(40, 50), text=SECRET), add=True, mask=True)
    assert not any("ada@example.com" in text for text in texts(made))
    rules = LabelledTickets.read_parquet(file_store().local_path(made.file)).text_rules
    assert rules is not None and "email" in rules.masked
    # The version before stays as it was.
    assert sum("ada@example.com" in text for text in texts(queries.data_set(made.organisation, "support", 1))) == 40


SIGNED = {"network": "Dana Okafor took this", "billing": "Omar Brandt took this"}


def signed(rows: dict[str, str]) -> str:
    lines = [
        f'{id},"Case {id}: the {WORDS[n % 7]} and the {WORDS[n // 3 % 7]} of {WORDS[n // 5 % 7]} {n * 7919 % 101}\n\n{SIGNED[queue]}",{queue}\n'  # noqa: E501
        for n, (id, queue) in enumerate(rows.items())
    ]
    return "ticket id,text,queue\n" + "".join(lines)


def test_what_was_cut_once_is_cut_from_what_is_added(bring: Bring, now: datetime) -> None:
    rows = {f"T{n}": ("network", "billing")[n * n // 3 % 2] for n in range(300)}
    base = bring(signed(rows))
    # As a release wrote it that did not look for such lines: they are looked for when somebody asks.
    base.profile = {**base.profile, "findings": []}
    cut = versions.without_given_lines(base, now=now)
    assert not any("Okafor" in text for text in texts(cut))
    assert "label_given_away" not in {one.code for one in queries.profile(cut).findings}
    assert finding(cut, "versions_compared")["changed"] == 300
    made = bring(signed({"T900": "network"}), add=True)
    assert made.tickets == 301 and not any("Okafor" in text for text in texts(made))


def test_labels_that_are_corrected_are_counted_on_the_new_version(bring: Bring, now: datetime) -> None:
    base = bring(table(by_queue(0, 40)))
    made = versions.next_version(
        base, mapping={"queue": {"billing": "finance"}}, made_as=Fact("made_as.labels_renamed"), now=now
    ).data_set
    found = finding(made, "versions_compared")
    assert (found["came"], found["changed"], found["went"]) == (0, 20, 0)
    assert finding(made, "labels_came")["named"] == ["finance"]
    assert finding(made, "labels_went")["named"] == ["billing"]


def test_findings_about_texts_stay_with_the_next_version(bring: Bring, now: datetime) -> None:
    base = bring(table(by_queue(0, 40), text=SECRET))
    assert finding(base, "personal_data")
    made = versions.next_version(
        base, mapping={"queue": {"billing": "finance"}}, made_as=Fact("made_as.labels_renamed"), now=now
    ).data_set
    assert finding(made, "personal_data") == finding(base, "personal_data")


def answered(rows: dict[str, str]) -> str:
    """Tickets whose texts quote an earlier mail, the last one none."""
    quote = "\n\nOn Mon, 5 Jan 2026 at 08:12, Dana Okafor <dana@acme.example> wrote:\n> The earlier words of {id}"
    quotes = [*(quote.format(id=id) for id in list(rows)[:-1]), ""]
    lines = [
        f'{id},"The {WORDS[n % 7]} of case {id} makes trouble{quotes[n]}",{queue}\n'
        for n, (id, queue) in enumerate(rows.items())
    ]
    return "ticket id,text,queue\n" + "".join(lines)


def test_what_the_import_cut_is_put_back_as_a_new_version(bring: Bring, now: datetime) -> None:
    base = bring(answered(by_queue(0, 40)))
    assert finding(base, "text_was_cut")["tickets"] == 39
    made = versions.with_texts_uncut(base, now=now)
    assert made.version == 2 and sum("earlier words" in text for text in texts(made)) == 39
    assert not any("earlier words" in text for text in texts(base))
    assert "text_was_cut" not in {one.code for one in queries.profile(made).findings}
    assert finding(made, "versions_compared")["changed"] == 39
    rules = LabelledTickets.read_parquet(file_store().local_path(made.file)).text_rules
    assert rules is not None and not rules.kinds and not rules.tails
    # What is added is stored as the rest, and there is nothing to undo twice.
    grown = bring(answered({"T90": "network", "T91": "billing"}), add=True)
    assert sum("earlier words" in text for text in texts(grown)) == 40
    with pytest.raises(versions.ChangeInvalid, match="cut nothing"):
        versions.with_texts_uncut(made, now=now)


def test_what_is_masked_stays_masked_when_cuts_are_undone(bring: Bring, now: datetime) -> None:
    rows = answered(by_queue(0, 40)).replace("The earlier words", "My IBAN is DE89 3704 0044 0532 0130 00, words")
    made = versions.with_texts_uncut(bring(rows, mask=True), now=now)
    assert sum("[iban]" in text for text in texts(made)) == 39
    assert not any("3704" in text or "dana@acme" in text for text in texts(made))


def test_lines_that_give_labels_away_stay_cut_when_cuts_are_undone(bring: Bring, now: datetime) -> None:
    rows = {f"T{n}": ("network", "billing")[n * n // 3 % 2] for n in range(300)}
    chain = signed(rows).replace('",', '\n\nOn Mon, 5 Jan 2026 at 08:12, Dana wrote:\n> The earlier words",')
    cut = versions.without_given_lines(bring(chain), now=now)
    made = versions.with_texts_uncut(cut, now=now)
    assert all("earlier words" in text and "Okafor" not in text for text in texts(made))


def worked_on(first: int, last: int, *, later: bool) -> str:
    """An export of tickets, some of them again: what kind it is comes out while Dana and Omar work on it."""
    rows = [
        f"T{n},The {WORDS[n % 7]} of case {n} makes trouble,{('network', 'billing')[n % 2]},"
        f"{('Dana', 'Omar')[n % 3 % 2]},{('cable', 'update', 'training')[(n + later) % 3]}\n"
        for n in range(first, last)
    ]
    return "ticket id,text,queue,assignee,category\n" + "".join(rows)


def is_proposed(data_set: DataSet) -> dict[str, bool]:
    return {one["name"]: one["proposed"] for one in data_set.roles["attributes"]}


def test_what_changes_after_the_agent_is_not_proposed(bring: Bring) -> None:
    assert is_proposed(bring(worked_on(0, 60, later=False)))["category"]
    made = bring(worked_on(20, 90, later=True), add=True)
    assert is_proposed(made) == {"queue": True, "assignee": True, "category": False}
    (why,) = [one["why"] for one in made.roles["attributes"] if one["name"] == "category"]
    assert "40 of 40 tickets that came again with “assignee” set" in why
    # It stays so when nothing comes again.
    assert not is_proposed(bring(worked_on(90, 99, later=True), add=True))["category"]


def test_a_few_corrections_are_no_evidence(bring: Bring) -> None:
    bring(worked_on(0, 60, later=False))
    corrected = worked_on(0, 8, later=True).split("\n", 1)[1]
    assert is_proposed(bring(worked_on(20, 60, later=False) + corrected, add=True))["category"]


def test_who_names_what_changes_later_has_it_proposed(bring: Bring) -> None:
    named = ColumnRoles.parse(attributes=["category"])
    bring(worked_on(0, 60, later=False), roles=named)
    assert is_proposed(bring(worked_on(20, 90, later=True), add=True, roles=named))["category"]


SITES, STATES = ("Gent", "Lyon"), ("hardware", "software", "access")


def with_columns(first: int, last: int, *columns: str, text: str = "") -> str:
    """Tickets with an id, a text and some of the columns that a helpdesk has by then."""
    values = {
        "queue": lambda n: ("network", "billing")[n % 2],
        "site": lambda n: SITES[n % 2],
        "category": lambda n: STATES[n % 3],
        "tags": lambda n: f"{('vip', 'urgent')[n % 2]}|{('phone', 'mail')[n // 2 % 2]}",
        "Labels": lambda n: ("red", "blue")[n % 2],
        "Labels (2)": lambda n: ("vip", "", "")[n % 3],
        "remark": lambda n: "",
    }
    head = ["ticket id", "text", *(name.replace(" (2)", "") for name in columns)]
    lines = [
        [f"T{n}", f"The {WORDS[n % 7]} of case {n} makes trouble {text}", *(values[name](n) for name in columns)]
        for n in range(first, last)
    ]
    return "".join(",".join(line) + "\n" for line in [head, *lines])


def labels_of(data_set: DataSet, attribute: str) -> dict[str, Any]:
    return {row["ticket"]: row[f"attribute:{attribute}"] for row in queries.tickets(data_set)}


def codes_of(data_set: DataSet) -> set[str]:
    return {one.code for one in queries.profile(data_set).findings}


def test_a_column_that_comes_later_becomes_an_attribute_and_is_said(bring: Bring) -> None:
    bring(with_columns(0, 40, "queue"))
    made = bring(with_columns(40, 80, "queue", "category", "tags"), add=True)
    assert finding(made, "columns_came") == {"columns": ["category", "tags"]}
    assert "columns_lacking" not in codes_of(made)
    assert labels_of(made, "category")["T39"] is None and labels_of(made, "category")["T40"] == "software"
    assert labels_of(made, "tags")["T41"] == ["urgent", "phone"]
    assert is_proposed(made) == {"queue": True, "category": True, "tags": True}
    assert labels_of(made, "queue")["T39"] == "billing"
    # From then on it is one of theirs.
    again = bring(with_columns(80, 90, "queue", "category", "tags"), add=True)
    assert not {"columns_came", "columns_lacking"} & codes_of(again)
    assert labels_of(again, "category")["T80"] == "access"


def test_a_column_that_is_missing_later_is_said_and_what_was_there_stays(bring: Bring) -> None:
    bring(with_columns(0, 40, "queue", "category"))
    made = bring(with_columns(30, 60, "queue"), add=True)
    assert finding(made, "columns_lacking") == {"columns": ["category"]}
    of_category = labels_of(made, "category")
    assert (of_category["T35"], of_category["T59"]) == ("access", None)
    assert finding(made, "versions_compared")["changed"] == 0


def test_what_was_ignored_before_stays_ignored_until_somebody_names_it(bring: Bring) -> None:
    bring(with_columns(0, 40, "queue", "category"), roles=ColumnRoles.parse(ignore=["category"]))
    made = bring(with_columns(40, 60, "queue", "category"), add=True)
    assert is_proposed(made) == {"queue": True} and "columns_came" not in codes_of(made)
    named = bring(with_columns(60, 80, "queue", "category"), add=True, roles=ColumnRoles.parse(attributes=["category"]))
    assert finding(named, "columns_came") == {"columns": ["category"]}
    assert labels_of(named, "category")["T61"] == "software"


def test_what_is_said_of_the_columns_of_what_is_added_holds(bring: Bring) -> None:
    bring(with_columns(0, 40, "queue"))
    made = bring(with_columns(40, 80, "queue", "category"), add=True, roles=ColumnRoles.parse(ignore=["category"]))
    assert is_proposed(made) == {"queue": True}
    with pytest.raises(ColumnsInvalid, match="typo"):
        bring(with_columns(80, 90, "queue"), add=True, roles=ColumnRoles.parse(attributes=["typo"]))


def test_one_label_before_and_several_now_are_several_for_all(bring: Bring) -> None:
    """Jira writes as many columns called Labels as its busiest ticket needs."""
    bring(with_columns(0, 40, "queue", "Labels"))
    made = bring(with_columns(40, 80, "queue", "Labels", "Labels (2)"), add=True)
    of_labels = labels_of(made, "Labels")
    assert (of_labels["T1"], of_labels["T41"], of_labels["T42"]) == (["blue"], ["blue"], ["red", "vip"])
    assert finding(made, "versions_compared")["changed"] == 0 and "columns_came" not in codes_of(made)


@pytest.mark.parametrize(
    ("before", "later"),
    [
        (["tag_1", "tag_2"], ["tag_1", "tag_2", "tag_3"]),
        (["Label [1]", "Label [2]"], ["Label [1]", "Label [2]", "Label [3]"]),
        (["labels.0", "labels.1"], ["labels.0", "labels.1", "labels.2"]), (["tag1"], ["tag1", "tag2"]),
    ],
)  # fmt: skip
def test_more_numbered_columns_of_labels_than_before_are_labels_of_the_same(
    bring: Bring, before: list[str], later: list[str]
) -> None:
    def tags(first: int, columns: list[str]) -> str:
        said = (
            [
                f"T{n}",
                f"The {WORDS[n % 7]} of case {n} fails",
                *(SAID[(7 * n + 3 * at * n) % 5] for at in range(len(columns))),
            ]
            for n in range(first, first + 40)
        )
        return "\n".join(",".join(row) for row in (["ticket id", "text", *columns], *said))

    bring(tags(0, before))
    made = bring(tags(40, later), add=True)
    [found] = made.attributes.all()
    assert found.kind == "multi" and "columns_came" not in codes_of(made)
    assert sorted(labels_of(made, found.name)["T41"]) == sorted(
        {SAID[(287 + 123 * at) % 5] for at in range(len(later))}
    )


SAID = ("vip", "phone", "later", "mail", "bill")


def test_several_files_with_other_columns_each_say_so(bring: Bring, tmp_path: Path) -> None:
    (tmp_path / "february.csv").write_text(with_columns(40, 80, "queue", "category"))
    made = bring(with_columns(0, 40, "queue", "site"), filename="january.csv", further=[tmp_path / "february.csv"])
    assert finding(made, "columns_came") == {"columns": ["category"]}
    assert finding(made, "columns_lacking") == {"columns": ["site"]}
    assert (labels_of(made, "site")["T1"], labels_of(made, "category")["T40"]) == ("Lyon", "software")


def export_of(month: int, *, ids: range) -> str:
    """Tickets of a month that need reading: HTML, letters read wrongly, dates that settle nothing, a time that
    is none, labels in words for none. The month says how many are of each kind, but for dates."""
    marked = ["<p>The screen of case {n} is dark</p>"] * month + ["Die TÃ¼r von Fall {n} klemmt"] * month
    lines = ["ticket id,text,opened,queue"]
    for at, n in enumerate(ids):
        text = (marked[at] if at < len(marked) else "The cable of case {n} is loose since monday").format(n=n)
        opened = "tomorrow" if at >= len(ids) - month else f"0{at % 3 + 1}/0{month}/2026 10:00"
        queue = "N/A" if at < month else ("network", "billing")[n % 2]
        lines.append(f"T{n},{text},{opened},{queue}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("adds", [False, True])
def test_what_was_read_in_cells_is_counted_over_all_files(bring: Bring, tmp_path: Path, adds: bool) -> None:
    (tmp_path / "february.csv").write_text(export_of(2, ids=range(80, 160)), "utf-8")
    if adds:
        bring(table(by_queue(200, 240)))
    made = bring(export_of(3, ids=range(80)), further=[tmp_path / "february.csv"], add=adds)
    assert finding(made, "html_became_text")["texts"] == 5
    encoding = finding(made, "encoding_mended")
    assert encoding["texts"] == 5 and "Ã¼" in encoding["example"]
    assert finding(made, "times_not_read") == {"tickets": 5, "example": "tomorrow"}
    assert finding(made, "labels_missing_in_words") == {"tickets": 5, "words": ["N/A"]}


def test_dates_that_settle_nothing_are_said_of_whichever_file_has_them(bring: Bring, tmp_path: Path) -> None:
    """January's exports settle their dates, February's do not; March was joined end to end."""
    (tmp_path / "february.csv").write_text(
        "ticket id,text,opened,queue\n"
        + "".join(f"T{n},The {WORDS[n % 7]} of {n} is lost,03/02/2026,network\n" for n in range(40, 60)),
        "utf-8",
    )
    march = [f"T{n},The {WORDS[n % 7]} of {n} is late,2026-03-{n - 59:02},billing\n" for n in range(60, 80)]
    head = "ticket id,text,opened,queue\n"
    (tmp_path / "march.csv").write_text(head + "".join(march[:10]) + head + "".join(march[10:]), "utf-8")
    january = head + "".join(f"T{n},The {WORDS[n % 7]} of {n} is old,2026-01-{n + 1:02},network\n" for n in range(20))
    made = bring(january, further=[tmp_path / "february.csv", tmp_path / "march.csv"])
    assert finding(made, "dates_read_month_first") == {"column": "opened", "example": "03/02/2026"}
    assert finding(made, "headers_repeated")["times"] == 1


def test_what_later_files_taught_is_cut_from_new_tickets_too(bring: Bring, tmp_path: Path) -> None:
    ending = "Sent by the portal of Acme Ltd, office in Gent, please do not answer to this address"
    rows = "".join(
        f'T{n},"The {WORDS[n % 7]} of case {n} makes trouble\n\n{ending}",{("network", "billing")[n % 2]}\n'
        for n in range(40, 80)
    )
    (tmp_path / "february.csv").write_text("ticket id,text,queue\n" + rows, "utf-8")
    made = bring(table(by_queue(0, 40)), further=[tmp_path / "february.csv"])
    assert finding(made, "text_was_cut")["by_kind"] == {"recurring": 40}
    rules = queries.text_rules(made)
    assert rules is not None
    assert rules.applied([f"\nMy cable is loose\n\n{ending}"]) == ["\nMy cable is loose"]
