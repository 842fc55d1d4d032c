"""From tickets to fine-tuned networks: which way suits them, what the networks say of tickets that they had not seen, and the networks to deliver.

One encoder after the other; each is read once (its frozen layers), then ways of learning are tried on a part of the tickets, then the way chosen is trained for each fold that is kept
back (for weights, calibration and thresholds), then on the whole training part. That last network is measured on the holdout and is the one delivered: it is not trained once more with the holdout, which
would cost as much again. What it learnt is averaged with what the networks of the folds learnt, which are there anyway: they began as the same encoder and went nearly the same way, so the mean of their
weights errs less than each (Wortsman et al. 2022, "Model soups"), and costs nothing when predicting.

The budget is work (parameters times tokens), never time gone by: a slow machine takes longer and learns the same.
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
from numpy.typing import NDArray

from otai.learning.data.targets import AttributeTarget
from otai.learning.encoders import EncoderStore, usable_cores
from otai.learning.features.embeddings import EncoderUsed, opened_encoder
from otai.learning.finetuning.checkpoints import Keeping, fingerprint
from otai.learning.finetuning.finetuned import Taught, TunedNetwork
from otai.learning.finetuning.network import Network, Reading, Tensors
from otai.learning.finetuning.objective import Lesson
from otai.learning.finetuning.optimisation import tune
from otai.learning.finetuning.successive_halving import halved, rounds
from otai.learning.recipes import Recipe, Tuning

Rows = NDArray[np.int64]

# Multiplications of parameters that a core of 2020 does in a second while learning, forward and backward counted: of a transformer, and of the Universal Sentence Encoder, which
# works out once a batch what depends on a word piece alone. Measured (docs/experiments-maximum.md).
WORK_A_SECOND = 2.0e10
UNIVERSAL_WORK_A_SECOND = 7.0e10

# However few the tickets, a network does not see them more often than this.
MOST_EPOCHS = 12

TICKETS_TO_JUDGE = 1_000
SEARCH_EPOCHS = 2
SEARCH_STEPS = 50

TELL_EVERY = 0.1


@dataclass
class Teacher:
    """Everything that the networks of one training have in common. `train` are rows of the data set; `folds[place]` is -1 for tickets no fold keeps back.

    `tell` is called with the share of the whole work that is done and a sentence for people, empty where there is nothing new to say.
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
    tell: Callable[[float, str], None]
    done_seconds: float = 0.0
    _all: float = 1.0
    _began: float = 0.0
    _told: float = 0.0

    def teach(self, encoders: Sequence[EncoderUsed], store: EncoderStore | None) -> list[Taught]:
        """Trains on the encoders in their order. Raises MissingEncoder, EncodersNotInstalled, and whatever `tell` raises."""
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            students = [_Student(self, used, store) for used in encoders]
            wanted = sum(one.work for one in students)
            affordable = min(1.0, self.recipe.tuning_work / wanted)
            self._all, self._began = affordable * sum(one.seconds for one in students), time.monotonic()
            threads = self.threads or usable_cores()
            names = " and ".join(used.name for used in encoders)
            where = f"with {threads} {'thread' if threads == 1 else 'threads'} and no GPU"
            if torch.cuda.is_available():
                self.tell(0.0, f"Fine-tuning {names} on {len(self.train)} tickets, on a GPU.")
            else:
                length = in_words(self._all / threads)
                self.tell(0.0, f"Fine-tuning {names} on {len(self.train)} tickets takes about {length} {where}.")
            return [student.learn(affordable) for student in students]

    def worked(self, seconds: float) -> None:
        """So many seconds of one core were foretold for what is done now."""
        self.done_seconds += seconds
        gone, share = time.monotonic() - self._began, min(self.done_seconds / self._all, 1.0)
        sentence = ""
        if share - self._told >= TELL_EVERY and share < 1:
            self._told = share
            sentence = f"Fine-tuning: {share:.0%} done, about {in_words(gone * (1 - share) / share)} left."
        self.tell(share, sentence)


