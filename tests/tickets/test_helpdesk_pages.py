"""What each page of docs/helpdesks says of its helpdesk's export is what the product makes of such a file.

The files are made from the pages: the table of a page names the columns of the export with an example of each, or the
members of the JSON object above it, and what each is taken for. An example is written out for 120 tickets: the words
of the story below change from ticket to ticket, "A or B" is one of these, and the rest stays as it is.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import openpyxl
import pytest

from otai.learning.evidence.leaks import Leaks
from otai.tickets.reading import ReadTickets, read_tickets
from tests.tickets.helpdesk_rows import FIRST, ROWS, SOLVED, at, ended, kind, person, topic, urgency
from tests.tickets.test_other_helpdesks import agent, body, brought, subject, team

pytestmark = pytest.mark.pure

PAGES = Path(__file__).resolve().parents[2] / "docs" / "helpdesks"
LATER = timedelta(hours=9)

STORY: dict[str, Callable[[int], object]] = {
    "Router restarts": subject,
    "Hello, our router restarts": body,
    "We have replaced the router": lambda n: f"{SOLVED} ({n})",
    "Network": team,
    "Hardware": topic,
    "Hardware;Billing": lambda n: topic(n) + ";Billing" * (n % 3 == 0),
    "Laptop": lambda n: topic(n + 1),
    "Docking station": lambda n: topic(n + 2),
    "Incident": kind,
    "Low": urgency,
    "Open": lambda n: "Closed" if ended(n) else "Open",
    "Jana Peters": agent,
    "Jana": lambda n: agent(n).split()[0],
    "Peters": lambda n: agent(n).split()[1],
    "jana@acme.example": lambda n: f"{agent(n).split()[0].lower()}@acme.example",
    "Ada Ahrens": person,
    "Ada": lambda n: person(n).split()[0],
    "Ahrens": lambda n: person(n).split()[1],
    "ada@globex.example": lambda n: f"c{n}@globex.example",
    "4711": lambda n: 4711 + n,
    "310031": lambda n: 310_031 + n % 4,
    "510051": lambda n: 510_051 + len(agent(n)),
    "710071": lambda n: 710_071 + n,
    "1767600720": lambda n: int(FIRST.timestamp()) + 7 * 3600 * n,
}
"""The words of the pages' examples, and what stands in their place in the file's n-th ticket."""
TIMES = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M", "%d-%m-%Y %H:%M", "%d/%m/%Y %H:%M",
    "%m/%d/%Y %I:%M %p", "%d/%b/%y %I:%M %p", "%b %d, %Y @ %I:%M %p", "%d %b %Y %I:%M %p", "%d-%b-%y %I:%M %p",
    "%a %b %d %H:%M:%S %Y", "%a %b %d %Y %H:%M:%S", "%m/%d/%y %I:%M %p", "%Y-%m-%d", "%d.%m.%Y",
    "%b %d, %Y %I:%M %p", "%-m/%-d/%Y %-I:%M %p", "%-m/%-d/%Y %-I:%M:%S %p", "%B %d, %Y %I:%M %p",
)  # fmt: skip
"""How the pages' examples write the moment when the ticket came in, 5 January 2026, 8:12, and nine hours later."""
WRITTEN = {
    moment.strftime(pattern): lambda n, pattern=pattern, after=after: at(n, pattern, hours=after)
    for after in (9, 0)
    for pattern in TIMES
    for moment in (FIRST + timedelta(hours=after),)
}
_CHANGES = re.compile(
    "|".join(rf"(?<!\w){re.escape(words)}(?!\w)" for words in sorted({*STORY, *WRITTEN}, key=len, reverse=True))
    + r"|(?<![A-Za-z])4711|(?<=_)(?:[357]100[357]1)"
)
_FEW = re.compile(r"\d{1,3}(?:[.,]\d+)?(?: ?[a-z]+)?|\d{2}:\d{2}(?::\d{2})?")
"""A count or a duration."""

ROLES = {
    "subject": "subject",
    "text": "body",
    "ticket id": "ticket",
    "created time": "created",
    "language": "language",
    "sender": "sender",
}
REASONS = {
    "came later": (
        "afterwards_by_name afterwards_filled afterwards_durations column_state text_of_afterwards later_messages "
        "column_agents"
    ),
    "another time": "column_other_time",
    "a person": "column_person column_mail_addresses",
    "a double": "column_doubled",
    "a number of each ticket": "column_single_tickets column_single_things column_more_single_things",
    "one value": "column_one_value",
    "links tickets": "column_links_tickets",
    "measured": "column_measured",
    "another text": "column_free_text",
    "a title of people": "column_title",
}
"""Why a page says that a column is left out, and the codes that the product gives for it."""


@dataclass(frozen=True)
class Sample:
    """A file that a page describes: its columns with an example of each, or one JSON ticket, and what each is taken
    for."""

    form: str
    document: object
    columns: list[tuple[str, str, str]]

    @property
    def messages(self) -> list[list[str]]:
        """The examples of each row of a ticket: "first then second" where a row is a message."""
        parts = [example.split(" then ") for _, example, _ in self.columns]
        return [[part[min(at, len(part) - 1)] for part in parts] for at in range(max(map(len, parts), default=0))]

    @property
    def taken(self) -> dict[str, str]:
        return {name: taken for name, _, taken in self.columns}


