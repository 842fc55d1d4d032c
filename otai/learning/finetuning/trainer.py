"""From tickets to fine-tuned networks: which configuration suits them, out-of-fold scores, and the networks to deliver.

One encoder after the other; each is read once (its frozen layers), then configurations are tried on a part of the
tickets, then the one chosen is trained for each fold that is kept back (for weights, calibration and thresholds), then
on the whole training part. That last network is measured on the holdout and is the one delivered: it is not trained
once more with the holdout, which would cost as much again. What it learnt is averaged with what the networks of the
folds learnt, which are there anyway: they began as the same encoder and moved nearly alike, so the mean of their
weights errs less than each (weight averaging; Wortsman et al. 2022, "Model soups"), and costs nothing when predicting.

Without a GPU the budget is work (parameters times tokens), never time gone by: a slow machine takes longer and learns
the same. On a GPU it is the time until the delivery that was promised. Whatever the machine, a training that would not
be done by then stops early, and says so.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from otai.learning.arrays import Rows
from otai.learning.data.targets import AttributeTarget
from otai.learning.encoders import EncoderStore, usable_cores
from otai.learning.features.embeddings import EncoderUsed, opened_encoder
from otai.learning.finetuning.checkpoints import CheckpointStore, fingerprint
from otai.learning.finetuning.finetuned import FineTunedNetwork
from otai.learning.finetuning.hardware import Gpu
from otai.learning.finetuning.larger import LARGER
from otai.learning.finetuning.learnt import FineTuned
from otai.learning.finetuning.network import Network, Tensors, TokenisedTexts
from otai.learning.finetuning.objective import Objective
from otai.learning.finetuning.optimisation import TimeBudget, tickets_of, tune
from otai.learning.finetuning.successive_halving import rounds, successive_halving
from otai.learning.recipes import Recipe, Tuning

# Multiplications of parameters that a core of 2020 does in a second while learning, forward and backward counted: of a
# transformer, and of the Universal Sentence Encoder, which works out once a batch what depends on a word piece alone.
# Measured (docs/experiments-maximum.md).
WORK_A_SECOND = 2.0e10
UNIVERSAL_WORK_A_SECOND = 7.0e10

# However few the tickets, a network does not see them more often than this.
MOST_EPOCHS = 12

TICKETS_TO_JUDGE = 1_000
SEARCH_EPOCHS = 2
SEARCH_STEPS = 50

NOTE_EVERY = 0.1


@dataclass
class FineTuning:
    """Everything that the networks of one training have in common. `train` are rows of the data set; `folds[place]` is
    -1 for tickets no fold keeps back.

    `on_progress` is called with the share of the whole work that is done and a sentence for people, empty where there
    is nothing new to say. `gpu` None: it runs on the processor. It ends by the time `until` of `clock`, learnt out or
    not (None: nobody waits for it).
    """

    texts: Sequence[str]
    holdout_texts: Sequence[str]
    targets: Sequence[AttributeTarget]
    train: Rows
    folds: Rows
    recipe: Recipe
    seed: int
    threads: int | None
    checkpoints: Path | None
    on_progress: Callable[[float, str], None]
    gpu: Gpu | None = None
    until: float | None = None
    clock: Callable[[], float] = time.monotonic
    done_seconds: float = 0.0
    _all: float = 1.0
    _began: float = 0.0
    _noted: float = 0.0

    def run(self, encoders: Sequence[EncoderUsed], store: EncoderStore | None) -> list[FineTuned]:
        """Trains on the encoders in their order. Raises MissingEncoder, EncodersNotInstalled, and whatever
        `on_progress` raises."""
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            encoders_in_training = [_EncoderFineTuning(self, used, store) for used in encoders]
            wanted = sum(one.work for one in encoders_in_training)
            affordable = 1.0 if self.gpu else min(1.0, self.recipe.tuning_work / wanted)
            self._all, self._began = affordable * sum(one.seconds for one in encoders_in_training), time.monotonic()
            threads = self.threads or usable_cores()
            names = " and ".join(used.name for used in encoders)
            where = f"with {threads} {'thread' if threads == 1 else 'threads'} and no GPU"
            if self.gpu:
                length = in_words(self._all)
                self.on_progress(
                    0.0, f"Fine-tuning {names} on {len(self.train)} tickets takes about {length} on {self.gpu.name}."
                )
            else:
                length = in_words(self._all / threads)
                self.on_progress(0.0, f"Fine-tuning {names} on {len(self.train)} tickets takes about {length} {where}.")
            return [encoder.learn(affordable) for encoder in encoders_in_training]

    def time_for(self, seconds: float) -> TimeBudget:
        """What of the time left is due to a part that `seconds` were foretold for."""
        if self.until is None:
            return TimeBudget(None, self.clock)
        share = seconds / max(self._all - self.done_seconds, seconds)
        return TimeBudget(max(self.until - self.clock(), 0.0) * share, self.clock)

    def worked(self, seconds: float) -> None:
        """So many seconds of one core, or of the GPU, were foretold for what is done now."""
        self.done_seconds += seconds
        gone, share = time.monotonic() - self._began, min(self.done_seconds / self._all, 1.0)
        sentence = ""
        if share - self._noted >= NOTE_EVERY and share < 1:
            self._noted = share
            sentence = f"Fine-tuning: {share:.0%} done, about {in_words(gone * (1 - share) / share)} left."
        self.on_progress(share, sentence)


class _EncoderFineTuning:
    """One encoder that learns."""

    def __init__(self, fine_tuning: FineTuning, used: EncoderUsed, store: EncoderStore | None) -> None:
        self._fine_tuning, self._used, self._store = fine_tuning, used, store
        self._configurations = fine_tuning.recipe.tunings_for(used.name)
        self._labels = sum(len(target.labels) for target in fine_tuning.targets)
        self._folds = sorted(set(fine_tuning.folds.tolist()) - {-1})
        self._share_learnt = 1.0
        self._encoder = opened_encoder(used, store, fine_tuning.threads)
        network = self._network()
        self._weight = network.weight_of_a_token()
        self._work_a_second = WORK_A_SECOND if network.is_transformer else UNIVERSAL_WORK_A_SECOND
        if fine_tuning.gpu:
            self._work_a_second *= fine_tuning.gpu.work_a_second / WORK_A_SECOND
        self._tokens = float(np.mean([len(tokens) for tokens in network.tokens(fine_tuning.texts)]))
        # Whatever decides what is learnt: what another training saved is of no use to this one. How Business's models
        # are made does not.
        self._checkpoints = CheckpointStore.of(
            fine_tuning.checkpoints,
            used,
            (fine_tuning.recipe.tunings, fine_tuning.recipe.tuning_work),
            fine_tuning.seed,
            fine_tuning.threads,
            fingerprint(text.encode("utf-8", "surrogatepass") for text in fine_tuning.texts),
            fingerprint([fine_tuning.train, fine_tuning.folds]),
            [(one.spec, one.labels, fingerprint([one.y, one.known])) for one in fine_tuning.targets],
        )

    @property
    def work(self) -> float:
        """All that is to be done, in multiplications, were there no budget."""
        tickets = len(self._fine_tuning.train)
        sizes = [tickets - int((self._fine_tuning.folds == fold).sum()) for fold in self._folds] + [tickets]
        labels = [
            (int(target.known[self._fine_tuning.train].sum()), len(target.labels))
            for target in self._fine_tuning.targets
        ]
        few = min(known / count for known, count in labels)
        passes = max(
            enough_epochs(one, tickets).epochs + (one.contrast_epochs if few < one.contrast_below else 0)
            for one in self._configurations
        )
        searched = sum(
            one.configurations * one.tickets * SEARCH_EPOCHS
            for one in rounds(len(self._configurations), sizes[0])
            if self._folds
        )
        return self._work_of(sum(sizes) * passes + searched)

    @property
    def seconds(self) -> float:
        """How long `work` takes one core, or the GPU."""
        return self.work / self._work_a_second

    def learn(self, affordable: float) -> FineTuned:
        """`affordable` is the share of the work that the budget allows."""
        fine_tuning, began = self._fine_tuning, self._fine_tuning.done_seconds
        network = self._network()
        with network.bounded_threads(fine_tuning.threads):
            texts_read = network.read(fine_tuning.texts)
            tuning, tried = self._chosen(texts_read)
            held = np.flatnonzero(fine_tuning.folds >= 0)
            out_of_fold = np.zeros((len(held), self._labels), np.float32)
            learnt = []
            for fold in self._folds:
                rows = np.flatnonzero(fine_tuning.folds != fold)
                network = self._trained(f"fold-{fold}", texts_read, tuning, rows, affordable, seed=1 + fold)
                kept_back = np.flatnonzero(fine_tuning.folds == fold)
                out_of_fold[fine_tuning.folds[held] == fold] = network.scores(texts_read, kept_back.tolist())
                learnt.append(network.learnt())
            network = self._trained("whole", texts_read, tuning, np.arange(len(fine_tuning.train)), affordable, seed=0)
            arrays = {
                name: tensor.numpy().astype(np.float16) for name, tensor in mean_of([*learnt, network.learnt()]).items()
            }
        own = FineTunedNetwork(
            self._used,
            tuning.trained_layers,
            tuning.most_tokens,
            arrays,
            (),
            store=self._store,
            threads=fine_tuning.threads,
        )
        # The network is here already, and what half precision made of it is what is measured.
        network.take({name: torch.from_numpy(array.astype(np.float32)) for name, array in arrays.items()})
        own.__dict__["network"] = network
        holdout = (
            own.scores(fine_tuning.holdout_texts)
            if fine_tuning.holdout_texts
            else np.zeros((0, self._labels), np.float32)
        )
        fine_tuning.worked(max(self.seconds * affordable - (fine_tuning.done_seconds - began), 0.0))
        return FineTuned(own, held, out_of_fold, holdout, tuning, tried, self._share_learnt)

    def _chosen(self, texts_read: TokenisedTexts) -> tuple[Tuning, list[tuple[Tuning, float]]]:
        """The configuration whose network, after few tickets, is least wrong about tickets of the first fold."""
        if not self._folds or len(self._configurations) == 1:
            return self._configurations[0], [(self._configurations[0], float("nan"))]
        chance = np.random.default_rng(self._fine_tuning.seed)
        learning = chance.permutation(np.flatnonzero(self._fine_tuning.folds != self._folds[0]))
        judged = chance.permutation(np.flatnonzero(self._fine_tuning.folds == self._folds[0]))[:TICKETS_TO_JUDGE]

        def loss(configuration: Tuning, tickets: int, number: int) -> float:
            name = f"search-{number}-{self._configurations.index(configuration)}"
            if checkpoint := self._checkpoints.find(self._file(f"{name}-loss")):
                return float(checkpoint.values["loss"])
            objective = self._objective(np.sort(learning[:tickets]), configuration)
            contrast = min(configuration.contrast_epochs, 1)
            short = dataclasses.replace(
                configuration, epochs=SEARCH_EPOCHS, contrast_epochs=contrast, fewest_steps=SEARCH_STEPS
            )
            short = enough_epochs(short, len(objective.rows))
            network = self._network()
            self._tune(network, texts_read, objective, short, seed=number, name=name)
            asked = torch.from_numpy(judged)
            scores = torch.from_numpy(network.scores(texts_read, judged.tolist()))
            judged_loss = float(objective.loss(scores.to(network.device), asked.to(network.device)))
            self._checkpoints.save(self._file(f"{name}-loss"), {}, {"loss": judged_loss})
            self._checkpoints.forget(self._file(name))
            return judged_loss

        return successive_halving(self._configurations, len(learning), loss)

    def _trained(
        self, name: str, texts_read: TokenisedTexts, tuning: Tuning, rows: Rows, affordable: float, *, seed: int
    ) -> Network:
        network = self._network()
        if checkpoint := self._checkpoints.find(self._file(f"{name}-done")):
            network.take(checkpoint.tensors)
            self._share_learnt = min(self._share_learnt, checkpoint.values.get("share", 1.0))
            return network
        configuration = enough_epochs(tuning, len(rows))
        if affordable < 1:
            epochs = max(1, math.floor(configuration.epochs * affordable))
            most = math.ceil(len(rows) * configuration.epochs * affordable / epochs)
            configuration = dataclasses.replace(configuration, epochs=epochs)
            rows = np.sort(np.random.default_rng(self._fine_tuning.seed).permutation(rows)[:most])
        objective = self._objective(rows, configuration)
        share = self._tune(network, texts_read, objective, configuration, seed=seed, name=name)
        self._share_learnt = min(self._share_learnt, share)
        self._checkpoints.save(self._file(f"{name}-done"), network.learnt(), {"share": share})
        self._checkpoints.forget(self._file(name))
        return network

    def _tune(
        self,
        network: Network,
        texts_read: TokenisedTexts,
        objective: Objective,
        configuration: Tuning,
        *,
        seed: int,
        name: str,
    ) -> float:
        return tune(
            network,
            texts_read,
            objective,
            configuration,
            seed=1_000 * self._fine_tuning.seed + 10 * seed,
            checkpoints=self._checkpoints,
            name=self._file(name),
            tickets_done=lambda tickets: self._fine_tuning.worked(self._seconds_of(tickets)),
            time_budget=self._fine_tuning.time_for(self._seconds_of(tickets_of(objective, configuration))),
        )

    def _objective(self, rows: Rows, configuration: Tuning) -> Objective:
        fine_tuning = self._fine_tuning
        return Objective.of(
            fine_tuning.targets,
            fine_tuning.train,
            rows,
            prior_trust=configuration.prior_trust,
            device=self._encoder.device,
        )

    def _network(self) -> Network:
        configuration = self._configurations[0]
        return Network(
            self._encoder,
            labels=self._labels,
            trained_layers=configuration.trained_layers,
            most_tokens=configuration.most_tokens,
            recomputes_states=self._used.name in LARGER,
        )

    def _file(self, name: str) -> str:
        return f"{self._used.name}-{name}"

    def _work_of(self, tickets: float) -> float:
        return tickets * self._tokens * self._weight

    def _seconds_of(self, tickets: float) -> float:
        return self._work_of(tickets) / self._work_a_second


def mean_of(networks: Sequence[Tensors]) -> Tensors:
    """Networks that began alike, as one: the mean of each of their weights."""
    return {name: torch.stack([one[name] for one in networks]).mean(dim=0) for name in networks[0]}


def enough_epochs(configuration: Tuning, tickets: int) -> Tuning:
    """Few tickets are seen more often: in fewer than `fewest_steps` nothing is learnt."""
    steps_an_epoch = math.ceil(max(tickets, 1) / configuration.batch)
    return dataclasses.replace(
        configuration,
        epochs=max(configuration.epochs, min(math.ceil(configuration.fewest_steps / steps_an_epoch), MOST_EPOCHS)),
    )


def in_words(seconds: float) -> str:
    """A length of time as people say it, rounded to what an estimate can know."""
    minutes = seconds / 60
    if minutes < 1.5:
        return "a minute"
    return f"{minutes:.0f} minutes" if minutes < 90 else f"{minutes / 60:.1f} hours"
