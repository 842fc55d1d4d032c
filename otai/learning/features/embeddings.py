"""What tickets mean, as vectors: which frozen encoders read them, and what a model remembers of those encoders.

The weights of an encoder never go into a model. A model remembers the name, the revision and the fingerprint, and
predicts only with an encoder of that very fingerprint: with another one the same text would have another vector, and
nobody would notice.

    encoding = Encoding(EncoderStore(folder), VectorCache(other_folder))
    reader, why = encoding.for_tickets(texts, languages)       # MissingEncoder, EncodersNotInstalled
    vectors = reader.vectors(texts)                            # (texts, reader.width), unit vectors, side by side
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

# Encoders are imported where they are needed: a model of words alone loads neither them nor their cache.
from otai.learning.arrays import Vectors

if TYPE_CHECKING:
    from otai.learning.encoders import Encoder, EncoderStore, VectorCache


@dataclass(frozen=True)
class EncoderUsed:
    """What a model remembers of an encoder it was trained with."""

    name: str
    revision: str
    fingerprint: str
    dimension: int


@dataclass(frozen=True)
class VectorReader:
    """Texts to vectors, by the encoders of one model, each in its own columns. The first is multilingual (`base_width`
    columns).

    `store` None: the one of this installation.
    """

    used: tuple[EncoderUsed, ...]
    store: EncoderStore | None = None
    cache: VectorCache | None = None
    threads: int | None = None

    @property
    def width(self) -> int:
        """Columns of the vectors of all encoders side by side: the sum of their dimensions."""
        return sum(one.dimension for one in self.used)

    @property
    def base_width(self) -> int:
        """Columns of the multilingual encoder, which stand first."""
        return self.used[0].dimension

    @cached_property
    def _encoders(self) -> tuple[Encoder, ...]:
        return tuple(opened_encoder(one, self.store, self.threads) for one in self.used)

    def ready(self) -> VectorReader:
        """Itself, once every encoder is known to be here at the right revision. Raises MissingEncoder,
        EncodersNotInstalled."""
        _store(self.store).require(one.name for one in self.used)
        assert self._encoders
        return self

    def vectors(self, texts: Sequence[str], *, on_progress: Callable[[float], None] | None = None) -> Vectors:
        """One row a text, shape (texts, width); zeros where an encoder can read nothing. Raises as `ready` does.

        `on_progress` is called with the share of the work that is done; what it raises ends it.
        """
        columns = []
        for number, encoder in enumerate(self.ready()._encoders):

            def encoded(texts_done: int, of: int, before: int = number) -> None:
                if on_progress is not None:
                    on_progress((before + texts_done / max(of, 1)) / len(self.used))

            columns.append(encoder.encode(texts, cache=self.cache, progress=encoded))
        return np.concatenate(columns, axis=1)

    def manifest(self) -> list[dict[str, Any]]:
        """As a model stores it: what it remembers of each encoder."""
        return [asdict(one) for one in self.used]

    @classmethod
    def from_manifest(cls, entries: Sequence[Mapping[str, Any]]) -> VectorReader | None:
        """The encoders of a stored model, in this installation's store; None for a model without."""
        return cls(tuple(EncoderUsed(**entry) for entry in entries)) if entries else None


def opened_encoder(used: EncoderUsed, store: EncoderStore | None, threads: int | None) -> Encoder:
    """The encoder that a model was trained with, from `store` (None: this installation's). Raises MissingEncoder where
    there is none or another revision."""
    from otai.learning.encoders import MissingEncoder, open_encoder

    encoder = open_encoder(used.name, store=_store(store), threads=threads)
    if encoder.fingerprint != used.fingerprint:
        raise MissingEncoder("other_revision", here=encoder.spec.revision, encoder=used.name, revision=used.revision)
    return encoder


def _store(store: EncoderStore | None) -> EncoderStore:
    from otai.learning.encoders import EncoderStore

    return store or EncoderStore()
