"""Texts in, vectors out: one encoder, whatever its family, on the processor or on a GPU.

`open_encoder` is cheap. Weights are checked and loaded when the first text has to be encoded; if every text is in the
cache, torch is never imported. Vectors of one machine and thread count are the same every time; between batches of
another make-up they agree to 1e-5.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from otai.learning.arrays import Matrix, Vectors
from otai.learning.encoders.cache import VectorCache
from otai.learning.encoders.errors import EncodersNotInstalled
from otai.learning.encoders.known import EncoderSpec, Family
from otai.learning.encoders.reading import cut, readable
from otai.learning.encoders.store import INSTALL_COMMAND, EncoderStore, InstalledEncoder, missing_libraries

if TYPE_CHECKING:
    import torch

EncodingProgress = Callable[[int, int], None]
"""Called with how many texts are done and how many there are; may raise, to cancel."""

CHUNK_TEXTS = 2_048
"""Texts tokenised, encoded and written to the cache together: what a killed run loses at most."""

BATCH_TOKENS = {"cpu": 2_048, "cuda": 65_536}
"""Tokens (padding counted) in one pass. Measured: on the processor more does not fit its cache, and less wastes
calls."""


TOKENS_FOR_ONE_THREAD = 128
"""So few tokens are read by one thread: waking others, and theirs of numpy beside them, takes longer than they save.
Measured on two cores: a short ticket through Business 16 to 20 ms with one thread, 32 to 58 ms with two."""


class Tokeniser(Protocol):
    """Words to token ids, as the weights expect them."""

    unknown: int | None
    blank: int | None

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text, uncut and unframed."""
        ...

    def framed(self, tokens: Sequence[int]) -> list[int]:
        """With the tokens that mark beginning and end."""
        ...


