"""The model as one file, and what it says about a ticket.

A bundle is a safetensors file (arrays, and a JSON manifest among its metadata). Nothing in it can run code, it holds no
word of any ticket (features are hashes, and so are the tickets it was measured on; landmarks are meanings), and a
checksum over all of it is verified before anything is used. Loading needs numpy and scipy, neither Django nor a
database.
"""

from __future__ import annotations

import dataclasses
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

from otai.learning.arrays import Arrays, Floats, Mask, Matrix, Vectors
from otai.learning.data.attributes import AttributeKind, AttributeSpec
from otai.learning.data.cuts.cutting import TextRules, as_learnt
from otai.learning.decisions import argmax_decision
from otai.learning.errors import BundleInvalid
from otai.learning.features.embeddings import VectorReader
from otai.learning.features.kernel import LandmarkKernel
from otai.learning.features.sketches import sketch_matrix
from otai.learning.features.text import TextFeatures
from otai.learning.finetuning.finetuned import Ensemble, FineTunedNetwork
from otai.learning.finetuning.hierarchy import Hierarchy
from otai.learning.linear.heads import ManyLabelsHead, OneLabelHead, with_top
from otai.learning.model.holdout import HoldoutRecord
from otai.learning.model.reference import Reference

# 2: vectors count by the kernel between them and landmarks. Stored names (`abroad`, `nearness`, `reach`, `pieces`,
# `tuned`) are those of the first version. Models of format 1 are read as well.
FORMAT = 2
SUFFIX = ".otai"

# safetensors begins with the length of its header. A manifest of 5 000 labels takes well under one MiB.
MOST_HEADER_BYTES = 16 * 1024 * 1024

# Below this share of known words a ticket is in a language (or of a matter) that the training never showed. Measured on
# xsid: English tickets not trained on lie above, German, Italian and Dutch ones below (docs/experiments-business.md).
FEWEST_KNOWN_WORDS = 0.5

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
class Scored:
    """Scores of some tickets for one attribute, shape (tickets, labels), and of which tickets they mean something.

    `no_known_token`: nothing in the ticket is known. `out_of_language`: its words are not, so `fallback_scores` say
    more; None: nobody was asked.
    """

    scores: Floats
    no_known_token: Mask
    out_of_language: Mask | None = None
    fallback_scores: Floats | None = None

    def rows(self, which: Mask) -> Scored:
        """Of these tickets only."""
        return Scored(
            self.scores[which],
            self.no_known_token[which],
            None if self.out_of_language is None else self.out_of_language[which],
            None if self.fallback_scores is None else self.fallback_scores[which],
        )


@dataclass(frozen=True)
class OutOfLanguageFallback:
    """The part of a model for tickets in languages that the training did not show: the multilingual encoder's vectors
    alone.

    An encoder of one language beside a multilingual one takes 20 points from every language that the training did not
    show (docs/experiments-encoders.md), so it has no say in such tickets' labels; it may only lower the confidence in
    them. `weights` has shape (base width, labels of all attributes).
    """

    weights: Matrix
    intercepts: Matrix