def cell(example: str, n: int) -> str:
    """The example as the n-th ticket has it."""
    words = example.split(" or ")
    if len(words) > 1:
        return words[n % len(words)]
    if _FEW.fullmatch(example) and example not in STORY:
        last = re.search(r"\d(?!\d)", example)
        return example[: last.start()] + str(n // (1 + int(last[0])) % 7) + example[last.end() :] if last else example
    return _CHANGES.sub(lambda found: str(_value(found[0], n)), example)


def _value(words: str, n: int) -> object:
    return {**WRITTEN, **STORY}[words](n)


def of_ticket(value: object, n: int) -> object:
    """The JSON value as the n-th ticket has it."""
    if isinstance(value, dict):
        return {key: of_ticket(member, n) for key, member in value.items()}
    if isinstance(value, list):
        return [of_ticket(member, n) for member in value]
    if isinstance(value, str):
        return cell(value, n)
    if isinstance(value, bool) or value is None:
        return value
    made = cell(f"{value}", n)
    return float(made) if isinstance(value, float) else int(made)


def samples(page: Path) -> Iterator[Sample]:
    """The files that a page describes, each below a line that begins with "A file" or so and names its form."""
    text = page.read_text(encoding="utf-8")
    for block in re.split(r"\n(?=\*\*As )", text)[1:]:
        form = re.match(r"\*\*As (.*?)\.\*\*", block)
        assert form, f"{page.name}: a sample begins with its form: **As CSV.**"
        rows = [
            [part.strip().strip("`*").replace("\\|", "|") for part in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in block.split("\n")
            if line.startswith("|")
        ][2:]
        example = re.search(r"```json\n(.*?)```", block, re.DOTALL)
        if example:
            yield Sample(form[1], json.loads(example[1]), [(name, "", taken) for name, taken in rows])
        else:
            yield Sample(form[1], None, [(name, value, taken) for name, value, taken in rows])


def written(sample: Sample, folder: Path) -> Path:
    """The file of 120 tickets that the page describes."""
    if sample.document is not None:
        tickets = [of_ticket(sample.document, n) for n in range(ROWS)]
        path = folder / "export.json"
        path.write_text(json.dumps(tickets), encoding="utf-8")
        return path
    header = [name for name, _, _ in sample.columns]
    rows = [[cell(example, n) for example in examples] for n in range(ROWS) for examples in sample.messages]
    if "Excel" in sample.form:
        book = openpyxl.Workbook()
        assert book.active is not None
        for row in (header, *rows):
            book.active.append(row)
        path = folder / "export.xlsx"
        book.save(path)
        return path
    delimiter = ";" if "semicolons" in sample.form else "\t" if "tabs" in sample.form else ","
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerows([header, *rows])
    path = folder / "export.csv"
    path.write_bytes(file.getvalue().encode("cp1252" if "Windows-1252" in sample.form else "utf-8"))
    return path


def understood(read: ReadTickets) -> dict[str, str]:
    """What the product takes each column for, in the words of the pages."""
    words = {role: word for word, role in ROLES.items()}
    taken = {column: words.get(role, role) for role, column in read.roles.single.items()}
    for found in read.roles.attributes:
        word = {"ordered": ", ordered", "multi": ", several labels"}.get(str(found.kind), "")
        taken |= dict.fromkeys(found.columns, ("proposed" if found.proposed else "kept") + word)
    for column in read.roles.ignored:
        code = getattr(read.roles.reasons[column], "code", "")
        why = [word for word, codes in REASONS.items() if code in codes.split()]
        taken[column] = f"left out: {' / '.join(why) or code}"
    return taken


def differences(sample: Sample, read: ReadTickets) -> dict[str, tuple[str, str]]:
    """Columns that are taken for something else than the page says: (the page, the product)."""
    taken = understood(read)
    found = {}
    for name, said in sample.taken.items():
        columns = [column for column in taken if column == name or column.removesuffix("'").startswith(f"{name} (")]
        made = taken.get(name) or next((taken[column] for column in columns), "no column")
        is_left_out = said.startswith("left out: ") and made.startswith("left out: ")
        if said != made and not (is_left_out and said[10:] in made[10:].split(" / ")):
            found[name] = (said, made)
    return found


SAMPLES = [
    pytest.param(sample, id=f"{page.stem}: {sample.form}")
    for page in sorted(PAGES.glob("*.md"))
    if page.stem != "README"
    for sample in samples(page)
]


@pytest.fixture(autouse=True)
def _only_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lines are worth is measured by training: half a second a file, and another test's story."""
    monkeypatch.setattr("otai.tickets.reading.find_leaks", lambda texts, labels: Leaks(()))


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_page_says_what_the_export_is_taken_for(tmp_path: Path, sample: Sample) -> None:
    read, tickets = brought(written(sample, tmp_path), tmp_path)
    assert differences(sample, read) == {}
    assert len(tickets) == ROWS
    by_number = {str(ticket["ticket"]): ticket for ticket in tickets}
    number = next((example for name, example in _ids(sample)), None)
    ticket = by_number[cell(number, 7)] if number else tickets[7]
    roles = sample.taken.values()
    assert "subject" not in roles or subject(7) in str(ticket["subject"])
    assert "text" not in roles or body(7) in str(ticket["body"])
    if "created time" in roles:
        created = ticket["created_at"]
        assert isinstance(created, datetime)
        assert created.replace(tzinfo=None) - FIRST.replace(tzinfo=None) - timedelta(hours=49) < timedelta(hours=9)
    assert not any(SOLVED in f"{ticket['subject']} {ticket['body']}" for ticket in tickets)


def _ids(sample: Sample) -> list[tuple[str, str]]:
    if sample.document is None:
        return [(name, example) for name, example, taken in sample.columns if taken == "ticket id"]
    assert isinstance(sample.document, dict)
    return [(name, f"{sample.document[name]}") for name, taken in sample.taken.items() if taken == "ticket id"]


def test_each_helpdesk_has_a_page_with_a_sample_and_a_place_in_the_list() -> None:
    listed = set(re.findall(r"\]\(([a-z-]+)\.md\)", (PAGES / "README.md").read_text(encoding="utf-8")))
    pages = {page.stem for page in PAGES.glob("*.md")} - {"README"}
    assert pages == listed
    without = {page for page in pages if not list(samples(PAGES / f"{page}.md"))}
    # Mails have no columns.
    assert without == {"mailboxes"}


def _imported(tmp_path: Path, name: str, content: str) -> tuple[ReadTickets, list[dict[str, object]]]:
    (tmp_path / name).write_text(content, encoding="utf-8")
    return brought(tmp_path / name, tmp_path)


def test_the_cards_of_a_board_are_the_tickets_however_much_was_done_to_them(tmp_path: Path) -> None:
    cards = [{"id": f"5f{n:022x}", "name": subject(n), "desc": body(n), "idList": "5d01"} for n in range(ROWS)]
    actions = [{"id": f"5e{n:022x}", "date": at(n), "data": {"text": f"{SOLVED} {n}"}} for n in range(4 * ROWS)]
    board = {"id": "5e01", "name": "Support", "actions": actions, "cards": cards, "members": [{"fullName": "Jana"}]}
    read, tickets = _imported(tmp_path, "board.json", json.dumps(board))
    assert (read.roles.single["body"], len(tickets)) == ("desc", ROWS)


def test_not_assigned_is_nobody(tmp_path: Path) -> None:
    rows = [f"{n},{subject(n)},{'Not Assigned' if n % 4 else agent(n)}" for n in range(ROWS)]
    read, _ = _imported(tmp_path, "report.csv", "\n".join(["Request ID,Subject,Technician", *rows]))
    labels = read.profile.attribute("Technician").labels
    assert {label.name for label in labels} == {"Jana Peters", "Tim Wolf", "Eva Sommer"}
    assert "labels_missing_in_words" in {finding.code for finding in read.profile.findings}


def test_a_tree_of_an_older_otrs_begins_with_its_notification(tmp_path: Path) -> None:
    def tree(n: int) -> str:
        articles = (
            ("email-notification-ext", "OTRS", "We have received your mail."),
            ("email-external", person(n), body(n)),
            ("note-internal", agent(n), SOLVED),
        )
        return "".join(f"\n-->||{kind}||{who}||{at(n)}||<--------------\n{text}" for kind, who, text in articles)

    rows = [f'{n + 10_000};{subject(n)};"{tree(n)}"' for n in range(ROWS)]
    _, tickets = _imported(tmp_path, "search.csv", "\n".join(["TicketNumber;Subject;ArticleTree", *rows]))
    assert [ticket["body"] for ticket in tickets] == [body(n) for n in range(ROWS)]


@pytest.mark.parametrize("fewest_first", [True, False])
def test_parts_of_a_jira_export_have_as_many_columns_of_labels_as_they_need(tmp_path: Path, fewest_first: bool) -> None:
    paths = []
    for part in (0, 1):
        header = ["Issue key", "Summary", "Description", "Priority", *["Labels"] * (part + 1)]
        rows = [
            [f"SUP-{n}", subject(n), body(n), urgency(n), *("vip", topic(n))[: part + 1]]
            for n in range(60 * part, 60 * part + 60)
        ]
        paths.append(tmp_path / f"part{part}.csv")
        paths[part].write_text("\n".join(map(";".join, [header, *rows])), encoding="utf-8")
    first, second = paths if fewest_first else reversed(paths)
    read = read_tickets(first, into=tmp_path / "out.parquet", further=[second])
    counts = {label.name: label.count for label in read.profile.attribute("Labels").labels}
    assert counts["vip"] == ROWS and sum(counts.values()) == ROWS + 60
