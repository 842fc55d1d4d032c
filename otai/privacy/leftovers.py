"""Files of the store that no row speaks of: of exports that were being made when their process died, and of
organisations that are erased."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings

from otai.orgs.models import Organisation
from otai.privacy.models import Export, ExportState
from otai.tickets.erasing import delete_files, let_go
from otai.tickets.files import OF_ORGANISATIONS, file_store


def let_go_of_files(organisation: UUID, *, now: datetime) -> int:
    """Everything of an erased organisation in the store, whoever speaks of it; how many files."""
    found = [path for top in OF_ORGANISATIONS for path in file_store().paths(f"{top}/{organisation}")]
    let_go(found, now=now)
    return len(found)


def sweep_leftovers(*, now: datetime) -> int:
    """Deletes them; returns how many. Once a day on each machine, for listing an object store takes its time. For
    housekeeping."""
    mark = Path(settings.OTAI_HOME) / "forgotten" / "leftovers-swept-on"
    if mark.is_file() and mark.read_text() == now.date().isoformat():
        return 0
    orphans = _orphans_of_exports()
    let_go(orphans, now=now)
    found = len(orphans)
    for organisation in Organisation.objects.filter(closed_at__isnull=False).values_list("id", flat=True):
        found += let_go_of_files(organisation, now=now)
    delete_files()
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(now.date().isoformat())
    return found


def _orphans_of_exports() -> list[str]:
    """But for those of an export that waits: its file may be written at this moment."""
    there = file_store().paths("exports")
    # After the list: what came since then is in neither.
    spoken_of = set(Export.objects.exclude(file="").values_list("file", flat=True))
    waiting = {str(id) for id in Export.objects.filter(state=ExportState.WAITING).values_list("id", flat=True)}
    return [path for path in there if path not in spoken_of and path.split("/")[-2] not in waiting]
