"""What a network is taught, and how wrong it is: all attributes at once, each ticket only in what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from otai.learning.data.targets import AttributeTarget
from otai.learning.finetuning.network import SCALE, Matrix

Rows = NDArray[np.int64]

# How far vectors of one label are drawn together before others: the usual temperature of supervised contrastive learning (Khosla et al. 2020).
CONTRAST_TEMPERATURE = 0.07

# The heads' first guess is held down as Business holds its own: measured on vectors of length ten.
FIRST_PENALTY = 1e-3
FIRST_STEPS = 60


@dataclass(frozen=True)
class Subject:
    """One attribute: `hot` is 0/1 of shape (tickets, labels), `known` says of which tickets; its labels stand at `columns`."""

    hot: Tensor
    known: Tensor
    columns: slice
    lead: Tensor
    is_multi: bool

    def loss(self, logits: Tensor, rows: Tensor) -> Tensor:
        """Each known row's loss, 0 for others, shape (rows,)."""
        own, hot = logits[:, self.columns] + self.lead, self.hot[rows]
        if self.is_multi:
            each = functional.binary_cross_entropy_with_logits(own, hot, reduction="none").sum(dim=1)
        else:
            each = -(hot * functional.log_softmax(own, dim=1)).sum(dim=1)
        return each * self.known[rows]


@dataclass(frozen=True)
class Lesson:
    """The attributes of a training on `rows` of its tickets. During training a label's score is ahead by a part of the logarithm of its frequency, as in
    Business (`solver.lead_of`), so that scores of both can be added up."""

    subjects: tuple[Subject, ...]
    rows: Rows

    @classmethod
    def of(
        cls, targets: Sequence[AttributeTarget], tickets: Rows, rows: Rows, *, prior_trust: float, device: str
    ) -> Lesson:
        """`tickets` are rows of the data set, `rows` places in `tickets`: those that are learnt from, as far as anything is known of them."""
        subjects, start = [], 0
        taught = np.zeros(len(rows), np.bool_)
        for target in targets:
            hot, known = target.hot[tickets], target.known[tickets]
            learnt = rows[known[rows]]
            taught |= known[rows]
            columns = slice(start, start + len(target.labels))
            start = columns.stop
            share = (hot[learnt].sum(axis=0, dtype=np.float64) + 0.5) / (len(learnt) + 0.5 * len(target.labels))
            lead = prior_trust * (np.log(share / (1 - share)) if target.spec.is_multi else np.log(share))
            subjects.append(
                Subject(
                    hot=torch.from_numpy(hot).to(device),
                    known=torch.from_numpy(known.astype(np.float32)).to(device),
                    columns=columns,
                    lead=torch.from_numpy(lead.astype(np.float32)).to(device),
                    is_multi=target.spec.is_multi,
                )
            )
        return cls(tuple(subjects), rows[taught])

    @property
    def labels(self) -> int:
        return self.subjects[-1].columns.stop

    @cached_property
    def tickets_a_label(self) -> float:
        """Of the attribute that has the fewest: known tickets for each label, on average."""
        rows = torch.from_numpy(self.rows).to(self.subjects[0].known.device)
        return min(float(one.known[rows].sum()) / max(one.hot.shape[1], 1) for one in self.subjects)

    def loss(self, logits: Tensor, rows: Tensor) -> Tensor:
        """The mean over attributes of the mean loss of their known tickets among `rows`."""
        parts = [one.loss(logits, rows).sum() / one.known[rows].sum().clamp(min=1) for one in self.subjects]
        return torch.stack(parts).mean()

    def contrast(self, vectors: Tensor, rows: Tensor) -> Tensor:
        """How much nearer each ticket is to others than to those that share its labels; vectors are of length one."""
        near = vectors @ vectors.T / CONTRAST_TEMPERATURE
        itself = torch.eye(len(rows), dtype=torch.bool, device=near.device)
        likely = functional.log_softmax(near.masked_fill(itself, -1e9), dim=1)
        parts = []
        for one in self.subjects:
            hot = one.hot[rows] * one.known[rows, None]
            shared = hot @ hot.T
            together = (hot.sum(dim=1)[:, None] + hot.sum(dim=1) - shared).clamp(min=1)
            # Tickets with several labels are as alike as the labels they share (Jaccard).
            alike = (shared / together).masked_fill(itself, 0.0)
            some = alike.sum(dim=1)
            if bool((some > 0).any()):
                parts.append(-((likely * alike).sum(dim=1) / some.clamp(min=1e-6))[some > 0].mean())
        return torch.stack(parts).mean() if parts else near.sum() * 0.0

    def first_heads(self, vectors: Matrix) -> tuple[Tensor, Tensor]:
        """Weights (labels, d) and offsets (labels,) of the best heads on vectors of `rows` as they are: where learning begins, so that it does not first
        tear apart what the network knows (Kumar et al. 2022)."""
        device = self.subjects[0].hot.device
        inputs, rows = torch.from_numpy(vectors).to(device) * SCALE, torch.from_numpy(self.rows).to(device)
        weights = torch.zeros(self.labels, vectors.shape[1], device=device, requires_grad=True)
        offsets = torch.zeros(self.labels, device=device, requires_grad=True)
        descent = torch.optim.LBFGS(
            [weights, offsets], max_iter=FIRST_STEPS, history_size=10, line_search_fn="strong_wolfe"
        )

        def loss() -> Tensor:
            descent.zero_grad()
            found = self.loss(inputs @ weights.T + offsets, rows) + FIRST_PENALTY / 2 * (weights**2).sum() / len(
                self.subjects
            )
            found.backward()
            return found

        descent.step(loss)
        return weights.detach(), offsets.detach()
