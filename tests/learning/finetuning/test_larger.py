"""Larger encoders: which one a GPU and a time allow, that memory is saved without another gradient, that every ticket
is seen as often, and that learning ends when the delivery is due. The networks are tiny, of the architectures of the
real ones, and run on the processor."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.gpu_check.networks import ARCHITECTURES, Architecture, write_encoder
from otai.learning.data.targets import AttributeTarget, attribute_target, clean_labels, column_of
from otai.learning.encoders import (
    KNOWN,
    Encoder,
    EncoderStore,
    MissingEncoder,
    import_path,
    missing_libraries,
    open_encoder,
)
from otai.learning.encoders.encoder import bounded_threads
from otai.learning.features.embeddings import EncoderUsed, VectorReader
from otai.learning.finding import Finding
from otai.learning.finetuning import larger, stage
from otai.learning.finetuning.folds import shared_folds
from otai.learning.finetuning.hardware import SLOWEST, SPEEDS, Gpu
from otai.learning.finetuning.larger import LARGER, LargerEncoder, larger_encoder
from otai.learning.finetuning.learnt import FineTuned
from otai.learning.progress import Steps
from otai.learning.recipes import RECIPES, Recipe, Tuning
from tests.learning.encoders.conftest import skip_unless_libraries, tiny_folder
from tests.learning.made_up import QUEUE, made_up_tickets

__all__ = ["tiny_folder"]

pytestmark = pytest.mark.pure

L4 = Gpu("NVIDIA L4", 23_600_000_000)
H100 = Gpu("NVIDIA H100 80GB HBM3", 85_000_000_000)
SMALL = Gpu("NVIDIA RTX A2000", 8_000_000_000)
T4 = Gpu("Tesla T4", 15_800_000_000, has_brain_floats=False)
BASE, LARGE = "multilingual-e5-base", "multilingual-e5-large"
HOUR = 3_600.0
# 100 000 tickets of 100 pieces, seen eight times.
MANY = 100_000 * 100 * 8.0


@pytest.mark.parametrize(
    ("gpu", "tokens", "seconds", "present", "name", "why"),
    [
        (None, 1e6, 4 * HOUR, (BASE, LARGE), None, ()),
        (T4, 1e6, 4 * HOUR, (BASE, LARGE), None, ()),
        (L4, 1e6, 24 * HOUR, (BASE, LARGE), LARGE, ("encoder_larger_taken",)),
        (L4, 1e6, 24 * HOUR, (BASE,), BASE, ("encoder_larger_taken",)),
        (L4, 1e6, 24 * HOUR, (), None, ("encoder_larger_not_there",)),
        (SMALL, 1e6, 24 * HOUR, (BASE, LARGE), BASE, ("encoder_larger_taken",)),
        (SMALL, 1e6, 24 * HOUR, (LARGE,), None, ("encoder_larger_not_there",)),
        (H100, MANY, 4 * HOUR, (BASE, LARGE), LARGE, ("encoder_larger_taken",)),
        (L4, MANY, 24 * HOUR, (BASE, LARGE), LARGE, ("encoder_larger_taken",)),
        (L4, MANY, 1 * HOUR, (BASE, LARGE), BASE, ("encoder_larger_taken",)),
        (L4, MANY, 0.1 * HOUR, (BASE, LARGE), None, ()),
        (L4, 1e6, 0.0, (BASE, LARGE), None, ()),
    ],
)
def test_the_largest_that_has_room_and_time_and_is_here(
    gpu: Gpu | None, tokens: float, seconds: float, present: tuple[str, ...], name: str | None, why: tuple[str, ...]
) -> None:
    choice = larger_encoder(gpu, tokens=tokens, seconds=seconds, present=present)
    assert (choice.name, tuple(one.code for one in choice.why)) == (name, why)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA H100 PCIe", "H100 PCIe"),
        ("NVIDIA H200", "H200"),
        ("NVIDIA A100-SXM4-40GB", "A100"),
        ("NVIDIA A10", "A10"),
        ("NVIDIA L40S", "L40S"),
        ("NVIDIA L4", "L4"),
        # A seventh of it has a seventh of its speed, and the name does not say which part it is.
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "L4"),
        ("NVIDIA RTX of tomorrow", "L4"),
    ],
)
def test_a_gpu_is_as_fast_as_its_data_sheet_and_an_unknown_one_as_the_slowest(name: str, row: str) -> None:
    assert Gpu(name, 0).speed[0] == row
    assert min(SPEEDS, key=lambda one: one[1])[1] == SLOWEST[1]


@pytest.mark.parametrize("name", [BASE, LARGE])
def test_what_is_known_of_a_larger_encoder_is_what_its_configuration_says(name: str) -> None:
    """The bytes of config.json, made from the sizes alone, have the checksum that is known of it."""
    architecture, spec, size = ARCHITECTURES[name], KNOWN[name], LARGER[name]
    config = next(file for file in spec.files if file.name == "config.json")
    content = architecture.config.encode()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (config.bytes, config.sha256)
    assert (size.width, size.layers) == (architecture.width, architecture.layers) and spec.dimension == size.width
    # Four bytes a weight, and a header of a thousandth: nothing but this network is in the file of weights.
    weights = architecture.width * (
        architecture.pieces + 514 + 1 + 2 + (12 * architecture.width + 13) * architecture.layers
    )
    pooler = architecture.width * (architecture.width + 1)
    assert 0 < spec.files[0].bytes - 4 * (weights + pooler) < 100_000
    assert all(tuning.trained_layers == size.trained_layers for tuning in RECIPES["maximum"].tunings_for(name))


@pytest.mark.parametrize("name", [BASE, LARGE])
def test_a_larger_encoder_that_is_not_here_is_told_with_what_brings_it(name: str, tmp_path: Path) -> None:
    with pytest.raises(MissingEncoder) as refusal:
        EncoderStore(tmp_path).find(name)
    assert f"otai encoders pull {name}" in refusal.value.message and KNOWN[name].revision[:8] in refusal.value.message
    assert refusal.value.details["files"] == ["model.safetensors", "tokenizer.json", "config.json"]


WAY = Tuning(epochs=3, rate=2e-3, trained_layers=1, batch=16, most_tokens=48, fewest_steps=1, contrast_below=0)
RECIPE = Recipe(mode="maximum", reads_vectors=True, tunings=(("*", (WAY,)),), tuning_work=1e18)
TICKETS = made_up_tickets(150, seed=3)
TRAIN = np.arange(120)


@pytest.fixture(scope="module")
def store(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> EncoderStore:
    """Alice's small BERT, and two networks that learn as the larger encoders do: an XLM-R, and a ModernBERT as mmBERT
    is."""
    skip_unless_libraries()
    folder = tmp_path_factory.mktemp("larger")
    store = EncoderStore(folder / "store")
    import_path(tiny_folder, store, name="tiny")
    xlm_r = write_encoder(folder / "xlm-r", Architecture(width=32, layers=3, heads=2, pieces=120))
    import_path(xlm_r, store, name="tiny-large", prefix="query: ")
    import_path(modern_bert(folder / "modern", tokenizer=xlm_r / "tokenizer.json"), store, name="tiny-modern")
    return store


def modern_bert(folder: Path, *, tokenizer: Path) -> Path:
    from transformers import ModernBertConfig, ModernBertModel

    config = ModernBertConfig(
        vocab_size=120,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=2,
        max_position_embeddings=64,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        cls_token_id=0,
        sep_token_id=2,
        mlp_dropout=0.1,
    )
    ModernBertModel(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes(tokenizer.read_bytes())
    return folder


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Two would wait for each other longer than such networks take."""
    if missing_libraries():
        yield
        return
    with bounded_threads(1):
        yield


