"""Where encoders lie: one folder, one subfolder a name and revision, every file checked against its checksum before it
is read.

    STORE/use-multilingual/0.2.1/universal.safetensors, sp.model, encoder.json

A folder appears whole or not at all (it is filled beside its place and then renamed), so several processes may import
at once. Nothing here imports torch: asking what is there is cheap enough for every quote.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib.util
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
from safetensors import SafetensorError, safe_open

from otai.learning.encoders.errors import (
    DamagedEncoder,
    EncodersNotInstalled,
    MissingEncoder,
    NotAnEncoder,
    UnknownEncoder,
)
from otai.learning.encoders.known import KNOWN, EncoderSpec, Family, Pooling, WeightFile, known

MANIFEST = "encoder.json"
LIBRARIES = ("torch", "transformers", "tokenizers", "sentencepiece")
INSTALL_COMMAND = "pip install 'otai[encoders]'"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def default_store() -> Path:
    """`OTAI_ENCODERS`, else `encoders` in the product's folder (`OTAI_HOME`, else the user's data folder)."""
    if folder := os.environ.get("OTAI_ENCODERS"):
        return Path(folder).absolute()
    return Path(os.environ.get("OTAI_HOME") or platformdirs.user_data_dir("otai")).absolute() / "encoders"


def missing_libraries() -> tuple[str, ...]:
    """Which of the libraries that run encoders are not installed. Looks, and imports nothing."""
    return tuple(name for name in LIBRARIES if importlib.util.find_spec(name) is None)


@dataclass(frozen=True)
class InstalledEncoder:
    """An encoder whose files lie in the store. Their bytes are checked when it is loaded (`check`), not when it is
    found."""

    spec: EncoderSpec
    folder: Path

    def check(self) -> None:
        """Compares every file with its checksum; DamagedEncoder names the first that differs and how to get it
        again."""
        for file in self.spec.files:
            problem = problem_of(self.folder / file.name, file)
            if problem:
                raise DamagedEncoder(
                    "file",
                    name=file.name,
                    problem=problem,
                    how=_how_to_get(self.spec),
                    encoder=self.spec.name,
                    file=str(self.folder / file.name),
                )


@dataclass(frozen=True)
class EncoderStore:
    """The encoders in one folder. `EncoderStore()` is the folder of this installation (`default_store`)."""

    folder: Path = dataclasses.field(default_factory=default_store)

    def available(self) -> tuple[str, ...]:
        """Names of the encoders whose files are all there, the known ones first. Cheap: looks at names and sizes."""
        return tuple(encoder.spec.name for encoder in self.installed())

    def installed(self) -> list[InstalledEncoder]:
        """All encoders whose files are here and whole: those known to the product, then those imported by hand."""
        found = [InstalledEncoder(spec, self._home(spec)) for spec in KNOWN.values()]
        return [encoder for encoder in found if _is_whole(encoder)] + list(self._imported_by_hand())

    def require(self, names: Iterable[str]) -> None:
        """To be called before anything is paid: EncodersNotInstalled or MissingEncoder unless all of `names` can be
        used here."""
        names = list(names)
        if names and (absent := missing_libraries()):
            raise EncodersNotInstalled("libraries", install=INSTALL_COMMAND, libraries=list(absent))
        for name in names:
            self.find(name)

    def find(self, name: str) -> InstalledEncoder:
        """The encoder, ready to be loaded. MissingEncoder says which file is missing and the command that brings it.
        Raises UnknownEncoder for a name that nobody gave."""
        if name not in KNOWN:
            for encoder in self._imported_by_hand():
                if encoder.spec.name == name:
                    return encoder
            raise UnknownEncoder(
                "here",
                folder=self.folder,
                there=", ".join(self.available()) or "none yet",
                known=list(KNOWN),
                name=name,
            )
        encoder = InstalledEncoder(known(name), self._home(known(name)))
        absent = [file.name for file in encoder.spec.files if not (encoder.folder / file.name).is_file()]
        if absent:
            raise MissingEncoder(
                "files", how=_how_to_get(encoder.spec), encoder=name, files=absent, folder=str(encoder.folder)
            )
        return encoder

    def put(self, spec: EncoderSpec, fill: Callable[[Path], None]) -> InstalledEncoder:
        """Takes an encoder in: `fill` writes its files into a new folder, which replaces what was there once all
        checksums agree. Raises NotAnEncoder where they do not."""
        self.folder.mkdir(parents=True, exist_ok=True)
        home = self._home(spec)
        with tempfile.TemporaryDirectory(prefix=".incoming-", dir=self.folder) as temporary:
            incoming = Path(temporary) / "encoder"
            incoming.mkdir()
            fill(incoming)
            for file in spec.files:
                if problem := problem_of(incoming / file.name, file):
                    raise NotAnEncoder(
                        "other_revision", revision=spec.revision, problem=problem, encoder=spec.name, file=file.name
                    )
            (incoming / MANIFEST).write_text(json.dumps(_as_manifest(spec), indent=2) + "\n")
            home.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(OSError):
                # Somebody who has the old files open keeps them; whoever opens next finds the new ones.
                home.rename(Path(temporary) / "replaced")
            try:
                incoming.rename(home)
            except OSError:
                # Another process has put the same checksums there a moment ago.
                if not _is_whole(InstalledEncoder(spec, home)):
                    raise
        return InstalledEncoder(spec, home)

    def _home(self, spec: EncoderSpec) -> Path:
        return self.folder / spec.name / spec.revision

    def _imported_by_hand(self) -> Iterator[InstalledEncoder]:
        for manifest in sorted(self.folder.glob(f"*/*/{MANIFEST}")):
            if manifest.parent.parent.name in KNOWN:
                continue
            with contextlib.suppress(ValueError, KeyError, TypeError, OSError):
                encoder = InstalledEncoder(_from_manifest(json.loads(manifest.read_text())), manifest.parent)
                if _is_whole(encoder):
                    yield encoder


def sha256_of(path: Path) -> str:
    """The checksum of a file, in hex. Raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def copy(source: Path, target: Path) -> None:
    """Copies a file itself, never a link to it. Raises OSError."""
    # A hub's cache holds links into another folder: what is stored here must stand by itself.
    shutil.copyfile(source.resolve(), target)


