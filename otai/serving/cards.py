"""Report cards of versions in use: as a page, and beside the version before."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from otai.errors import NotFound
from otai.learning.evidence.report_card import ReportCard
from otai.serving.models import ModelVersion
from otai.tickets.files import file_store

if TYPE_CHECKING:
    from otai.learning.evidence.comparison import Comparison


class NoReportCard(NotFound):
    code = "report_card_missing"


def report_card(version: ModelVersion) -> ReportCard:
    """The version's evidence. Raises NoReportCard where its run left none that this release can read."""
    try:
        return ReportCard.from_json(json.dumps(version.run.report_card))
    except (ValueError, TypeError) as error:
        raise NoReportCard("version", version=version, error=error, model=str(version)) from None


def version_before(version: ModelVersion) -> ModelVersion | None:
    """The version of the same model with the next lower number, or None."""
    return version.model.versions.filter(number__lt=version.number).order_by("-number").first()


def comparison(version: ModelVersion, older: ModelVersion | None = None) -> Comparison | None:
    """The version beside `older`, the one before if none is named; None where there is none before.

    On tickets that neither had learnt when it was measured (`otai.learning.evidence.comparison`). The answer never
    changes, so it is kept in this process. Raises BundleInvalid for a file that was changed, FileStoreUnavailable.
    """
    older = older or version_before(version)
    if older is None:
        return None
    return _compared(older.bundle_file, version.bundle_file)


def card_page(version: ModelVersion, *, with_texts: bool = True, compared: Comparison | None = None) -> str:
    """The report card as one HTML page that needs nothing else. `with_texts` False leaves the beginnings of tickets
    out. `compared` is the comparison with the version before, where a job has made it; it is made here otherwise, which
    takes a minute for a large model.

    Raises NoReportCard, and what `comparison` raises.
    """
    from otai.learning.evidence.card_page import card_html

    card = report_card(version)
    older = version_before(version)
    zone = version.model.organisation.zone
    return card_html(
        card if with_texts else card.without_texts(),
        title=f"{version.model.name} v{version.number}",
        facts=[
            ("run", str(version.run.number)),
            ("ready", f"{version.created_at.astimezone(zone):%Y-%m-%d %H:%M}"),
            ("model file", f"{version.bundle_bytes / 1e6:.1f} MB, sha256 {version.bundle_sha256[:12]}"),
        ],
        comparison=(compared or comparison(version, older)) if older else None,
        compared_with=f"v{older.number}" if older else "",
    )


@lru_cache(maxsize=64)
def _compared(older: str, newer: str) -> Comparison:
    # The numerical libraries take half a second to load.
    from otai.learning.evidence.comparison import compare
    from otai.learning.model.bundle import Bundle

    store = file_store()
    return compare(Bundle.load(store.local_path(older)), Bundle.load(store.local_path(newer)))
