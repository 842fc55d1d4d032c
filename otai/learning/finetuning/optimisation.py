"""One network is optimised for one objective: heads first, then (where labels have few tickets) supervised contrastive
learning alone, then all together.

The same network, objective, recipe and seed give the same weights on the same machine with the same threads, also when
the training was cut off and went on from what it had saved: order of tickets and dropout come from generators whose
states are saved with the weights.
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
) -> None:
    """Trains `network` in place. `tickets_done` is told of every batch; what it raises ends the training.

    Goes on from what `checkpoints` has under `name`; whoever calls saves the result and forgets the name.
    """
    checkpoint = checkpoints.find(name)
    torch.manual_seed(seed)
    contrastive_epochs = contrast_epochs(objective, tuning)
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
            )
            run.go(checkpoint.values if checkpoint else None, checkpoint.tensors if checkpoint else {}, tickets_done)
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
    run = _Run(network, texts_read, objective, tuning, descent, tuning.epochs, seed + 1, checkpoints, name, "labels")
    run.go(checkpoint.values if checkpoint else None, checkpoint.tensors if checkpoint else {}, tickets_done)


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
    steps: int = 0

    def go(self, values: dict[str, Any] | None, tensors: Tensors, tickets_done: Callable[[int], None]) -> None:
        if values is not None:
            self._put_back(values, tensors)
        skipped, saved_at = self.steps, time.monotonic()
        rates = [group["lr"] for group in self.descent.param_groups]
        device = self.network.device
        for step, batch in enumerate(self._batches()):
            if step < skipped:
                tickets_done(len(batch))
                continue
            for group, rate in zip(self.descent.param_groups, rates, strict=True):
                group["lr"] = rate * self._share_of_rate(step)
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

    def _share_of_rate(self, step: int) -> float:
        """Rises for a tenth of the way, then falls to nothing in a straight line."""
        rising = (step + 1) / max(WARM_UP * self._all_steps, 1)
        return min(rising, 1.0) * (1 - step / max(self._all_steps, 1))

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
