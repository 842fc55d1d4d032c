"""Versions in the forms of others: folders for transformers, ONNX, and what starts Open Ticket AI."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from otai.serving import cards
from otai.serving.models import ModelVersion
from otai.serving.queries import FileExists, export, in_todays_words

if TYPE_CHECKING:
    from otai.learning.exporting import Exported
    from otai.learning.exporting.open_ticket_ai import ExportedModel


def write_folder(version: ModelVersion, folder: Path, *, form: str, attribute: str | None = None) -> Exported:
    """One attribute of the version as a folder; `form` is "huggingface" or "onnx".

    Raises FileExists for a folder that holds anything; NothingToExport, NoSuchAttribute, ExportDiffers,
    OnnxNotInstalled, EncodersNotInstalled and MissingEncoder. Then nothing was written.
    """
    _refuse_full(folder)
    from otai.learning.exporting import part_of

    part = part_of(in_todays_words(version), attribute)
    name = f"{version.model.name} v{version.number}"
    if form == "onnx":
        from otai.learning.exporting import onnx_file

        return onnx_file.write_folder(part, folder, name=name)
    from otai.learning.exporting import huggingface

    return huggingface.write_folder(part, folder, name=name, card=cards.report_card(version))


def write_open_ticket_ai(
    version: ModelVersion,
    folder: Path,
    *,
    queue: str | None = None,
    priority: str | None = None,
    precision: float = 0.95,
) -> ExportedModel:
    """The version with what starts Open Ticket AI with it. `queue` and `priority` name the attributes that a ticket's
    fields are set from; left out, those that are called so.

    Raises FileExists for a folder that holds anything, NoSuchAttribute, NotOneLabel, PrecisionUnknown and
    BundleInvalid. Then nothing was written.
    """
    _refuse_full(folder)
    from otai.learning.exporting import open_ticket_ai

    return open_ticket_ai.write_folder(
        in_todays_words(version),
        folder,
        name=f"{version.model.name} v{version.number}",
        precision=precision,
        queue=queue,
        priority=priority,
        save=partial(export, version),
    )


def _refuse_full(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir()) or folder.resolve() == Path.cwd()):
        raise FileExists("folder", path=str(folder))
