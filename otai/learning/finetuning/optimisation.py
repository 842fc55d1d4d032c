"""One network is optimised for one objective: heads first, then (where labels have few tickets) supervised contrastive
learning alone, then all together.

The same network, objective, recipe and seed give the same weights on the same machine with the same threads, also when
the training was cut off and went on from what it had saved: order of tickets and dropout come from generators whose
states are saved with the weights. Unless its time runs out: then it learns as far as it comes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from otai.learning.arrays import Rows
from otai.learning.finetuning.checkpoints import CheckpointStore, Tensors
from otai.learning.finetuning.network import SCALE, Network, TokenisedTexts
from otai.learning.finetuning.objective import Objective
from otai.learning.recipes import Tuning

save_every_seconds = 60.0
"""Work that a lost machine costs at most."""

WARM_UP = 0.1
LONGEST_GRADIENT = 1.0
DECAY = 0.01
HEAD_DROPOUT = 0.1

# Batches are cut from so many batches' tickets sorted by length: little padding, and still chance enough.
SORTED_TOGETHER = 32

# Before so many steps the pace cannot be told: the first ones wait for libraries and the GPU to warm up.
STEPS_TO_MEASURE_THE_PACE = 20


@dataclass(frozen=True)
class TimeBudget:
    """How long a learning may take: `seconds` of `clock`, from when it begins. None: as long as it takes."""

    seconds: float | None = None
    clock: Callable[[], float] = time.monotonic

    def part(self, share: float) -> TimeBudget:
        """A share of it."""
        return self if self.seconds is None else TimeBudget(self.seconds * share, self.clock)


UNBOUNDED = TimeBudget()


def tune(
    network: Network,
    texts_read: TokenisedTexts,
    objective: Objective,
    tuning: Tuning,
    *,
    seed: int,
    checkpoints: CheckpointStore,
    name: str,
    tickets_done: Callable[[int], None] = lambda _tickets: None,
    time_budget: TimeBudget = UNBOUNDED,
) -> float:
    """Trains `network` in place; gives the share of all steps that it made, 1 unless its time ran out. `tickets_done`
    is told of every batch, left out ones too; what it raises ends the training.

    Where the steps will not fit into the time, the rate of learning falls with the time instead, so that it is at its
    end when the time is (budgeted training, Li et al. 2020): a network that was stopped at a high rate is worth less.
    Goes on from what `checkpoints` has under `name`; whoever calls saves the result and forgets the name.
    """
    checkpoint = checkpoints.find(name)
    torch.manual_seed(seed)
    contrastive_epochs = contrast_epochs(objective, tuning)
    contrastive_share = contrastive_epochs / (contrastive_epochs + tuning.epochs)
    made = contrastive_share
    if contrastive_epochs:
        if checkpoint is None or checkpoint.values["stage"] == "contrast":
            descent = _descent([(network.parameters(), tuning.rate)])
            run = _Run(
                network,
                texts_read,
                objective,
                tuning,
                descent,
                contrastive_epochs,
                seed,
                checkpoints,
                name,
                "contrast",
                time_budget.part(contrastive_share),
            )
            made = contrastive_share * run.go(
                checkpoint.values if checkpoint else None, checkpoint.tensors if checkpoint else {}, tickets_done
            )
            checkpoint = None
        else:
            tickets_done(contrastive_epochs * len(objective.rows))
    if checkpoint is None:
        network.head.weight.data, network.head.bias.data = objective.initial_heads(
            network.all_vectors(texts_read, objective.rows.tolist())
        )
    descent = _descent(
        [(network.parameters(), tuning.rate), (list(network.head.parameters()), tuning.rate * tuning.head_rate)]
    )
    run = _Run(
        network,
        texts_read,
        objective,
        tuning,
        descent,
        tuning.epochs,
        seed + 1,
        checkpoints,
        name,
        "labels",
        time_budget.part(1 - contrastive_share),
    )
    return made + (1 - contrastive_share) * run.go(
        checkpoint.values if checkpoint else None, checkpoint.tensors if checkpoint else {}, tickets_done
    )


def contrast_epochs(objective: Objective, tuning: Tuning) -> int:
    """Supervised contrastive epochs come first where labels have few tickets; where they have many, labels alone draw
    tickets together."""
    return tuning.contrast_epochs if objective.tickets_a_label < tuning.contrast_below else 0


def tickets_of(objective: Objective, tuning: Tuning) -> int:
    """How many tickets `tune` will tell of, over all epochs."""
    return (contrast_epochs(objective, tuning) + tuning.epochs) * len(objective.rows)


@dataclass
class _Run:
    """Some epochs of one stage."""

    network: Network
    texts_read: TokenisedTexts
    objective: Objective
    tuning: Tuning
    descent: torch.optim.AdamW
    epochs: int
    seed: int
    checkpoints: CheckpointStore
    name: str
    stage: str
    time_budget: TimeBudget
    steps: int = 0
    _skipped: int = 0
    _began: float = 0.0

    def go(self, values: dict[str, Any] | None, tensors: Tensors, tickets_done: Callable[[int], None]) -> float:
        """The share of the steps that were made."""
        if values is not None:
            self._put_back(values, tensors)
        skipped, saved_at = self.steps, time.monotonic()
        self._skipped, self._began = skipped, self.time_budget.clock()
        rates = [group["lr"] for group in self.descent.param_groups]
        device = self.network.device
        for step, batch in enumerate(self._batches()):
            gone = self._gone(step)
            if step < skipped or gone >= 1:
                tickets_done(len(batch))
                continue
            for group, rate in zip(self.descent.param_groups, rates, strict=True):
                group["lr"] = rate * self._share_of_rate(step, gone)
            with self.network.learning():
                loss = self._loss(batch, torch.from_numpy(batch).to(device))
                self.descent.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(
                    [one for group in self.descent.param_groups for one in group["params"]], LONGEST_GRADIENT
                )
                self.descent.step()
            self.steps = step + 1
            tickets_done(len(batch))
            if time.monotonic() - saved_at >= save_every_seconds:
                self._save()
                saved_at = time.monotonic()
        return self.steps / max(self._all_steps, 1)

    def _loss(self, batch: Rows, rows: Tensor) -> Tensor:
        vectors = self.network.vectors(self.texts_read, batch.tolist())
        if self.stage == "contrast":
            return self.objective.supervised_contrastive(vectors, rows)
        logits = self.network.head(functional.dropout(vectors * SCALE, HEAD_DROPOUT))
        loss = self.objective.loss(logits, rows)
        if self.tuning.contrast_weight:
            loss = loss + self.tuning.contrast_weight * self.objective.supervised_contrastive(vectors, rows)
        return loss

    @property
    def _all_steps(self) -> int:
        return self.epochs * math.ceil(len(self.objective.rows) / self.tuning.batch)

    def _gone(self, step: int) -> float:
        """How much of the way lies behind, 0 to 1: of the steps, or of the time where that runs out before them."""
        by_steps = step / max(self._all_steps, 1)
        if not self.time_budget.seconds:
            return by_steps if self.time_budget.seconds is None else 1.0
        of_time = (self.time_budget.clock() - self._began) / self.time_budget.seconds
        if of_time >= 1:
            return 1.0
        if step - self._skipped < STEPS_TO_MEASURE_THE_PACE:
            return by_steps
        before = self._skipped / self._all_steps
        return max(by_steps, before + (1 - before) * of_time)

    def _share_of_rate(self, step: int, gone: float) -> float:
        """Rises for a tenth of the way, then falls to nothing in a straight line."""
        rising = max((step + 1) / max(WARM_UP * self._all_steps, 1), gone / WARM_UP)
        return min(rising, 1.0) * (1 - gone)

    def _batches(self) -> Iterator[Rows]:
        chance = np.random.default_rng(self.seed)
        lengths = np.asarray([len(tokens) for tokens in self.texts_read.tokens])
        size = self.tuning.batch
        for _ in range(self.epochs):
            rows = chance.permutation(self.objective.rows)
            batches = []
            for start in range(0, len(rows), size * SORTED_TOGETHER):
                some = rows[start : start + size * SORTED_TOGETHER]
                some = some[np.argsort(lengths[some], kind="stable")]
                batches += [some[at : at + size] for at in range(0, len(some), size)]
            for number in chance.permutation(len(batches)):
                yield batches[number]

    def _save(self) -> None:
        state = self.descent.state_dict()["state"]
        tensors = self.network.learnt() | {"chance": torch.get_rng_state()}
        for number, parts in state.items():
            tensors |= {f"descent.{number}.{part}": value.detach().cpu().clone() for part, value in parts.items()}
        if torch.cuda.is_available():
            tensors["chance_cuda"] = torch.cuda.get_rng_state()
        self.checkpoints.save(self.name, tensors, {"stage": self.stage, "steps": self.steps})

    def _put_back(self, values: dict[str, Any], tensors: Tensors) -> None:
        learnt = {name: one for name, one in tensors.items() if name.startswith(("network.", "head."))}
        self.network.take(learnt)
        whole = self.descent.state_dict()
        for name, one in tensors.items():
            if name.startswith("descent."):
                _, number, part = name.split(".")
                whole["state"].setdefault(int(number), {})[part] = one
        self.descent.load_state_dict(whole)
        torch.set_rng_state(tensors["chance"])
        if "chance_cuda" in tensors and torch.cuda.is_available():
            torch.cuda.set_rng_state(tensors["chance_cuda"])
        self.steps = int(values["steps"])


def _descent(groups: list[tuple[list[nn.Parameter], float]]) -> torch.optim.AdamW:
    return torch.optim.AdamW(
        [{"params": parameters, "lr": rate} for parameters, rate in groups], weight_decay=DECAY, fused=True
    )