class _Student:
    """One encoder that learns."""

    def __init__(self, teacher: Teacher, used: EncoderUsed, store: EncoderStore | None) -> None:
        self._teacher, self._used, self._store = teacher, used, store
        self._ways = teacher.recipe.tunings_for(used.name)
        self._labels = sum(len(target.labels) for target in teacher.targets)
        self._folds = sorted(set(teacher.folds.tolist()) - {-1})
        self._encoder = opened_encoder(used, store, teacher.threads)
        network = self._network()
        self._weight = network.weight_of_a_token()
        self._work_a_second = WORK_A_SECOND if network.is_transformer else UNIVERSAL_WORK_A_SECOND
        self._tokens = float(np.mean([len(tokens) for tokens in network.tokens(teacher.texts)]))
        # Whatever decides what is learnt: what another training saved is of no use to this one. How Business's models are made does not.
        self._keeping = Keeping.of(
            teacher.checkpoints,
            used,
            (teacher.recipe.tunings, teacher.recipe.tuning_work),
            teacher.seed,
            teacher.threads,
            fingerprint(text.encode("utf-8", "surrogatepass") for text in teacher.texts),
            fingerprint([teacher.train, teacher.folds]),
            [(one.spec, one.labels, fingerprint([one.hot, one.known])) for one in teacher.targets],
        )

    @property
    def work(self) -> float:
        """All that is to be done, in multiplications, were there no budget."""
        tickets = len(self._teacher.train)
        sizes = [tickets - int((self._teacher.folds == fold).sum()) for fold in self._folds] + [tickets]
        labels = [
            (int(target.known[self._teacher.train].sum()), len(target.labels)) for target in self._teacher.targets
        ]
        few = min(known / count for known, count in labels)
        passes = max(
            enough_epochs(one, tickets).epochs + (one.contrast_epochs if few < one.contrast_below else 0)
            for one in self._ways
        )
        searched = sum(
            one.ways * one.tickets * SEARCH_EPOCHS for one in rounds(len(self._ways), sizes[0]) if self._folds
        )
        return self._work_of(sum(sizes) * passes + searched)

    @property
    def seconds(self) -> float:
        """How long `work` takes one core."""
        return self.work / self._work_a_second

    def learn(self, affordable: float) -> Taught:
        """`affordable` is the share of the work that the budget allows."""
        teacher, began = self._teacher, self._teacher.done_seconds
        network = self._network()
        with network.bounded_threads(teacher.threads):
            reading = network.read(teacher.texts)
            tuning, tried = self._chosen(reading)
            held = np.flatnonzero(teacher.folds >= 0)
            unseen = np.zeros((len(held), self._labels), np.float32)
            learnt = []
            for fold in self._folds:
                rows = np.flatnonzero(teacher.folds != fold)
                network = self._trained(f"fold-{fold}", reading, tuning, rows, affordable, seed=1 + fold)
                kept_back = np.flatnonzero(teacher.folds == fold)
                unseen[teacher.folds[held] == fold] = network.scores(reading, kept_back.tolist())
                learnt.append(network.learnt())
            network = self._trained("whole", reading, tuning, np.arange(len(teacher.train)), affordable, seed=0)
            arrays = {
                name: one.numpy().astype(np.float16) for name, one in mean_of([*learnt, network.learnt()]).items()
            }
        own = TunedNetwork(
            self._used,
            tuning.trained_layers,
            tuning.most_tokens,
            arrays,
            (),
            store=self._store,
            threads=teacher.threads,
        )
        # The network is here already, and what half precision made of it is what is measured.
        network.take({name: torch.from_numpy(one.astype(np.float32)) for name, one in arrays.items()})
        own.__dict__["network"] = network
        holdout = (
            own.scores(teacher.holdout_texts) if teacher.holdout_texts else np.zeros((0, self._labels), np.float32)
        )
        teacher.worked(max(self.seconds * affordable - (teacher.done_seconds - began), 0.0))
        return Taught(own, held, unseen, holdout, tuning, tried)

    def _chosen(self, reading: Reading) -> tuple[Tuning, list[tuple[Tuning, float]]]:
        """The way of learning whose network, after few tickets, is least wrong about tickets of the first fold."""
        if not self._folds or len(self._ways) == 1:
            return self._ways[0], [(self._ways[0], float("nan"))]
        chance = np.random.default_rng(self._teacher.seed)
        learning = chance.permutation(np.flatnonzero(self._teacher.folds != self._folds[0]))
        judged = chance.permutation(np.flatnonzero(self._teacher.folds == self._folds[0]))[:TICKETS_TO_JUDGE]

        def loss(way: Tuning, tickets: int, number: int) -> float:
            name = f"search-{number}-{self._ways.index(way)}"
            if kept := self._keeping.find(self._file(f"{name}-loss")):
                return float(kept.values["loss"])
            lesson = self._lesson(np.sort(learning[:tickets]), way)
            contrast = min(way.contrast_epochs, 1)
            short = dataclasses.replace(way, epochs=SEARCH_EPOCHS, contrast_epochs=contrast, fewest_steps=SEARCH_STEPS)
            short = enough_epochs(short, len(lesson.rows))
            network = self._network()
            self._tune(network, reading, lesson, short, seed=number, name=name)
            asked = torch.from_numpy(judged)
            scores = torch.from_numpy(network.scores(reading, judged.tolist()))
            found = float(lesson.loss(scores.to(network.device), asked.to(network.device)))
            self._keeping.save(self._file(f"{name}-loss"), {}, {"loss": found})
            self._keeping.forget(self._file(name))
            return found

        return halved(self._ways, len(learning), loss)

    def _trained(
        self, name: str, reading: Reading, tuning: Tuning, rows: Rows, affordable: float, *, seed: int
    ) -> Network:
        network = self._network()
        if kept := self._keeping.find(self._file(f"{name}-done")):
            network.take(kept.tensors)
            return network
        way = enough_epochs(tuning, len(rows))
        if affordable < 1:
            epochs = max(1, math.floor(way.epochs * affordable))
            most = math.ceil(len(rows) * way.epochs * affordable / epochs)
            way = dataclasses.replace(way, epochs=epochs)
            rows = np.sort(np.random.default_rng(self._teacher.seed).permutation(rows)[:most])
        self._tune(network, reading, self._lesson(rows, way), way, seed=seed, name=name)
        self._keeping.save(self._file(f"{name}-done"), network.learnt(), {})
        self._keeping.forget(self._file(name))
        return network

    def _tune(self, network: Network, reading: Reading, lesson: Lesson, way: Tuning, *, seed: int, name: str) -> None:
        tune(
            network,
            reading,
            lesson,
            way,
            seed=1_000 * self._teacher.seed + 10 * seed,
            keeping=self._keeping,
            name=self._file(name),
            tickets_done=lambda tickets: self._teacher.worked(self._work_of(tickets) / self._work_a_second),
        )

    def _lesson(self, rows: Rows, way: Tuning) -> Lesson:
        teacher = self._teacher
        return Lesson.of(teacher.targets, teacher.train, rows, prior_trust=way.prior_trust, device=self._encoder.device)

    def _network(self) -> Network:
        way = self._ways[0]
        return Network(
            self._encoder, labels=self._labels, trained_layers=way.trained_layers, most_tokens=way.most_tokens
        )

    def _file(self, name: str) -> str:
        return f"{self._used.name}-{name}"

    def _work_of(self, tickets: float) -> float:
        return tickets * self._tokens * self._weight


def mean_of(networks: Sequence[Tensors]) -> Tensors:
    """Networks that began alike, as one: the mean of each of their weights."""
    return {name: torch.stack([one[name] for one in networks]).mean(dim=0) for name in networks[0]}


def enough_epochs(way: Tuning, tickets: int) -> Tuning:
    """Few tickets are seen more often: fewer than `fewest_steps` teach nothing."""
    steps_an_epoch = math.ceil(max(tickets, 1) / way.batch)
    return dataclasses.replace(
        way, epochs=max(way.epochs, min(math.ceil(way.fewest_steps / steps_an_epoch), MOST_EPOCHS))
    )


def in_words(seconds: float) -> str:
    """A length of time as people say it, rounded to what an estimate can know."""
    minutes = seconds / 60
    if minutes < 1.5:
        return "a minute"
    return f"{minutes:.0f} minutes" if minutes < 90 else f"{minutes / 60:.1f} hours"
