"""`otai check`: what this installation lacks before strangers reach it."""

from __future__ import annotations

from typing import Any

import typer
from django.conf import settings

from otai.cli.output import JsonOption, print_json, say
from otai.cli.setup import require_installation, require_settings
from otai.deployment import Result, Severity, failing, results, situation

PAGE = "docs/before-strangers-reach-it.md"


def check(json: JsonOption = False) -> None:
    """Say what is missing before strangers reach this installation. Exit code 1 when something needed is.

    Judged is the address of OTAI_BASE_URL: to see what would be missing at another, set it for this command.
    """
    require_installation()
    require_settings()
    found = situation()
    missing = failing(found)
    needed = [result for result in missing if result.severity is Severity.NEEDED]
    if json:
        checks = [_as_dict(result) for result in results(found)]
        print_json({"base_url": found.base_url, "is_open": found.is_open, "ready": not needed, "checks": checks})
    else:
        for result in missing:
            say(_as_lines(result))
        say(_verdict(len(needed), len(missing) - len(needed), is_open=found.is_open))
    if needed:
        raise typer.Exit(1)


def _verdict(needed: int, advised: int, *, is_open: bool) -> str:
    if needed:
        return (
            f"Not ready at {settings.OTAI_BASE_URL}: {needed} needed, {advised} advised. Each is explained in {PAGE}."
        )
    if not is_open:
        return (
            f"Only this machine reaches {settings.OTAI_BASE_URL}; for that nothing is missing. "
            "Before strangers come: OTAI_BASE_URL=https://your.host otai check"
        )
    return f"Ready for strangers at {settings.OTAI_BASE_URL}: nothing needed is missing, {advised} advised."


def _as_lines(result: Result) -> str:
    return f"{result.severity.value:8}{result.code}: {result.sentence()}\n        {result.remedy()}"


def _as_dict(result: Result) -> dict[str, Any]:
    said = {"sentence": result.sentence(), "remedy": result.remedy()}
    return {"code": result.code, "severity": result.severity, "is_met": result.is_met, "values": result.values, **said}


def before_strangers(*, processes: int, listens_on: str) -> list[str]:
    """What `otai studio` says at its start; nothing where only this machine reaches it and all is well."""
    found = situation(processes=processes, listens_on=listens_on)
    needed = [result for result in failing(found) if result.severity is Severity.NEEDED]
    if not needed:
        return []
    return [
        f"Before strangers reach it, {len(needed)} needed:" if found.is_open else "Needed:",
        *(_as_lines(result) for result in needed),
        f"otai check says it again, and what is advised; {PAGE} explains it.",
    ]
