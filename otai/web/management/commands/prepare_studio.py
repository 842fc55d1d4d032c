"""What has to be there before the pages are served. `otai studio` calls it in its own process, before the server's
start."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from otai.web.demo import prepare_link, prepare_people
from otai.web.static_files import collect


class Command(BaseCommand):
    help = "Collects style sheets and scripts; with --demo, prepares the demo's sign-in link and prints its path."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true")
        parser.add_argument("--host", default="127.0.0.1")

    def handle(self, *args: Any, **options: Any) -> str | None:
        collect()
        if not options["demo"]:
            return None
        token = prepare_link(host=options["host"])
        prepare_people()
        return f"/studio/demo/{token}"