@dataclass(frozen=True)
class AttributeModel:
    """One attribute's part of a model: its labels stand at `columns` of the score matrix.

    `frequencies` is the share of training tickets that have each label. `thresholds` maps a target precision ("0.95")
    to the confidence from which it held (absent: never), see report_card.Coverage.
    """

    spec: AttributeSpec
    labels: tuple[str, ...]
    columns: slice
    head: OneLabelHead | ManyLabelsHead
    thresholds: Mapping[str, float]
    frequencies: Floats
    fallback_head: OneLabelHead | ManyLabelsHead | None = None
    caps_fallback: bool = False
    """Of a ticket whose words training never showed, the model is no surer than both heads are. False: models from
    before, which were as sure as the fallback."""

    def probabilities(self, scored: Scored) -> Floats:
        """Shape (tickets, labels). A ticket without a single known word says nothing, so it gets the labels'
        frequencies: a low confidence, not a sure guess."""
        probabilities = self.head.probabilities(scored.scores)
        if scored.out_of_language is not None and scored.fallback_scores is not None and self.fallback_head is not None:
            here = scored.out_of_language
            fallback = self.fallback_head.probabilities(scored.fallback_scores[here])
            if self.caps_fallback and not self.spec.is_multi and here.any():
                fallback = with_top(fallback, np.minimum(fallback.max(axis=1), probabilities[here].max(axis=1)))
            probabilities[here] = fallback
        probabilities[scored.no_known_token] = self.frequencies
        return probabilities

    def in_words(self, names: Mapping[str, str]) -> AttributeModel:
        """The same with other names for some of its labels, also in their order."""
        order = tuple(names.get(label, label) for label in self.spec.order)
        labels = tuple(names.get(label, label) for label in self.labels)
        return dataclasses.replace(self, spec=dataclasses.replace(self.spec, order=order), labels=labels)

    def decide(self, probabilities: Floats) -> Mask:
        """Which labels are given, shape of `probabilities` (tickets, labels)."""
        if isinstance(self.head, ManyLabelsHead):
            decided: Mask = probabilities >= self.head.thresholds
            return decided
        return argmax_decision(probabilities)

    def confidence(self, probabilities: Floats) -> Floats:
        """How sure the model is of what it says about each ticket, as in AttributePrediction.confidence, shape
        (tickets,); `probabilities` (tickets, labels)."""
        if not self.spec.is_multi:
            return np.asarray(probabilities.max(axis=1), np.float64)
        decided = self.decide(probabilities)
        given = np.where(decided, probabilities, 1.0).min(axis=1, initial=1.0)
        return np.where(decided.any(axis=1), given, 1.0 - probabilities.max(axis=1, initial=0.0))


