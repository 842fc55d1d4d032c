"""Headers of mails as they read, whatever the program that wrote them knew of RFC 2047."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from otai.tickets.reading import read_tickets

pytestmark = pytest.mark.pure

SUBJECTS = {
    "Drucker für Müller — Größe falsch": "Drucker für Müller — Größe falsch".encode(),
    "Drucker für Müller": "Drucker für Müller".encode("cp1252"),
    "Für Müller": "=?utf-8?q?F=C3=BCr?= Müller".encode(),
    "Für Müllers": "=?utf-8?q?F=C3=BCr?= M\xfcllers".encode("latin-1"),
    "Zażółć gęślą jaźń": "Zażółć gęślą jaźń".encode(),
    "très long été": "très long\n été".encode(),
    "niño, ação, però": "niño, ação, però".encode(),
}


def mail(subject: bytes, number: int, more: bytes = b"") -> bytes:
    return (
        b"From: =?utf-8?q?J=C3=BCrgen?= <j%d@example.com>\n"
        b"To: help@acme.example\nDate: Mon, 5 Jan 2026 08:43:00 +0100\n"
        b"Message-ID: <m%d@example.com>\n%bSubject: %b\nContent-Type: text/plain; charset=%b\n"
        b"Content-Transfer-Encoding: 8bit\n\nHello, it is broken since yesterday.\n\n"
    ) % (number, number, more, subject, b"iso-8859-2" if more else b"utf-8")


def subjects_of(path: Path) -> list[str]:
    read_tickets(path, into=path.parent / "out.parquet")
    return sorted(pq.read_table(path.parent / "out.parquet").column("subject").to_pylist())


def test_an_mbox_with_subjects_in_raw_bytes_is_read(tmp_path: Path) -> None:
    mails = [mail(subject, number) for number, subject in enumerate(SUBJECTS.values())]
    (tmp_path / "a.mbox").write_bytes(b"".join(b"From x@y Mon Jan  5 08:43:00 2026\n" + one for one in mails))
    assert subjects_of(tmp_path / "a.mbox") == sorted(SUBJECTS)


def test_mails_in_an_archive_with_subjects_in_raw_bytes_are_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number, subject in enumerate(SUBJECTS.values()):
            archive.writestr(f"{number}.eml", mail(subject, number))
    assert subjects_of(tmp_path / "a.zip") == sorted(SUBJECTS)


def test_the_charset_of_the_text_is_that_of_a_raw_subject(tmp_path: Path) -> None:
    said = "Błąd drukarki w pokoju"
    one = mail(said.encode("iso-8859-2"), 1, b"X-Mailer: old\n")
    (tmp_path / "a.mbox").write_bytes(b"From x@y Mon Jan  5 08:43:00 2026\n" + one)
    assert subjects_of(tmp_path / "a.mbox") == [said]


def test_numbers_of_urgency_in_mails_are_words(tmp_path: Path) -> None:
    levels = (b"X-Priority: 1 (Highest)", b"X-Priority: 3", b"X-Priority: 5 (Lowest)", b"Importance: High")
    with (tmp_path / "a.mbox").open("wb") as file:
        for n in range(40):
            file.write(b"From x@y Mon Jan  5 08:43:00 2026\n")
            file.write(mail(b"printer %d is broken" % n, n, levels[n % 4] + b"\n"))
    [found] = read_tickets(tmp_path / "a.mbox", into=tmp_path / "out.parquet").roles.attributes
    assert found.order == ("lowest", "normal", "high", "highest")