@pytest.fixture(scope="module")
def target() -> AttributeTarget:
    return attribute_target(QUEUE, clean_labels(column_of(TICKETS, QUEUE)), TRAIN, fewest_tickets=5)


def used(store: EncoderStore, name: str) -> EncoderUsed:
    spec = store.find(name).spec
    return EncoderUsed(spec.name, spec.revision, spec.fingerprint, spec.dimension)


def network_of(encoder: Encoder, target: AttributeTarget, **options: Any) -> Any:
    from otai.learning.finetuning.network import Network

    return Network(encoder, labels=len(target.labels), trained_layers=2, most_tokens=48, **options)


def objective_of(target: AttributeTarget, rows: np.ndarray = TRAIN) -> Any:
    from otai.learning.finetuning.objective import Objective

    return Objective.of([target], np.arange(150), rows, prior_trust=0.5, device="cpu")


@pytest.mark.parametrize("name", ["tiny-large", "tiny-modern"])
def test_gradient_checkpointing_gives_the_same_gradients(
    name: str, store: EncoderStore, target: AttributeTarget
) -> None:
    import torch

    from otai.learning.finetuning.network import _layers_of

    encoder = open_encoder(name, store=store, threads=1, device="cpu")
    gradients, passes = [], []
    for recomputes in (False, True):
        network = network_of(encoder, target, recomputes_states=recomputes)
        torch.nn.init.normal_(network.head.weight, generator=torch.Generator().manual_seed(1))
        ran = 0

        def count(*_: Any) -> None:
            nonlocal ran
            ran += 1

        layer = _layers_of(network._upper)[-1]
        # A part of the layer: what recomputing runs again is the inside, not the layer as a whole.
        next(one for one in layer.modules() if isinstance(one, torch.nn.Linear)).register_forward_hook(count)
        texts_read = network.read(TICKETS.texts[:16])
        torch.manual_seed(7)
        with network.learning():
            logits = network.logits(network.vectors(texts_read, range(16)))
            objective_of(target).loss(logits, torch.arange(16)).backward()
        gradients.append([one.grad.clone() for one in network.parameters() if one.grad is not None])
        passes.append(ran)
        network.scores(texts_read, range(16))
    assert passes == [1, 2]
    assert len(gradients[0]) == len(gradients[1]) > 10
    for plain, recomputed in zip(*gradients, strict=True):
        torch.testing.assert_close(recomputed, plain, rtol=1e-5, atol=1e-7)
    assert max(float(one.abs().max()) for one in gradients[0]) > 1e-4


