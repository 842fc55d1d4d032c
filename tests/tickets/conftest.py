"""Tables are imported inside the fixtures: pytest reads this file before Django is set up."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from otai.orgs.models import Organisation
    from otai.tickets.files import FileStore
    from otai.tickets.models import DataSet


@pytest.fixture
def store(tmp_path: Path, settings: Any) -> FileStore:
    """An empty file store of this test's own."""
    from otai.tickets.files import file_store

    settings.OTAI_FILES = (tmp_path / "store").as_uri()
    return file_store()


@pytest.fixture
def acme(db: None, now: Any) -> Organisation:
    from otai.orgs.operations import create_organisation

    return create_organisation(slug="acme", name="Acme Ltd", time_zone="Europe/Berlin", now=now)


@pytest.fixture
def globex(db: None, now: Any) -> Organisation:
    from otai.orgs.operations import create_organisation

    return create_organisation(slug="globex", name="Globex", time_zone="UTC", now=now)


@pytest.fixture
def bring(acme: Organisation, store: FileStore, now: Any, tmp_path: Path) -> Callable[..., DataSet]:
    """Imports a file for acme: its content as text or bytes, or a path."""
    from otai.tickets.operations import import_tickets
    from otai.tickets.options import ImportOptions

    known = {field.name for field in dataclasses.fields(ImportOptions)}

    def bring(
        content: str | bytes | Path, name: str = "support", filename: str = "tickets.csv", **options: Any
    ) -> DataSet:
        source = content if isinstance(content, Path) else tmp_path / filename
        if isinstance(content, str):
            source.write_bytes(content.encode())
        elif isinstance(content, bytes):
            source.write_bytes(content)
        said = {field: options.pop(field) for field in known & options.keys()}
        options.setdefault("organisation", acme)
        return import_tickets(name=name, source=source, now=now, options=ImportOptions(**said), **options)

    return bring