def own_spec(folder: Path, *, name: str, prefix: str = "") -> EncoderSpec:
    """The spec of somebody's own encoder, read from its folder in the layout of the hub; its revision is the hash of
    its files.

    Refuses pickled weights and models that bring code of their own: loading either could run anything. Raises
    NotAnEncoder where a file that names its kind is missing or unreadable.
    """
    if not _NAME.fullmatch(name) or name in KNOWN:
        raise NotAnEncoder("name", known=list(KNOWN), name=name)
    refuse_unsafe(folder)
    names = ["model.safetensors", "tokenizer.json", "config.json"]
    try:
        with safe_open(folder / "model.safetensors", framework="numpy") as weights:
            weights.keys()
    except SafetensorError as error:
        raise NotAnEncoder(
            "no_safetensors", folder=folder / "model.safetensors", error=error, file="model.safetensors"
        ) from None
    config = _json(folder / "config.json")
    if "auto_map" in config:
        raise NotAnEncoder("own_code", folder=folder / "config.json", file="config.json")
    files = tuple(
        WeightFile(file, sha256_of((folder / file).resolve()), (folder / file).stat().st_size) for file in names
    )
    pooling = _json(folder / "1_Pooling" / "config.json", missing_ok=True)
    length = _json(folder / "sentence_bert_config.json", missing_ok=True).get("max_seq_length")
    positions = int(config.get("max_position_embeddings", 512))
    return EncoderSpec(
        name=name,
        title=str(config.get("_name_or_path") or name),
        licence="yours to know",
        languages=(),
        dimension=int(config["hidden_size"]),
        family=Family.TRANSFORMER,
        revision=hashlib.sha256("".join(file.sha256 for file in files).encode()).hexdigest()[:16],
        files=files,
        source=None,
        # Two tokens frame a text; XLM-R counts positions from 2, so 514 positions carry 512 tokens.
        head_tokens=max(8, min(int(length or 256), 256, positions - 2) - 2),
        pooling=Pooling.FIRST if pooling.get("pooling_mode_cls_token") else Pooling.MEAN,
        prefix=prefix,
    )


def refuse_unsafe(folder: Path, spec: EncoderSpec | None = None) -> None:
    """NotAnEncoder unless the folder has weights as safetensors, and beside them the other files of `spec` (or of any
    transformer)."""
    wanted = [file.name for file in spec.files] if spec else ["model.safetensors", "tokenizer.json", "config.json"]
    absent = [name for name in wanted if not (folder / name).is_file()]
    pickled = sorted(path.name for path in folder.glob("*") if path.suffix in {".bin", ".pt", ".pth", ".pkl", ".ckpt"})
    if wanted[0] in absent and pickled:
        raise NotAnEncoder("pickle", folder=folder, file=pickled[0])
    if absent:
        raise NotAnEncoder("files", folder=folder, files=absent)


def _json(path: Path, *, missing_ok: bool = False) -> dict[str, Any]:
    if missing_ok and not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise NotAnEncoder("unreadable", path=path, error=error, file=path.name) from None
    if not isinstance(found, dict):
        raise NotAnEncoder("no_object", path=path, file=path.name)
    return found


def problem_of(path: Path, expected: WeightFile) -> str:
    """What is wrong with a file, as the end of a sentence; empty if nothing is."""
    if not path.is_file():
        return "is missing"
    if (size := path.stat().st_size) != expected.bytes:
        return f"has {size:,} bytes instead of {expected.bytes:,}"
    if (found := sha256_of(path)) != expected.sha256:
        return f"has the checksum {found[:12]}… instead of {expected.sha256[:12]}…"
    return ""


def _is_whole(encoder: InstalledEncoder) -> bool:
    """All files there, with the right sizes. Their bytes are checked when they are loaded."""
    try:
        return all((encoder.folder / file.name).stat().st_size == file.bytes for file in encoder.spec.files)
    except OSError:
        return False


def _how_to_get(spec: EncoderSpec) -> str:
    if spec.source is None:
        return f"Import it again: otai encoders import FOLDER --name {spec.name}"
    return (
        f"Run: otai encoders pull {spec.name} (from {spec.source}, {spec.bytes / 1e6:.0f} MB); "
        f"without a network: otai encoders import PATH"
    )


def _as_manifest(spec: EncoderSpec) -> dict[str, Any]:
    return {**dataclasses.asdict(dataclasses.replace(spec, source=None)), "source": str(spec.source or "")}


def _from_manifest(manifest: dict[str, Any]) -> EncoderSpec:
    return EncoderSpec(
        **{
            **manifest,
            "languages": tuple(manifest["languages"]),
            "family": Family(manifest["family"]),
            "pooling": Pooling(manifest["pooling"]),
            "files": tuple(WeightFile(**file) for file in manifest["files"]),
            "source": None,
        }
    )
