"""What fine-tuning minimises: the loss of all attributes at once, each ticket only in what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from otai.learning.arrays import Matrix, Rows
from otai.learning.data.targets import AttributeTarget
from otai.learning.finetuning.network import SCALE
from otai.learning.linear.solver import log_prior_offset

# How far vectors of one label are drawn together before others: the usual temperature of supervised contrastive
# learning (Khosla et al. 2020).
CONTRAST_TEMPERATURE = 0.07

# The heads' first guess is held down as Business holds its own: measured on vectors of length ten.
FIRST_PENALTY = 1e-3
FIRST_STEPS = 60


@dataclass(frozen=True)
class AttributeObjective:
    """One attribute: `y` is 0/1 of shape (tickets, labels), `known` says of which tickets; its labels stand at
    `columns`."""

    y: Tensor
    known: Tensor
    columns: slice
    prior_offset: Tensor
    is_multi: bool

    def loss(self, logits: Tensor, rows: Tensor) -> Tensor:
        """Each known row's loss, 0 for others, shape (rows,)."""
        own, y = logits[:, self.columns] + self.prior_offset, self.y[rows]
        if self.is_multi:
            each = functional.binary_cross_entropy_with_logits(own, y, reduction="none").sum(dim=1)
        else:
            each = -(y * functional.log_softmax(own, dim=1)).sum(dim=1)
        return each * self.known[rows]


@dataclass(frozen=True)
class Objective:
    """The attributes of a training on `rows` of its tickets. During training a log-prior offset is added to each
    label's score, as in Business (`solver.log_prior_offset`), so that scores of both can be added up."""

    attributes: tuple[AttributeObjective, ...]
    rows: Rows

    @classmethod
    def of(
        cls, targets: Sequence[AttributeTarget], tickets: Rows, rows: Rows, *, prior_trust: float, device: str
    ) -> Objective:
        """`tickets` are rows of the data set, `rows` places in `tickets`: those that are learnt from, as far as
        anything is known of them."""
        attributes, start = [], 0
        labelled = np.zeros(len(rows), np.bool_)
        for target in targets:
            y, known = target.y[tickets], target.known[tickets]
            learnt = rows[known[rows]]
            labelled |= known[rows]
            columns = slice(start, start + len(target.labels))
            start = columns.stop
            offset = log_prior_offset(y[learnt], multi=target.spec.is_multi, trust=prior_trust)
            attributes.append(
                AttributeObjective(
                    y=torch.from_numpy(y).to(device),
                    known=torch.from_numpy(known.astype(np.float32)).to(device),
                    columns=columns,
                    prior_offset=torch.from_numpy(offset).to(device),
                    is_multi=target.spec.is_multi,
                )
            )
        return cls(tuple(attributes), rows[labelled])

    @property
    def labels(self) -> int:
        """How many labels all attributes have together: the columns of the network's scores."""
        return self.attributes[-1].columns.stop

    @cached_property
    def tickets_a_label(self) -> float:
        """Of the attribute that has the fewest: known tickets for each label, on average."""
        rows = torch.from_numpy(self.rows).to(self.attributes[0].known.device)
        return min(float(one.known[rows].sum()) / max(one.y.shape[1], 1) for one in self.attributes)

    def loss(self, logits: Tensor, rows: Tensor) -> Tensor:
        """The mean over attributes of the mean loss of their known tickets among `rows`."""
        losses = [one.loss(logits, rows).sum() / one.known[rows].sum().clamp(min=1) for one in self.attributes]
        return torch.stack(losses).mean()

    def supervised_contrastive(self, vectors: Tensor, rows: Tensor) -> Tensor:
        """How much more similar each ticket is to others than to its positives, those that share its labels; vectors
        are of length one."""
        similarities = vectors @ vectors.T / CONTRAST_TEMPERATURE
        itself = torch.eye(len(rows), dtype=torch.bool, device=similarities.device)
        log_probabilities = functional.log_softmax(similarities.masked_fill(itself, -1e9), dim=1)
        losses = []
        for one in self.attributes:
            y = one.y[rows] * one.known[rows, None]
            shared = y @ y.T
            together = (y.sum(dim=1)[:, None] + y.sum(dim=1) - shared).clamp(min=1)
            # Tickets with several labels are positives by the share of labels that they have in common (Jaccard).
            positives = (shared / together).masked_fill(itself, 0.0)
            weight = positives.sum(dim=1)
            if bool((weight > 0).any()):
                mean = (log_probabilities * positives).sum(dim=1) / weight.clamp(min=1e-6)
                losses.append(-mean[weight > 0].mean())
        return torch.stack(losses).mean() if losses else similarities.sum() * 0.0

    def initial_heads(self, vectors: Matrix) -> tuple[Tensor, Tensor]:
        """Weights (labels, d) and offsets (labels,) of the best heads on vectors of `rows` as they are: where learning
        begins, so that it does not first tear apart what the network knows (Kumar et al. 2022)."""
        device = self.attributes[0].y.device
        inputs, rows = torch.from_numpy(vectors).to(device) * SCALE, torch.from_numpy(self.rows).to(device)
        weights = torch.zeros(self.labels, vectors.shape[1], device=device, requires_grad=True)
        offsets = torch.zeros(self.labels, device=device, requires_grad=True)
        descent = torch.optim.LBFGS(
            [weights, offsets], max_iter=FIRST_STEPS, history_size=10, line_search_fn="strong_wolfe"
        )

        def loss() -> Tensor:
            descent.zero_grad()
            value = self.loss(inputs @ weights.T + offsets, rows) + FIRST_PENALTY / 2 * (weights**2).sum() / len(
                self.attributes
            )
            value.backward()
            return value

        descent.step(loss)
        return weights.detach(), offsets.detach()
