"""The whole story once more as a customer lives it: over https, through the proxy, to two processes on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from otai.tickets.sample import write_csv
from tests.doors.conftest import Opens
from tests.web.test_the_whole_story import the_whole_story


# On SQLite tests/web tells it.
@pytest.mark.postgres
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("a_browser")
def test_from_signing_up_to_the_invoice_over_tls(open_studio: Opens, tmp_path: Path) -> None:
    tickets = write_csv(tmp_path / "helpdesk.csv", tickets=800)
    with open_studio(worker=True) as studio, studio.browser() as browser:
        the_whole_story(studio.installation, studio.url, browser, tickets)