def test_brain_floats_learn_as_full_ones_do(store: EncoderStore, target: AttributeTarget) -> None:
    import torch

    from otai.learning.finetuning.checkpoints import CheckpointStore
    from otai.learning.finetuning.optimisation import tune

    encoder = open_encoder("tiny-large", store=store, threads=1, device="cpu")
    losses = []
    for half in (False, True):
        network = network_of(encoder, target, recomputes_states=True)
        network.uses_brain_floats = half
        texts_read, objective = network.read(TICKETS.texts[:120], keep_states=False), objective_of(target)
        tune(network, texts_read, objective, WAY, seed=0, checkpoints=CheckpointStore.of(None), name="any")
        scores = torch.from_numpy(network.scores(texts_read, range(120)))
        losses.append(float(objective.loss(scores, torch.from_numpy(TRAIN))))
        assert {one.dtype for one in network.parameters()} == {torch.float32}, "what is learnt is kept in full"
    at_chance = float(np.log(len(target.labels)))
    assert losses[1] == pytest.approx(losses[0], abs=0.05) and max(losses) < 0.8 * at_chance


def test_batches_of_like_length_hold_every_ticket_once_an_epoch(store: EncoderStore, target: AttributeTarget) -> None:
    from otai.learning.finetuning.checkpoints import CheckpointStore
    from otai.learning.finetuning.optimisation import tune

    network = network_of(open_encoder("tiny-large", store=store, threads=1, device="cpu"), target)
    texts_read = network.read([text[: 3 + 7 * row % 60] for row, text in enumerate(TICKETS.texts[:120])])
    seen: list[list[int]] = []
    vectors = network.vectors
    network.vectors = lambda read, rows: seen.append(list(rows)) or vectors(read, rows)
    objective = objective_of(target)
    tune(network, texts_read, objective, WAY, seed=0, checkpoints=CheckpointStore.of(None), name="any")
    learning = [rows for rows in seen if len(rows) <= WAY.batch][-3 * 8 :]
    lengths = [len(tokens) for tokens in texts_read.tokens]
    for epoch in range(WAY.epochs):
        batches = learning[8 * epoch : 8 * epoch + 8]
        assert sorted(row for rows in batches for row in rows) == list(TRAIN)
        padding = sum(max(lengths[row] for row in rows) * len(rows) for rows in batches) / sum(lengths)
        assert padding < 1.1, "sorted by length; in the order they came a third would be padding"
    assert learning[:8] != learning[8:16], "in another order each time"


