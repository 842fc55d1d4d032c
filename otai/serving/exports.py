"""Versions in the forms of others: folders for transformers, and ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from otai.serving import cards
from otai.serving.models import ModelVersion
from otai.serving.queries import FileExists, in_todays_words

if TYPE_CHECKING:
    from otai.learning.exporting import Exported


def write_folder(version: ModelVersion, folder: Path, *, form: str, attribute: str | None = None) -> Exported:
    """One attribute of the version as a folder; `form` is "huggingface" or "onnx".

    Raises FileExists for a folder that holds anything; NothingToExport, NoSuchAttribute, ExportDiffers,
    OnnxNotInstalled, EncodersNotInstalled and MissingEncoder. Then nothing was written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir()) or folder.resolve() == Path.cwd()):
        raise FileExists("folder", path=str(folder))
    from otai.learning.exporting import part_of

    part = part_of(in_todays_words(version), attribute)
    name = f"{version.model.name} v{version.number}"
    if form == "onnx":
        from otai.learning.exporting import onnx_file

        return onnx_file.write_folder(part, folder, name=name)
    from otai.learning.exporting import huggingface

    return huggingface.write_folder(part, folder, name=name, card=cards.report_card(version))
