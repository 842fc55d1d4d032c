"""Networks that learn: what changes and what does not, what is masked, and that a training that was cut off ends in the
same network."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from otai.learning.data.targets import AttributeTarget, attribute_target, clean_labels, column_of
from otai.learning.encoders import EncoderStore, import_path
from otai.learning.features.embeddings import EncoderUsed
from otai.learning.finetuning.checkpoints import CheckpointStore
from otai.learning.finetuning.finetuned import FineTunedNetwork
from otai.learning.finetuning.folds import shared_folds
from otai.learning.finetuning.learnt import FineTuned
from otai.learning.recipes import Recipe, Tuning
from tests.learning.encoders.conftest import tiny_folder
from tests.learning.made_up import PRIORITY, QUEUE, TAGS, made_up_tickets

__all__ = ["tiny_folder"]

pytestmark = pytest.mark.pure

WAY = Tuning(epochs=2, rate=2e-3, trained_layers=1, batch=16, most_tokens=48, fewest_steps=1, contrast_below=0)
RECIPE = Recipe(mode="maximum", reads_vectors=True, tunings=(("*", (WAY,)),), tuning_work=1e18)
TICKETS = made_up_tickets(150, unlabelled=0.3, seed=3)
TRAIN = np.arange(120)


@pytest.fixture(scope="module")
def store(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> EncoderStore:
    store = EncoderStore(tmp_path_factory.mktemp("encoders"))
    import_path(tiny_folder, store, name="tiny")
    return store


@pytest.fixture(scope="module")
def used(store: EncoderStore) -> EncoderUsed:
    spec = store.find("tiny").spec
    return EncoderUsed(spec.name, spec.revision, spec.fingerprint, spec.dimension)


@pytest.fixture(scope="module")
def targets() -> list[AttributeTarget]:
    specs = (QUEUE, PRIORITY, TAGS)
    columns = [clean_labels(column_of(TICKETS, spec)) for spec in specs]
    return [attribute_target(spec, one, TRAIN, fewest_tickets=5) for spec, one in zip(specs, columns, strict=True)]


class CutOff(Exception):
    pass


def run(
    targets: list[AttributeTarget],
    store: EncoderStore,
    used: EncoderUsed,
    *,
    recipe: Recipe = RECIPE,
    checkpoints: Path | None = None,
    cut_off_at: float = 2.0,
    seed: int = 0,
    said: list[str] | None = None,
) -> FineTuned:
    from otai.learning.finetuning.trainer import FineTuning

    def on_progress(share: float, note: str) -> None:
        assert 0 <= share <= 1
        if said is not None and note:
            said.append(note)
        if share >= cut_off_at:
            raise CutOff

    fine_tuning = FineTuning(
        texts=TICKETS.texts[:120],
        holdout_texts=TICKETS.texts[120:],
        targets=targets,
        train=TRAIN,
        folds=shared_folds(targets, TRAIN, TRAIN, tickets_wanted=20),
        recipe=recipe,
        seed=seed,
        threads=1,
        checkpoints=checkpoints,
        on_progress=on_progress,
    )
    return fine_tuning.run([used], store)[0]


def same(one: FineTuned, other: FineTuned) -> bool:
    return (
        all(np.array_equal(array, other.network.arrays[name]) for name, array in one.network.arrays.items())
        and np.array_equal(one.out_of_fold, other.out_of_fold)
        and np.array_equal(one.holdout, other.holdout)
    )


@pytest.fixture(scope="module")
def fine_tuned(targets: list[AttributeTarget], store: EncoderStore, used: EncoderUsed) -> FineTuned:
    return run(targets, store, used)


@pytest.fixture
def saving_always(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("otai.learning.finetuning.optimisation.save_every_seconds", 0.0)
    yield


def test_only_upper_layers_and_heads_learn_and_only_they_are_kept(
    fine_tuned: FineTuned, store: EncoderStore, used: EncoderUsed
) -> None:
    names = {name for name in fine_tuned.network.arrays if not name.startswith("head.")}
    assert names and all(".encoder.layer.1." in name for name in names)
    fresh = dict(fine_tuned.network.network.module.named_parameters())
    from otai.learning.encoders import open_encoder

    before = dict(open_encoder("tiny", store=store).for_training().named_parameters())
    changed = {
        name for name, one in fresh.items() if not np.array_equal(one.detach().numpy(), before[name].detach().numpy())
    }
    # A pooler is no part of a sentence encoder; transformers makes one of random numbers.
    changed = {name for name in changed if "pooler" not in name}
    assert changed == {name.removeprefix("network.") for name in names}


def test_the_same_seed_gives_the_same_network_and_another_seed_another(
    fine_tuned: FineTuned, targets: list[AttributeTarget], store: EncoderStore, used: EncoderUsed
) -> None:
    assert same(run(targets, store, used), fine_tuned)
    assert not same(run(targets, store, used, seed=1), fine_tuned)


@pytest.mark.parametrize("share", [0.1, 0.45, 0.8])
def test_a_training_that_was_cut_off_goes_on_to_the_same_network(
    fine_tuned: FineTuned,
    targets: list[AttributeTarget],
    store: EncoderStore,
    used: EncoderUsed,
    tmp_path: Path,
    saving_always: None,
    share: float,
) -> None:
    with pytest.raises(CutOff):
        run(targets, store, used, checkpoints=tmp_path, cut_off_at=share)
    assert list(tmp_path.glob("*.safetensors")) and not list(tmp_path.glob(".*"))
    assert same(run(targets, store, used, checkpoints=tmp_path), fine_tuned)


def test_a_cut_off_training_with_a_choice_and_a_stage_of_contrastive_learning_goes_on_too(
    targets: list[AttributeTarget], store: EncoderStore, used: EncoderUsed, tmp_path: Path, saving_always: None
) -> None:
    configurations = (
        dataclasses.replace(WAY, contrast_below=1_000, contrast_epochs=1),
        dataclasses.replace(WAY, rate=1e-5, contrast_weight=0.3),
    )
    recipe = dataclasses.replace(RECIPE, tunings=(("*", configurations),))
    whole = run(targets, store, used, recipe=recipe)
    assert len(whole.tried) == 2 and all(np.isfinite(loss) for _, loss in whole.tried)
    assert whole.tuning is min(whole.tried, key=lambda pair: pair[1])[0]
    for share in (0.05, 0.3, 0.6, 0.9):
        with pytest.raises(CutOff):
            run(targets, store, used, recipe=recipe, checkpoints=tmp_path, cut_off_at=share)
    assert same(run(targets, store, used, recipe=recipe, checkpoints=tmp_path), whole)


def test_what_another_training_saved_is_left_alone(
    targets: list[AttributeTarget], store: EncoderStore, used: EncoderUsed, tmp_path: Path, saving_always: None
) -> None:
    with pytest.raises(CutOff):
        run(targets, store, used, checkpoints=tmp_path, cut_off_at=0.6)
    assert same(run(targets, store, used, checkpoints=tmp_path, seed=5), run(targets, store, used, seed=5))


def test_scores_of_tickets_kept_back_come_from_networks_that_had_not_seen_them(
    fine_tuned: FineTuned, targets: list[AttributeTarget]
) -> None:
    folds = shared_folds(targets, TRAIN, TRAIN, tickets_wanted=20)
    np.testing.assert_array_equal(fine_tuned.held, np.flatnonzero(folds >= 0))
    own = fine_tuned.network.scores([TICKETS.texts[int(row)] for row in TRAIN[fine_tuned.held]])
    # The delivered network has learnt from them, so it says something else.
    assert fine_tuned.out_of_fold.shape == own.shape and np.abs(fine_tuned.out_of_fold - own).max() > 0.05


def test_what_is_delivered_is_the_mean_of_what_the_networks_learnt() -> None:
    import torch

    from otai.learning.finetuning.trainer import mean_of

    one, other = ({"head.bias": torch.tensor(values)} for values in ([1.0, 2.0], [3.0, -2.0]))
    assert mean_of([one, other])["head.bias"].tolist() == [2.0, 0.0]
    assert mean_of([one])["head.bias"].tolist() == [1.0, 2.0]


def test_labels_are_learnt_from_the_text(fine_tuned: FineTuned, targets: list[AttributeTarget]) -> None:
    # The tiny encoder spells words letter by letter and has random weights, so more than chance is all that can be
    # asked.
    learnt = fine_tuned.holdout[:, : len(targets[0].labels)].argmax(axis=1)
    known = targets[0].known[120:]
    right = (learnt == targets[0].y[120:].argmax(axis=1))[known].mean()
    assert right > 0.5


def test_an_unknown_label_teaches_nothing(targets: list[AttributeTarget]) -> None:
    import torch

    from otai.learning.finetuning.objective import Objective

    objective = Objective.of(targets, np.arange(150), TRAIN, prior_trust=0.5, device="cpu")
    unknown = np.flatnonzero(~targets[0].known[:120])[:8]
    logits = torch.zeros(8, objective.labels, requires_grad=True)
    objective.loss(logits, torch.from_numpy(unknown)).backward()
    slopes = logits.grad.abs().sum(dim=0)
    queue, rest = slopes[: len(targets[0].labels)], slopes[len(targets[0].labels) :]
    assert float(queue.sum()) == 0 and float(rest.min()) > 0


def test_supervised_contrastive_draws_tickets_of_one_label_together(targets: list[AttributeTarget]) -> None:
    import torch

    from otai.learning.finetuning.objective import Objective

    objective = Objective.of(targets[:1], np.arange(150), TRAIN, prior_trust=0.5, device="cpu")
    rows = np.flatnonzero(targets[0].known[:120])[:40]
    codes = targets[0].codes(rows)
    apart = torch.nn.functional.normalize(torch.randn(40, 16, generator=torch.Generator().manual_seed(0)), dim=1)
    centres = torch.nn.functional.normalize(
        torch.randn(len(targets[0].labels), 16, generator=torch.Generator().manual_seed(1)), dim=1
    )
    together = torch.nn.functional.normalize(centres[torch.from_numpy(codes)] + 0.1 * apart, dim=1)
    where = torch.from_numpy(rows)
    assert (
        float(objective.supervised_contrastive(together, where))
        < float(objective.supervised_contrastive(apart, where)) - 1
    )


def test_it_says_how_long_it_will_take_and_how_long_is_left(
    targets: list[AttributeTarget], store: EncoderStore, used: EncoderUsed
) -> None:
    said: list[str] = []
    run(targets, store, used, said=said)
    assert said[0].startswith("Fine-tuning tiny on 120 tickets takes about a minute with 1 thread")
    assert said[1].startswith("Fine-tuning: 1") and said[1].endswith("left.")


def test_a_budget_bounds_the_work_and_not_the_time(
    targets: list[AttributeTarget], store: EncoderStore, used: EncoderUsed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from otai.learning.finetuning import trainer as teaching

    worked: list[float] = []
    original = teaching.FineTuning.worked

    def counted(fine_tuning: teaching.FineTuning, seconds: float) -> None:
        worked.append(seconds)
        original(fine_tuning, seconds)

    monkeypatch.setattr(teaching.FineTuning, "worked", counted)
    run(targets, store, used)
    whole = sum(worked)
    worked.clear()
    run(targets, store, used, recipe=dataclasses.replace(RECIPE, tuning_work=0.3 * whole * teaching.WORK_A_SECOND))
    assert 0.1 * whole < sum(worked) < 0.35 * whole


def test_a_network_without_its_encoder_says_what_is_missing(fine_tuned: FineTuned, tmp_path: Path) -> None:
    from otai.learning.encoders import UnknownEncoder

    bare = dataclasses.replace(fine_tuned.network, store=EncoderStore(tmp_path))
    with pytest.raises(UnknownEncoder, match="no encoder “tiny”"):
        bare.scores(["anything"])


def test_a_network_comes_back_from_its_manifest(fine_tuned: FineTuned, store: EncoderStore) -> None:
    own = dataclasses.replace(fine_tuned.network, weights=(1.0, 0.0, 0.5))
    again = FineTunedNetwork.from_manifest(own.manifest(), own.arrays)
    again = dataclasses.replace(again, store=store, threads=1)
    np.testing.assert_array_equal(again.scores(TICKETS.texts[120:]), fine_tuned.holdout)
    with pytest.raises(ValueError, match="without its heads"):
        FineTunedNetwork.from_manifest(own.manifest(), {})


def test_a_damaged_or_foreign_file_is_as_good_as_none(tmp_path: Path) -> None:
    import torch

    checkpoints = CheckpointStore.of(tmp_path, "this", 1)
    checkpoints.save("part", {"a": torch.ones(3)}, {"steps": 4})
    found = checkpoints.find("part")
    assert found is not None and found.values == {"steps": 4} and found.tensors["a"].tolist() == [1, 1, 1]
    assert CheckpointStore.of(tmp_path, "another", 1).find("part") is None
    path = tmp_path / "part.safetensors"
    path.write_bytes(path.read_bytes()[:40])
    assert checkpoints.find("part") is None
    assert CheckpointStore.of(None, "nowhere").find("part") is None


@pytest.mark.parametrize("half", [False, True])
def test_half_precision_changes_little(
    targets: list[AttributeTarget], store: EncoderStore, used: EncoderUsed, half: bool
) -> None:
    from otai.learning.encoders import open_encoder
    from otai.learning.finetuning.network import Network

    network = Network(
        open_encoder("tiny", store=store, threads=1, device="cpu"), labels=3, trained_layers=1, most_tokens=32
    )
    texts_read = network.read(TICKETS.texts[:10])
    exact = network.all_vectors(texts_read, range(10))
    network.uses_brain_floats = half
    assert (exact * network.all_vectors(texts_read, range(10))).sum(axis=1).min() > (0.99 if half else 0.999999)
