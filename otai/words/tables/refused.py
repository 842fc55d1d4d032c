"""All refusals, by code and case."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping

from otai.words.refusal import Refusal
from otai.words.tables import (
    api,
    billing,
    columns,
    command_line,
    encoders,
    files,
    front,
    helpdesks,
    jobs,
    machines,
    operators,
    orgs,
    ours,
    outbound,
    pages,
    pricing,
    runs,
    serve,
    serving,
    tickets,
    training,
    units,
)
from otai.words.tables.pages import ON_PAGES

TRANSLATED: Mapping[str, Refusal] = ChainMap(
    dict(billing.TABLE),
    dict(columns.TABLE),
    dict(files.TABLE),
    dict(front.TABLE),
    dict(helpdesks.TABLE),
    dict(jobs.TABLE),
    dict(operators.TABLE),
    dict(orgs.TABLE),
    dict(outbound.TABLE),
    dict(pages.TABLE),
    dict(pricing.TABLE),
    dict(runs.TABLE),
    dict(serving.TABLE),
    dict(tickets.TABLE),
    dict(training.TABLE),
    dict(units.TABLE),
)
"""What can reach a page, the operators' desk among them: in every language."""

ENGLISH: Mapping[str, Refusal] = ChainMap(
    dict(api.TABLE),
    dict(command_line.TABLE),
    dict(encoders.TABLE),
    dict(machines.TABLE),
    dict(ours.TABLE),
    dict(serve.TABLE),
)
"""What programs, logs and the command line alone are told."""

ALL: Mapping[str, Refusal] = {**ENGLISH, **TRANSLATED}
__all__ = ("ALL", "ENGLISH", "ON_PAGES", "TRANSLATED")
