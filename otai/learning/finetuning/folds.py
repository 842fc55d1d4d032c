"""Which training tickets are kept back from which models: the same for Business's part and for every network, so that
their scores can be compared ticket by ticket."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otai.learning.arrays import Rows
from otai.learning.data.targets import AttributeTarget
from otai.learning.linear.heads import FOLDS


def shared_folds(targets: Sequence[AttributeTarget], train: Rows, same_text: Rows, *, tickets_wanted: int) -> Rows:
    """For each training ticket the number of the fold that keeps it back, or -1: no model needs to.

    Each fold is a fifth of the tickets and costs as much as a model, so there are no more than keep back
    `tickets_wanted`. Tickets of one text (`same_text` is equal) share a fold. Tickets are dealt out by their rarest
    label, so that every label of every attribute has its share in each fold. Shape (training tickets,).
    """
    counts = [target.y[train].sum(axis=0) for target in targets]
    first = np.concatenate([[0], np.cumsum([len(count) for count in counts])[:-1]])
    tickets_with, rarest = np.full(len(train), np.inf), np.full(len(train), -1)
    for target, count, start in zip(targets, counts, first, strict=True):
        own = np.where(target.y[train] > 0, count, np.inf)
        rarer = own.min(axis=1) < tickets_with
        rarest[rarer] = start + own[rarer].argmin(axis=1)
        tickets_with[rarer] = own[rarer].min(axis=1)
    _, of_text, text = np.unique(same_text, return_index=True, return_inverse=True)
    dealt = np.empty(len(of_text), np.int64)
    dealt[np.argsort(rarest[of_text], kind="stable")] = np.arange(len(of_text)) % FOLDS
    folds = dealt[text]
    wanted = min(max(-(-tickets_wanted * FOLDS // max(len(train), 1)), 1), FOLDS)
    return np.where(folds < wanted, folds, -1)