class Encoder:
    """Turns texts into unit vectors of `dimension`. Safe to share between threads; one encodes at a time."""

    def __init__(self, installed: InstalledEncoder, *, device: str | None = None, threads: int | None = None) -> None:
        self.installed = installed
        self.spec: EncoderSpec = installed.spec
        self._device, self._threads = device, threads
        self._loaded: tuple[Tokeniser, Any] | None = None
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<Encoder {self.name} {self.spec.revision}>"

    @property
    def name(self) -> str:
        """The name under which it is installed."""
        return self.spec.name

    @property
    def dimension(self) -> int:
        """The width of its vectors: 384, for example. Known without loading its weights."""
        return self.spec.dimension

    @property
    def fingerprint(self) -> str:
        """What a trained model has to remember: with another fingerprint the same text has another vector."""
        return self.spec.fingerprint

    def load(self) -> Encoder:
        """Checks every file and loads the weights, once. EncodersNotInstalled, DamagedEncoder."""
        with self._lock:
            if self._loaded is None:
                if absent := missing_libraries():
                    raise EncodersNotInstalled(
                        "of_encoder", name=self.name, install=INSTALL_COMMAND, libraries=list(absent)
                    )
                self.installed.check()
                _tame_libraries()
                self._loaded = self._load()
        return self

    def for_training(self) -> torch.nn.Module:
        """A copy of the network that may be trained: `module(*module.collate(encoder.tokens(texts)))` is (texts,
        dimension), not normalised. In evaluation mode, on the encoder's device, all parameters asking for a
        gradient."""
        module: torch.nn.Module = copy.deepcopy(self._parts()[1]).requires_grad_(True)
        return module

    def tokens(self, texts: Sequence[str | None]) -> list[list[int]]:
        """What the network reads of each text: token ids, cut to length, framed. An empty text is its frame alone."""
        tokeniser = self._parts()[0]
        return [tokeniser.framed(self._cut(tokens)) for tokens in tokeniser(self._readable(texts))]

    def unknown_share(self, texts: Sequence[str | None]) -> Matrix:
        """(texts,) Which share of each text's tokens the tokeniser does not know: near 1 for a script it never saw.
        1 for a text without tokens. Such texts get the zero vector; many of them are a finding worth telling."""
        tokeniser = self._parts()[0]
        plain = tokeniser(self._readable(texts))
        return np.array([self._unknown_share(tokens) for tokens in plain], dtype=np.float32)

    def encode(
        self,
        texts: Sequence[str | None],
        *,
        cache: VectorCache | None = None,
        progress: EncodingProgress | None = None,
        threads: int | None = None,
        module: torch.nn.Module | None = None,
    ) -> Vectors:
        """(texts, dimension) float32, each row of length one; zeros for a text of which no token is known (or that is
        empty).

        A text that occurs twice is encoded once. With a cache, only what it does not hold is encoded. `module` is a
        network from `for_training`, trained since; its vectors are its own and are never cached.
        """
        assert module is None or cache is None, (
            "the cache holds vectors of the encoder as it came, not of a trained copy"
        )
        rows: dict[str, int] = {}
        which = np.array([rows.setdefault(text or "", len(rows)) for text in texts], dtype=np.int64)
        distinct = list(rows)
        vectors = np.zeros((len(distinct), self.dimension), dtype=np.float32)
        todo = np.arange(len(distinct))
        if cache is not None and distinct:
            todo = cache.read(self.fingerprint, distinct, vectors)
        # Long texts first: a run that does not fit into memory says so at once, and the time left is never
        # underestimated.
        todo = todo[np.argsort([-len(distinct[row]) for row in todo], kind="stable")]
        done = len(distinct) - len(todo)
        for start in range(0, len(todo), CHUNK_TEXTS):
            chunk = todo[start : start + CHUNK_TEXTS]
            wanted = [distinct[row] for row in chunk]
            vectors[chunk] = self._encode(wanted, threads=threads, module=module)
            if cache is not None:
                cache.write(self.fingerprint, wanted, vectors[chunk])
            done += len(chunk)
            if progress:
                progress(done, len(distinct))
        return vectors[which]

    def _encode(self, texts: Sequence[str], *, threads: int | None, module: Any) -> Vectors:
        import torch

        tokeniser = self._parts()[0]
        module = module or self._parts()[1]
        plain = [self._cut(tokens) for tokens in tokeniser(self._readable(texts))]
        framed = [tokeniser.framed(tokens) for tokens in plain]
        readable_rows = [row for row, tokens in enumerate(plain) if self._unknown_share(tokens) < 1]
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        budget = BATCH_TOKENS["cpu" if self.device == "cpu" else "cuda"]
        was_training = module.training
        wanted = threads or self._threads or usable_cores()
        if sum(map(len, framed)) <= TOKENS_FOR_ONE_THREAD:
            wanted = 1
        with self._lock, bounded_threads(wanted), torch.inference_mode():
            # Walking over all parts of a network takes as long as a short text does: only where there is something to
            # change.
            if was_training:
                module.eval()
            for batch in _batches(readable_rows, framed, budget):
                inputs = module.collate([framed[row] for row in batch])
                vectors[batch] = self._forward(module, inputs)
            if was_training:
                module.train()
        return vectors

    def _forward(self, module: Any, inputs: tuple[torch.Tensor, ...]) -> Vectors:
        import torch

        half = self.device != "cpu"
        with torch.autocast("cuda", dtype=torch.float16, enabled=half):
            found = module(*inputs).float()
        if half and not bool(torch.isfinite(found).all()):
            # Half precision ends at 65 504; a network that goes beyond it gets its batch again in full.
            found = module(*inputs).float()
        unit: Vectors = torch.nn.functional.normalize(found, dim=1).cpu().numpy()
        return unit

    @property
    def device(self) -> str:
        """Where it runs: what the caller asked for, else the first GPU that torch sees, else `cpu`."""
        if self._device is None:
            import torch

            self._device = "cuda" if torch.cuda.is_available() else "cpu"
        return self._device

    def _parts(self) -> tuple[Tokeniser, Any]:
        self.load()
        assert self._loaded is not None
        return self._loaded

    def _load(self) -> tuple[Tokeniser, Any]:
        folder, spec = self.installed.folder, self.spec
        tokeniser: Any
        module: Any
        if spec.family is Family.UNIVERSAL:
            from otai.learning.encoders import conversion, universal

            tokeniser = universal.UniversalTokeniser(folder)
            module = universal.UniversalModule.from_file(folder / conversion.WEIGHTS)
        else:
            from otai.learning.encoders import transformer

            tokeniser = transformer.TransformerTokeniser(folder)
            module = transformer.TransformerModule.from_folder(folder, spec.pooling, tokeniser.padding)
        module = module.to(self.device).eval().requires_grad_(False)
        return tokeniser, module

    def _readable(self, texts: Sequence[str | None]) -> list[str]:
        spec = self.spec
        cleaned = (readable(text, head_tokens=spec.head_tokens, tail_tokens=spec.tail_tokens) for text in texts)
        return [spec.prefix + text for text in cleaned]

    def _cut(self, tokens: Sequence[int]) -> list[int]:
        return cut(tokens, head_tokens=self.spec.head_tokens, tail_tokens=self.spec.tail_tokens)

    def _unknown_share(self, tokens: Sequence[int]) -> float:
        tokeniser = self._parts()[0]
        own = tokens[self._prefix_tokens :]
        words = [token for token in own if token != tokeniser.blank]
        return sum(token == tokeniser.unknown for token in words) / len(words) if words else 1.0

    @functools.cached_property
    def _prefix_tokens(self) -> int:
        return len(self._parts()[0]([self.spec.prefix])[0]) if self.spec.prefix else 0


def open_encoder(
    name: str, *, store: EncoderStore | None = None, device: str | None = None, threads: int | None = None
) -> Encoder:
    """The encoder of that name from the store (this installation's, if none is given). Cheap; MissingEncoder,
    UnknownEncoder.

    `device` is torch's name of it ("cpu", "cuda"); `threads` bounds the cores used on a processor (all usable ones
    otherwise).
    """
    return Encoder((store or EncoderStore()).find(name), device=device, threads=threads)


def usable_cores() -> int:
    """Cores that this process may run on; fewer than the machine has, inside a container or under taskset."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _batches(rows: Sequence[int], framed: Sequence[Sequence[int]], budget: int) -> Iterator[list[int]]:
    """Rows of like length together, the longest first, so that little is padding and the first batch needs the most
    memory."""
    batch: list[int] = []
    for row in sorted(rows, key=lambda row: -len(framed[row])):
        if batch and (len(batch) + 1) * len(framed[batch[0]]) > budget:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


@contextlib.contextmanager
def bounded_threads(threads: int) -> Iterator[None]:
    """Holds torch to so many threads of the processor inside, and gives it back what it had before."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(1, threads))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _tame_libraries() -> None:
    # Threads that spin while they wait eat the core of whoever they wait for; on a busy machine encoding then takes ten
    # times as long. Both are read when the libraries are first loaded, so a caller who has set them keeps his values.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
