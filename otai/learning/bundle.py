"""The model as one file, and what it says about a ticket.

A bundle is a safetensors file (arrays, and a JSON manifest among its metadata). Nothing in it can run code, it holds no word of any
ticket (features are hashes), and a checksum over all of it is verified before anything is used. Loading needs numpy and
scipy, neither Django nor a database.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors
from scipy import sparse

from otai.learning.errors import BundleInvalid
from otai.learning.features import TextFeatures
from otai.learning.heads import ManyLabelsHead, OneLabelHead
from otai.learning.spaces import sketch_matrix
from otai.learning.tickets import AttributeKind, AttributeSpec

FORMAT = 1
SUFFIX = ".otai"

# safetensors begins with the length of its header. A manifest of 5 000 labels takes well under one MiB.
MOST_HEADER_BYTES = 16 * 1024 * 1024

RUNNERS_UP = 3
CHUNK_TICKETS = 2_048


@dataclass(frozen=True)
class LabelScore:
    """A label and how likely it is (0 to 1)."""

    label: str
    confidence: float


@dataclass(frozen=True)
class AttributePrediction:
    """What the model says about one attribute of one ticket.

    `labels` has exactly one entry for single and ordered attributes, any number for multi-label ones (surest first).
    `confidence` is the calibrated probability of the least certain of them (of no label at all: that none applies).
    `runners_up` are the next likeliest labels, at most three.
    """

    labels: tuple[str, ...]
    confidence: float
    scores: tuple[LabelScore, ...]
    runners_up: tuple[LabelScore, ...]

    @property
    def label(self) -> str | None:
        """The likeliest of the labels given; None where none is."""
        return self.labels[0] if self.labels else None


@dataclass(frozen=True)
class TicketPrediction:
    """One ticket: a prediction for each attribute of the model, by its name."""

    attributes: Mapping[str, AttributePrediction]

    def __getitem__(self, attribute: str) -> AttributePrediction:
        return self.attributes[attribute]


@dataclass(frozen=True)
class AttributeModel:
    """One attribute's part of a model: its labels stand at `columns` of the score matrix.

    `frequencies` is the share of training tickets that have each label. `thresholds` maps a target precision ("0.95") to the confidence from which it held (absent: never), see report_card.Coverage.
    """

    spec: AttributeSpec
    labels: tuple[str, ...]
    columns: slice
    head: OneLabelHead | ManyLabelsHead
    thresholds: Mapping[str, float]
    frequencies: NDArray[np.float64]

    def probabilities(self, scores: NDArray[np.float64], wordless: NDArray[np.bool_]) -> NDArray[np.float64]:
        """From this attribute's scores, shape (tickets, labels). A ticket without a single known word says nothing, so it gets
        the labels' frequencies: a low confidence, not a sure guess."""
        likely = self.head.probabilities(scores)
        likely[wordless] = self.frequencies
        return likely

    def decide(self, probabilities: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which labels are given, shape of `probabilities` (tickets, labels)."""
        if isinstance(self.head, ManyLabelsHead):
            decided: NDArray[np.bool_] = probabilities >= self.head.thresholds
            return decided
        decided = np.zeros(probabilities.shape, np.bool_)
        decided[np.arange(len(probabilities)), probabilities.argmax(axis=1)] = True
        return decided


@dataclass(frozen=True)
class Bundle:
    """A trained model. `weights` has shape (columns, labels of all attributes), `intercepts` (labels of all attributes,).

    The weights are numbers that half precision can hold, so that the file keeps them exactly in two bytes each.
    Columns are the features themselves (`sketch_columns` 0), or so many columns that the features are added up into.
    """

    features: TextFeatures
    sketch_columns: int
    weights: NDArray[np.float32]
    intercepts: NDArray[np.float32]
    attributes: tuple[AttributeModel, ...]
    recipe: Mapping[str, Any]
    trained_tickets: int

    @property
    def specs(self) -> tuple[AttributeSpec, ...]:
        return tuple(attribute.spec for attribute in self.attributes)

    @cached_property
    def _sketch(self) -> sparse.csr_matrix:
        return sketch_matrix(self.features.hashes, self.sketch_columns)

    def probabilities(self, texts: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        """For each attribute the calibrated probability of each of its labels, shape (texts, labels)."""
        matrix = self.features.transform(texts)
        if self.sketch_columns:
            matrix = matrix @ self._sketch
        # The sparse product adds up row by row, so a ticket's score does not depend on the tickets beside it.
        scores = (matrix @ self.weights + self.intercepts).astype(np.float64)
        wordless = np.diff(matrix.indptr) == 0
        return {one.spec.name: one.probabilities(scores[:, one.columns], wordless) for one in self.attributes}

    def predict(self, texts: Sequence[str]) -> list[TicketPrediction]:
        """One prediction a text, in their order. An empty text gets what its labels' frequencies say, with that confidence."""
        predictions: list[TicketPrediction] = []
        for start in range(0, len(texts), CHUNK_TICKETS):
            by_attribute = self.probabilities(texts[start : start + CHUNK_TICKETS])
            columns = {one.spec.name: list(_predictions(one, by_attribute[one.spec.name])) for one in self.attributes}
            names = list(columns)
            predictions.extend(
                TicketPrediction(dict(zip(names, row, strict=True)))
                for row in zip(*(columns[name] for name in names), strict=True)
            )
        return predictions

    def save(self, path: Path | str) -> str:
        """Writes the file whole or not at all; returns its sha256 (of the file) in hex."""
        content = self.to_bytes()
        path = Path(path)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return hashlib.sha256(content).hexdigest()

    def to_bytes(self) -> bytes:
        """The file's content. The same model gives the same bytes."""
        tensors: dict[str, NDArray[Any]] = {
            "features.word_hashes": self.features.word_hashes,
            "features.word_idf": self.features.word_idf,
            "features.piece_hashes": self.features.piece_hashes,
            "features.piece_idf": self.features.piece_idf,
            "linear.weights": self.weights.astype(np.float16),
            "linear.intercepts": self.intercepts,
        }
        for number, attribute in enumerate(self.attributes):
            arrays = attribute.head.arrays() | {"frequencies": attribute.frequencies}
            for name, array in arrays.items():
                tensors[f"attribute.{number}.{name}"] = array
        tensors = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
        manifest = json.dumps(self._manifest(), ensure_ascii=True, sort_keys=True, allow_nan=False)
        # One entry only: safetensors writes several in an order that changes from process to process.
        content: bytes = save_tensors(tensors, metadata={"otai": f"{_checksum(manifest, tensors)} {manifest}"})
        return content

    def _manifest(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "recipe": dict(self.recipe),
            "trained_tickets": self.trained_tickets,
            "sketch_columns": self.sketch_columns,
            "pieces": [self.features.shortest_piece, self.features.longest_piece],
            "attributes": [
                {
                    "name": one.spec.name,
                    "kind": one.spec.kind.value,
                    "order": list(one.spec.order),
                    "labels": list(one.labels),
                    "thresholds": dict(one.thresholds),
                }
                for one in self.attributes
            ],
        }

    @classmethod
    def load(cls, path: Path | str) -> Bundle:
        """Raises `BundleInvalid` for a file that is no bundle, is damaged, or is of a newer format; FileNotFoundError."""
        return cls.from_bytes(Path(path).read_bytes())

    @classmethod
    def from_bytes(cls, content: bytes) -> Bundle:
        manifest_text, tensors = _checked(content)
        try:
            return cls._assembled(json.loads(manifest_text), tensors)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise BundleInvalid(f"The bundle's parts do not fit together: {error!r}.") from error

    @classmethod
    def _assembled(cls, manifest: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Bundle:
        attributes = []
        start = 0
        for number, entry in enumerate(manifest["attributes"]):
            prefix = f"attribute.{number}."
            arrays = {name.removeprefix(prefix): tensors[name] for name in tensors if name.startswith(prefix)}
            kind = AttributeKind(entry["kind"])
            columns = slice(start, start + len(entry["labels"]))
            start = columns.stop
            head = ManyLabelsHead if kind is AttributeKind.MULTI else OneLabelHead
            attributes.append(
                AttributeModel(
                    spec=AttributeSpec(entry["name"], kind, tuple(entry["order"])),
                    labels=tuple(entry["labels"]),
                    columns=columns,
                    head=head.from_arrays(arrays),
                    thresholds=entry["thresholds"],
                    frequencies=arrays.pop("frequencies"),
                )
            )
        features = TextFeatures(
            word_hashes=tensors["features.word_hashes"],
            word_idf=tensors["features.word_idf"],
            piece_hashes=tensors["features.piece_hashes"],
            piece_idf=tensors["features.piece_idf"],
            shortest_piece=manifest["pieces"][0],
            longest_piece=manifest["pieces"][1],
        )
        weights, intercepts = tensors["linear.weights"].astype(np.float32), tensors["linear.intercepts"]
        sketch_columns = int(manifest["sketch_columns"])
        width = sketch_columns or features.width
        if weights.shape != (width, start) or intercepts.shape != (start,):
            raise ValueError(f"weights {weights.shape} for {width} columns and {start} labels")
        return cls(
            features,
            sketch_columns,
            weights,
            intercepts,
            tuple(attributes),
            manifest["recipe"],
            manifest["trained_tickets"],
        )


def _predictions(attribute: AttributeModel, probabilities: NDArray[np.float64]) -> Iterator[AttributePrediction]:
    decided = attribute.decide(probabilities)
    shown = min(RUNNERS_UP + 1, len(attribute.labels))
    order = np.argsort(-probabilities, axis=1, kind="stable")
    labels = attribute.labels
    if not attribute.spec.is_multi:
        top = np.take_along_axis(probabilities, order[:, :shown], axis=1)
        for best, likely in zip(order[:, :shown].tolist(), top.tolist(), strict=True):
            scores = tuple(LabelScore(labels[at], value) for at, value in zip(best, likely, strict=True))
            yield AttributePrediction((scores[0].label,), scores[0].confidence, scores[:1], scores[1:])
        return
    for row, ranked in enumerate(order.tolist()):
        given = tuple(LabelScore(labels[at], float(probabilities[row, at])) for at in ranked if decided[row, at])
        others = [LabelScore(labels[at], float(probabilities[row, at])) for at in ranked if not decided[row, at]]
        none_applies = 1.0 - (others[0].confidence if others else 0.0)
        confidence = min((score.confidence for score in given), default=none_applies)
        yield AttributePrediction(tuple(score.label for score in given), confidence, given, tuple(others[:RUNNERS_UP]))


def _checksum(manifest: str, tensors: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256(manifest.encode("ascii"))
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.data.cast("B") if array.size else b"")
    return digest.hexdigest()


def _checked(content: bytes) -> tuple[str, dict[str, NDArray[Any]]]:
    """The manifest and the arrays of a file whose checksum and format are right."""
    if len(content) < 8:
        raise BundleInvalid("This file is too short to be a bundle.")
    (header_bytes,) = struct.unpack("<Q", content[:8])
    if header_bytes > min(MOST_HEADER_BYTES, len(content) - 8):
        raise BundleInvalid("This file is no bundle, or only a part of one.")
    try:
        header = json.loads(content[8 : 8 + header_bytes])
        expected, _, manifest_text = header["__metadata__"]["otai"].partition(" ")
        manifest = json.loads(manifest_text)
        written_format = manifest["format"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BundleInvalid("This file is no bundle: it has no manifest.") from error
    if not isinstance(written_format, int) or written_format > FORMAT:
        raise BundleInvalid(
            f"This bundle has format {written_format}; this version reads up to {FORMAT}. Update OTAI Studio to use it."
        )
    try:
        tensors: dict[str, NDArray[Any]] = load_tensors(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise BundleInvalid(f"This bundle is damaged: {error}.") from error
    if _checksum(manifest_text, tensors) != expected:
        raise BundleInvalid("This bundle is damaged: its checksum does not fit. Copy or download it again.")
    return manifest_text, tensors
