"""Sentence encoders: texts in, unit vectors out. Pure, and without torch until the first text that no cache knows.

Words: an *encoder* is a network with fixed weights that turns a text into a vector, so that texts that mean the same
lie close together; the *store* is the folder where encoders lie; a *fingerprint* names an encoder together with how it
reads; the *cache* keeps vectors by content. Weights are safetensors only and are checked against their checksums before
they are loaded.

    EncoderStore().require(["use-multilingual"])     # before anything is paid: MissingEncoder, EncodersNotInstalled
    vectors = open_encoder("use-multilingual").encode(texts, cache=VectorCache(folder))    # (n, d) float32

Read `known.py` (what there is), then `store.py` (where it lies), then `encoder.py`. For people: docs/encoders.md.
"""

from otai.learning.encoders.cache import VectorCache
from otai.learning.encoders.encoder import Encoder, open_encoder, usable_cores
from otai.learning.encoders.errors import (
    DamagedEncoder,
    EncodersNotInstalled,
    MissingEncoder,
    NotAnEncoder,
    UnknownEncoder,
)
from otai.learning.encoders.known import KNOWN, EncoderSpec, Family, known
from otai.learning.encoders.reading import ticket_text
from otai.learning.encoders.sources import import_path, pull
from otai.learning.encoders.store import EncoderStore, InstalledEncoder, default_store, missing_libraries

__all__ = [
    "KNOWN",
    "DamagedEncoder",
    "Encoder",
    "EncoderSpec",
    "EncoderStore",
    "EncodersNotInstalled",
    "Family",
    "InstalledEncoder",
    "MissingEncoder",
    "NotAnEncoder",
    "UnknownEncoder",
    "VectorCache",
    "default_store",
    "import_path",
    "known",
    "missing_libraries",
    "open_encoder",
    "pull",
    "ticket_text",
    "usable_cores",
]
