"""Markup in texts: what mail programs quote is cut, written-out line breaks become breaks, frames of wikis go."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from otai.tickets.reading import read_tickets

pytestmark = pytest.mark.pure

OWN = "Since this morning the printer on our floor does nothing at all."


def bodies(tmp_path: Path, *texts: str) -> list[tuple[str, str | None]]:
    """Each text as it came in, and as it was where something was cut."""
    path = tmp_path / "tickets.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("subject", "body", "queue"))
        writer.writerows((f"printer {n}", text, "ab"[n % 2]) for n, text in enumerate(texts))
    read_tickets(path, into=tmp_path / "out.parquet")
    return [(row["body"], row["uncut_body"]) for row in pq.read_table(tmp_path / "out.parquet").to_pylist()]


@pytest.mark.parametrize(
    "history",
    [
        "<blockquote>On Mon, Ada wrote: we look into it</blockquote>",
        "<blockquote>Am 5.1. schrieb Ada: wir sehen nach</blockquote>",
        "<blockquote>Le 5 janvier, Ada a écrit : nous regardons</blockquote>",
        "<blockquote>El lunes, Ada escribió: lo miramos</blockquote>",
        "<blockquote>Il 5 gennaio Ada ha scritto: vediamo</blockquote>",
        "<blockquote>Op 5 januari schreef Ada: wij kijken</blockquote>",
        "<blockquote>Dnia 5 stycznia Ada napisał(a): sprawdzimy</blockquote>",
        "<blockquote>Em 5 de janeiro, Ada escreveu: vamos ver</blockquote>",
        "<blockquote>We look into it</blockquote>",
        '<blockquote type="cite">We look into it</blockquote>',
        "<BLOCKQUOTE TYPE=CITE>We look into it</BLOCKQUOTE>",
        '<blockquote class="gmail_quote" style="margin:0">We look into it</blockquote><p>Ada</p>',
        "<blockquote>We look<blockquote>It is broken</blockquote></blockquote>",
        "On Mon, 5 Jan 2026 at 08:43, Help wrote:<br><blockquote>We look into it<br>soon</blockquote>",
    ],
)
def test_a_block_with_an_earlier_mail_is_cut(tmp_path: Path, history: str) -> None:
    [(body, uncut)] = bodies(tmp_path, f"<p>{OWN}</p>{history}")
    assert body.removesuffix("Ada").strip() == OWN
    assert uncut is not None and len(uncut) > len(body)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (f"<p>{OWN} It says:</p><blockquote>Error 0x80070005</blockquote>", f"{OWN} It says:\n\nError 0x80070005"),
        (f"<p>{OWN}</p><blockquote>Error 5</blockquote><p>Please help.</p>", f"{OWN}\n\nError 5\n\nPlease help."),
        (
            f'<p>{OWN}</p><blockquote style="margin:0 0 0 40px;border:none">And mine, too.</blockquote>',
            f"{OWN}\n\nAnd mine, too.",
        ),
        (f"<blockquote type='cite'>{OWN}</blockquote>", OWN),
    ],
)
def test_a_block_of_the_customers_own_words_stays(tmp_path: Path, source: str, text: str) -> None:
    assert bodies(tmp_path, source) == [(text, None)]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"<p>Hello,\nmy printer</p>\n<p>is dead</p>", "Hello,\nmy printer\n\nis dead"),
        (r"Hello<br>my\nPrinter is dead", "Hello\nmy\nPrinter is dead"),
        ("<div>Hello,\\n\\nit is dead</div>\n<div>x</div>", "Hello,\n\nit is dead\n\nx"),
        (r"Bonjour,\r\n&lt;p&gt;c'est cassé&lt;/p&gt;", "Bonjour,\n\nc'est cassé"),
        (r"<p>C:\new\test fails</p>", r"C:\new\test fails"),
    ],
)
def test_line_breaks_that_are_written_out_beside_html_are_breaks(tmp_path: Path, source: str, text: str) -> None:
    assert bodies(tmp_path, source) == [(text, None)]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("*Hello*, my printer is dead", "Hello, my printer is dead"),
        ("*Hallo zusammen*\nder Drucker", "Hallo zusammen\nder Drucker"),
        ("_Bonjour_, ça ne marche pas", "Bonjour, ça ne marche pas"),
        ("h6. Problem\n* one\n** two\n# three\n----\n+new+ and *bold* words",
         "Problem\none\ntwo\nthree\n\nnew and bold words"),
        ("||Name||Value||\n|host|12|", "Name Value\nhost 12"),
        ("bq. it said no\nand then nothing", "it said no\nand then nothing"),
        ("{{ls -l}} says no", "ls -l says no"),
        ("*.txt and *.doc are gone", "*.txt and *.doc are gone"),
        ("* one\n* two", "* one\n* two"),
        ("2*3*4 is 24, and my_var_name is x", "2*3*4 is 24, and my_var_name is x"),
        ("+49 30 1234 and +49 30 5678 are dead", "+49 30 1234 and +49 30 5678 are dead"),
    ],
)  # fmt: skip
def test_frames_of_wikis_go_and_signs_of_texts_stay(tmp_path: Path, source: str, text: str) -> None:
    assert bodies(tmp_path, source) == [(text, None)]