class Clock:
    """Stands still but when a network learns from a batch, which takes a second."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.rates: list[float] = []

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    skip_unless_libraries()
    import torch

    clock, step = Clock(), torch.optim.AdamW.step

    def second(descent: Any, *inputs: Any, **options: Any) -> Any:
        clock.now += 1.0
        clock.rates.append(descent.param_groups[0]["lr"])
        return step(descent, *inputs, **options)

    monkeypatch.setattr(torch.optim.AdamW, "step", second)
    return clock


def run(
    store: EncoderStore,
    target: AttributeTarget,
    clock: Clock,
    *,
    seconds: float | None = None,
    checkpoints: Path | None = None,
) -> FineTuned:
    from otai.learning.finetuning.trainer import FineTuning

    clock.rates.clear()
    fine_tuning = FineTuning(
        texts=TICKETS.texts[:120],
        holdout_texts=TICKETS.texts[120:],
        targets=[target],
        train=TRAIN,
        folds=shared_folds([target], TRAIN, TRAIN, tickets_wanted=20),
        recipe=RECIPE,
        seed=0,
        threads=1,
        checkpoints=checkpoints,
        on_progress=lambda share, note: None,
        gpu=L4,
        until=None if seconds is None else clock.now + seconds,
        clock=clock,
    )
    return fine_tuning.run([used(store, "tiny-large")], store)[0]


def test_learning_ends_when_the_time_does_and_says_how_far_it_came(
    store: EncoderStore, target: AttributeTarget, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otai.learning.finetuning.optimisation.STEPS_TO_MEASURE_THE_PACE", 3)
    assert run(store, target, clock).share_learnt == 1
    needed = len(clock.rates)
    assert needed == 3 * (6 + 8), "three epochs: of the fold's other 96 tickets, then of all 120"
    began = clock.now
    cut = run(store, target, clock, seconds=needed / 2)
    assert clock.now - began <= needed / 2 + 2, "the step under way is ended, in each of the two networks"
    assert 0.3 < cut.share_learnt < 0.7
    assert clock.rates[-1] < 0.3 * max(clock.rates), "the rate falls with the time, to its end"
    assert stage.stopped_early([cut]) == [
        Finding("fine_tuning_stopped", "note", values={"network": "tiny-large", "share": cut.share_learnt})
    ]


def test_without_any_time_there_are_heads_all_the_same(
    store: EncoderStore, target: AttributeTarget, clock: Clock
) -> None:
    none = run(store, target, clock, seconds=0.0)
    assert (none.share_learnt, clock.rates) == (0.0, [])
    assert np.abs(none.out_of_fold).max() > 0.1


def test_with_time_enough_a_training_is_the_same_as_without_a_clock(
    store: EncoderStore, target: AttributeTarget, clock: Clock
) -> None:
    free, ample = run(store, target, clock), run(store, target, clock, seconds=1_000.0)
    assert ample.share_learnt == 1 and stage.stopped_early([ample]) == []
    for name, array in free.network.arrays.items():
        np.testing.assert_array_equal(array, ample.network.arrays[name])


def test_a_training_that_goes_on_remembers_that_a_part_was_cut_short(
    store: EncoderStore, target: AttributeTarget, clock: Clock, tmp_path: Path
) -> None:
    cut = run(store, target, clock, seconds=10.0, checkpoints=tmp_path)
    again = run(store, target, clock, seconds=1_000.0, checkpoints=tmp_path)
    assert again.share_learnt == cut.share_learnt < 1


@pytest.fixture
def on_a_gpu(store: EncoderStore, monkeypatch: pytest.MonkeyPatch) -> Callable[..., stage.TunedEncoders]:
    """Fine-tuning as a training does it, on a machine that has an L4 (and computes on its processor all the same), with
    no way out to a network."""

    def no_network(*_: Any) -> None:
        raise AssertionError("nothing is fetched unasked")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.setattr("otai.learning.finetuning.hardware.this_gpu", lambda: L4)

    def learnt(target: AttributeTarget) -> stage.TunedEncoders:
        folds = shared_folds([target], TRAIN, TRAIN, tickets_wanted=20)
        return stage.tuned_encoders(
            TICKETS.texts[:120],
            TICKETS.texts[120:],
            [target],
            TRAIN,
            folds,
            recipe=RECIPE,
            reader=VectorReader((used(store, "tiny"),), store, threads=1),
            seed=0,
            checkpoints=None,
            steps=Steps(stage.TUNING_STEPS, lambda progress: None),
            until=None,
        )

    return learnt


def test_a_machine_with_a_gpu_trains_the_larger_one_beside_the_others(
    on_a_gpu: Callable[..., stage.TunedEncoders], target: AttributeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    recomputed: list[object] = []
    from otai.learning.finetuning import network, trainer

    plain = network._recompute
    monkeypatch.setattr(network, "_recompute", lambda layer: recomputed.append(layer) or plain(layer))
    tiny = {"tiny-large": LargerEncoder(layers=3, trained_layers=1, width=32, memory_bytes=10**9)}
    monkeypatch.setattr(larger, "LARGER", tiny)
    monkeypatch.setattr(trainer, "LARGER", tiny)
    found = on_a_gpu(target)
    assert [one.network.used.name for one in found.fine_tuned] == ["tiny", "tiny-large"]
    assert [(one.code, one.values) for one in found.findings] == [
        ("encoder_larger_taken", {"encoder": "tiny-large", "gpu": "NVIDIA L4"})
    ]
    assert recomputed, "its states are not kept"
    names = {name for name in found.fine_tuned[1].network.arrays if not name.startswith("head.")}
    assert names and all(".encoder.layer.2." in name for name in names)


def test_weights_that_are_not_here_are_told_and_never_fetched(
    on_a_gpu: Callable[..., stage.TunedEncoders], target: AttributeTarget
) -> None:
    found = on_a_gpu(target)
    assert [one.network.used.name for one in found.fine_tuned] == ["tiny"]
    assert [(one.code, one.values["encoder"]) for one in found.findings] == [("encoder_larger_not_there", LARGE)]


def test_a_machine_without_a_gpu_trains_what_it_always_did(
    on_a_gpu: Callable[..., stage.TunedEncoders], target: AttributeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otai.learning.finetuning.hardware.this_gpu", lambda: None)
    found = on_a_gpu(target)
    assert [one.network.used.name for one in found.fine_tuned] == ["tiny"] and found.findings == []