@dataclass(frozen=True)
class Bundle:
    """A trained model. `weights` has shape (columns, labels of all attributes), `intercepts` (labels of all
    attributes,).

    The weights are numbers that half precision can hold, so that the file keeps them exactly in two bytes each.
    Columns are the features themselves (`sketch_columns` 0), or so many columns that the features are added up into.
    `vector_weights` are those of the vectors or, with `kernel`, those of its landmarks.
    """

    features: TextFeatures
    sketch_columns: int
    weights: Matrix
    intercepts: Matrix
    attributes: tuple[AttributeModel, ...]
    recipe: Mapping[str, Any]
    trained_tickets: int
    vector_weights: Matrix
    reader: VectorReader | None = None
    fallback: OutOfLanguageFallback | None = None
    ensemble: Ensemble | None = None
    hierarchy: Hierarchy | None = None
    holdout: HoldoutRecord | None = None
    reference: Reference | None = None
    kernel: LandmarkKernel | None = None
    text_rules: TextRules | None = None
    """What was cut from the texts that it learnt from, and is cut from every text it reads. None: nothing (models made
    before there were rules)."""

    @property
    def specs(self) -> tuple[AttributeSpec, ...]:
        """The attributes that it predicts, in the order of its report card."""
        return tuple(attribute.spec for attribute in self.attributes)

    def in_words(self, names: Mapping[str, Mapping[str, str]]) -> Bundle:
        """The same model, whose labels have the names that people gave them since: `names` by attribute and label that
        it learnt."""
        attributes = tuple(one.in_words(names.get(one.spec.name, {})) for one in self.attributes)
        return dataclasses.replace(self, attributes=attributes)

    @cached_property
    def _sketch(self) -> sparse.csr_matrix:
        return sketch_matrix(self.features.hashes, self.sketch_columns)

    def as_learnt(self, texts: Sequence[str]) -> Sequence[str]:
        """The texts as training read them: markup read, quoted history and signatures cut where they were cut there."""
        return as_learnt(texts, self.text_rules)

    def probabilities(self, texts: Sequence[str]) -> dict[str, Floats]:
        """For each attribute the calibrated probability of each of its labels, shape (texts, labels)."""
        texts = self.as_learnt(texts)
        matrix, known_words = self.features.read(texts)
        if self.reader is None:
            vectors = np.zeros((len(texts), 0), np.float32)
        else:
            vectors = self.reader.vectors(texts)
        networks = self.ensemble.scores(texts) if self.ensemble is not None else []
        return {
            one.spec.name: one.probabilities(scored)
            for one, scored in zip(self.attributes, self.scored(matrix, known_words, vectors, networks), strict=True)
        }

    def scored(
        self,
        matrix: sparse.csr_matrix,
        known_words: Floats,
        vectors: Vectors,
        networks: Sequence[Matrix] = (),
    ) -> Iterator[Scored]:
        """For each attribute what it says of tickets, from what was read of them; `networks` are the scores of each
        fine-tuned one."""
        if self.sketch_columns:
            matrix = matrix @ self._sketch
        # The sparse product adds up row by row, so words give a ticket the same score whatever tickets are beside it.
        columns = self.kernel(vectors) if self.kernel is not None else vectors
        scores = (matrix @ self.weights + columns @ self.vector_weights + self.intercepts).astype(np.float64)
        no_known_token = (np.diff(matrix.indptr) == 0) & ~vectors.any(axis=1)
        out_of_language, fallback_scores = None, None
        if self.fallback is not None:
            base = vectors[:, : len(self.fallback.weights)]
            out_of_language = out_of_language_tickets(known_words, base)
            fallback_scores = (base @ self.fallback.weights + self.fallback.intercepts).astype(np.float64)
        own = [scores[:, model.columns] for model in self.attributes]
        if self.ensemble is not None:
            own = [
                self.ensemble.combined(number, own[number], [each[:, model.columns] for each in networks])
                for number, model in enumerate(self.attributes)
            ]
        if self.hierarchy is not None:
            own = self.hierarchy.scores(own)
        for number, model in enumerate(self.attributes):
            apart = None if fallback_scores is None else fallback_scores[:, model.columns]
            yield Scored(own[number], no_known_token, out_of_language, apart)

    def predict(self, texts: Sequence[str]) -> list[TicketPrediction]:
        """One prediction a text, in their order. An empty text gets what its labels' frequencies say, with that
        confidence."""
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
            "features.piece_hashes": self.features.ngram_hashes,
            "features.piece_idf": self.features.ngram_idf,
            "linear.weights": self.weights.astype(np.float16),
            "linear.intercepts": self.intercepts,
        }
        if self.reader is not None:
            tensors["vectors.weights"] = self.vector_weights.astype(np.float16)
        if self.kernel is not None:
            tensors["nearness.directions"] = self.kernel.directions.astype(np.float16)
            tensors["nearness.landmarks"] = self.kernel.landmarks.astype(np.float16)
        if self.fallback is not None:
            tensors["abroad.weights"] = self.fallback.weights.astype(np.float16)
            tensors["abroad.intercepts"] = self.fallback.intercepts
        for number, network in enumerate(self.ensemble.networks if self.ensemble else ()):
            tensors |= {f"tuned.{number}.{name}": array for name, array in network.arrays.items()}
        if self.holdout is not None:
            tensors |= self.holdout.arrays([model.spec.name for model in self.attributes])
        for number, attribute in enumerate(self.attributes):
            arrays: dict[str, NDArray[Any]] = {**attribute.head.arrays(), "frequencies": attribute.frequencies}
            if attribute.fallback_head is not None:
                arrays |= {f"abroad.{name}": array for name, array in attribute.fallback_head.arrays().items()}
            for name, array in arrays.items():
                tensors[f"attribute.{number}.{name}"] = array
        if self.reference is not None:
            tensors |= {f"reference.{name}": array for name, array in self.reference.arrays().items()}
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
            "pieces": [self.features.shortest_ngram, self.features.longest_ngram],
            "encoders": self.reader.manifest() if self.reader else [],
            "reach": self.kernel.length_scale if self.kernel else None,
            "tuned": self.ensemble.manifest() if self.ensemble else None,
            "hierarchy": self.hierarchy.manifest() if self.hierarchy else None,
            "reference": self.reference.manifest() if self.reference else None,
            **({"text_rules": self.text_rules.as_dict()} if self.text_rules else {}),
            "attributes": [
                {
                    "name": one.spec.name,
                    "kind": one.spec.kind.value,
                    "order": list(one.spec.order),
                    "labels": list(one.labels),
                    "thresholds": dict(one.thresholds),
                    **({"doubts_abroad": True} if one.caps_fallback else {}),
                }
                for one in self.attributes
            ],
        }

    @classmethod
    def load(cls, path: Path | str) -> Bundle:
        """Raises `BundleInvalid` for a file that is no bundle, is damaged, or is of a newer format;
        FileNotFoundError."""
        return cls.from_bytes(Path(path).read_bytes())

    @classmethod
    def from_bytes(cls, content: bytes) -> Bundle:
        """As `load`, from the content of a file. Raises BundleInvalid."""
        manifest_text, tensors = _checked(content)
        try:
            return cls._assembled(json.loads(manifest_text), tensors)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise BundleInvalid("parts", error=error) from error

    @classmethod
    def _assembled(cls, manifest: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Bundle:
        attributes = _attributes(manifest["attributes"], tensors)
        labels = attributes[-1].columns.stop if attributes else 0
        features = TextFeatures(
            word_hashes=tensors["features.word_hashes"],
            word_idf=tensors["features.word_idf"],
            ngram_hashes=tensors["features.piece_hashes"],
            ngram_idf=tensors["features.piece_idf"],
            shortest_ngram=manifest["pieces"][0],
            longest_ngram=manifest["pieces"][1],
        )
        sketch_columns = int(manifest["sketch_columns"])
        weights, intercepts = tensors["linear.weights"].astype(np.float32), tensors["linear.intercepts"]
        _fits("weights", weights, (sketch_columns or features.width, labels))
        _fits("intercepts", intercepts, (labels,))
        reader = VectorReader.from_manifest(manifest["encoders"])
        vector_weights, fallback, kernel = np.zeros((0, labels), np.float32), None, None
        if reader is not None:
            vector_weights = tensors["vectors.weights"].astype(np.float32)
            kernel = _kernel(manifest.get("reach"), tensors, reader.width)
            _fits("weights of vectors", vector_weights, (len(kernel.landmarks) if kernel else reader.width, labels))
            fallback = _fallback(tensors, (reader.base_width, labels))
        measured = _named("reference.", tensors)
        return cls(
            features=features,
            sketch_columns=sketch_columns,
            weights=weights,
            intercepts=intercepts,
            attributes=attributes,
            recipe=manifest["recipe"],
            trained_tickets=manifest["trained_tickets"],
            vector_weights=vector_weights,
            reader=reader,
            fallback=fallback,
            ensemble=_ensemble(manifest, tensors, attributes=len(attributes), labels=labels),
            hierarchy=Hierarchy.from_manifest(manifest.get("hierarchy")),
            reference=Reference.from_arrays(measured, manifest["reference"]) if manifest.get("reference") else None,
            kernel=kernel,
            text_rules=TextRules.from_dict(manifest["text_rules"]) if manifest.get("text_rules") else None,
            holdout=HoldoutRecord.from_arrays(tensors, [model.spec.name for model in attributes]),
        )


def _fits(what: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Raises ValueError for another shape."""
    if array.shape != shape:
        raise ValueError(f"{what} of shape {array.shape}, not {shape}")


def _attributes(entries: Sequence[Mapping[str, Any]], tensors: Arrays) -> tuple[AttributeModel, ...]:
    """Raises KeyError, TypeError, ValueError where the parts do not fit together."""
    attributes: list[AttributeModel] = []
    start = 0
    for number, entry in enumerate(entries):
        arrays = _named(f"attribute.{number}.", tensors)
        fallback = _named("abroad.", arrays)
        kind = AttributeKind(entry["kind"])
        head = ManyLabelsHead if kind is AttributeKind.MULTI else OneLabelHead
        columns = slice(start, start + len(entry["labels"]))
        start = columns.stop
        for shifts in (arrays[name] for name in ("label_shifts", "abroad.label_shifts") if name in arrays):
            _fits("shifts of labels", shifts, (len(entry["labels"]),))
        attributes.append(
            AttributeModel(
                spec=AttributeSpec(entry["name"], kind, tuple(entry["order"])),
                labels=tuple(entry["labels"]),
                columns=columns,
                head=head.from_arrays(arrays),
                thresholds=entry["thresholds"],
                frequencies=arrays["frequencies"],
                fallback_head=head.from_arrays(fallback) if fallback else None,
                caps_fallback=entry.get("doubts_abroad") is True,
            )
        )
    return tuple(attributes)


def _named(prefix: str, tensors: Arrays) -> dict[str, NDArray[Any]]:
    """The arrays whose names begin so, by what follows."""
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}


def _fallback(tensors: Arrays, shape: tuple[int, int]) -> OutOfLanguageFallback | None:
    """Raises KeyError, ValueError where the parts do not fit together."""
    if "abroad.weights" not in tensors:
        return None
    fallback = OutOfLanguageFallback(tensors["abroad.weights"].astype(np.float32), tensors["abroad.intercepts"])
    _fits("weights of the fallback", fallback.weights, shape)
    _fits("intercepts of the fallback", fallback.intercepts, shape[1:])
    return fallback


def _kernel(length_scale: float | None, tensors: Arrays, width: int) -> LandmarkKernel | None:
    """Raises KeyError, TypeError, ValueError where the parts do not fit together."""
    if length_scale is None:
        return None
    directions, landmarks = (tensors[f"nearness.{name}"].astype(np.float32) for name in ("directions", "landmarks"))
    if directions.shape != (width, landmarks.shape[1]) or not length_scale > 0:
        raise ValueError(f"directions {directions.shape} for vectors of {width}, landmarks {landmarks.shape}")
    return LandmarkKernel(directions, landmarks, float(length_scale))


def _ensemble(manifest: Mapping[str, Any], tensors: Arrays, *, attributes: int, labels: int) -> Ensemble | None:
    """Raises KeyError, TypeError, ValueError where the parts do not fit together."""
    entry = manifest.get("tuned")
    if not entry:
        return None
    networks = []
    for number, one in enumerate(entry["networks"]):
        networks.append(network := FineTunedNetwork.from_manifest(one, _named(f"tuned.{number}.", tensors)))
        if network.labels != labels or len(network.weights) != attributes:
            raise ValueError(f"a network of {network.labels} labels in a model of {labels}")
    weights = tuple(float(one) for one in entry["business_weights"])
    if len(weights) != attributes:
        raise ValueError(f"{len(weights)} weights for {attributes} attributes")
    return Ensemble(tuple(networks), weights)


def out_of_language_tickets(known_words: Floats, base: Vectors) -> Mask:
    """Which tickets the multilingual encoder judges alone: it read something, and few of their words were seen in
    training. Shape (tickets,)."""
    out_of_language: Mask = (known_words < FEWEST_KNOWN_WORDS) & base.any(axis=1)
    return out_of_language


def _predictions(attribute: AttributeModel, probabilities: Floats) -> Iterator[AttributePrediction]:
    decided = attribute.decide(probabilities)
    shown = min(RUNNERS_UP + 1, len(attribute.labels))
    order = np.argsort(-probabilities, axis=1, kind="stable")
    labels = attribute.labels
    if not attribute.spec.is_multi:
        top = np.take_along_axis(probabilities, order[:, :shown], axis=1)
        for best, confidences in zip(order[:, :shown].tolist(), top.tolist(), strict=True):
            scores = tuple(LabelScore(labels[at], value) for at, value in zip(best, confidences, strict=True))
            yield AttributePrediction((scores[0].label,), scores[0].confidence, scores[:1], scores[1:])
        return
    for row, ranked in enumerate(order.tolist()):
        given = tuple(LabelScore(labels[at], float(probabilities[row, at])) for at in ranked if decided[row, at])
        others = [LabelScore(labels[at], float(probabilities[row, at])) for at in ranked if not decided[row, at]]
        none_applies = 1.0 - (others[0].confidence if others else 0.0)
        confidence = min((score.confidence for score in given), default=none_applies)
        yield AttributePrediction(tuple(score.label for score in given), confidence, given, tuple(others[:RUNNERS_UP]))


def _checksum(manifest: str, tensors: Arrays) -> str:
    digest = hashlib.sha256(manifest.encode("ascii"))
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.data.cast("B") if array.size else b"")
    return digest.hexdigest()


def _checked(content: bytes) -> tuple[str, dict[str, NDArray[Any]]]:
    """The manifest and the arrays of a file whose checksum and format are right."""
    if len(content) < 8:
        raise BundleInvalid("short")
    (header_bytes,) = struct.unpack("<Q", content[:8])
    if header_bytes > min(MOST_HEADER_BYTES, len(content) - 8):
        raise BundleInvalid("part")
    try:
        header = json.loads(content[8 : 8 + header_bytes])
        expected, _, manifest_text = header["__metadata__"]["otai"].partition(" ")
        manifest = json.loads(manifest_text)
        written_format = manifest["format"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BundleInvalid("no_manifest") from error
    if not isinstance(written_format, int) or written_format > FORMAT:
        raise BundleInvalid("format", format=written_format, most=FORMAT)
    try:
        tensors: dict[str, NDArray[Any]] = load_tensors(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise BundleInvalid("damaged", error=error) from error
    if _checksum(manifest_text, tensors) != expected:
        raise BundleInvalid("checksum")
    return manifest_text, tensors
