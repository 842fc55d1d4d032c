"""What is measured on a device: whether it says what the processor says, and how fast it learns at full size. All of it
goes through the code that trains a customer's model."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.gpu_check.networks import Architecture, made_up_texts, write_encoder
from otai.learning.arrays import Matrix
from otai.learning.data.attributes import AttributeSpec
from otai.learning.data.targets import attribute_target, clean_labels
from otai.learning.encoders import Encoder, EncoderStore, import_path, open_encoder
from otai.learning.evidence.energy import CostMeter
from otai.learning.finetuning.checkpoints import CheckpointStore
from otai.learning.finetuning.network import Network
from otai.learning.finetuning.objective import Objective
from otai.learning.finetuning.optimisation import STEPS_TO_MEASURE_THE_PACE, TimeBudget, tune
from otai.learning.recipes import Tuning

NAME = "random"
LABELS = 20

MOST_DIFFERENCE_IN_FULL = 1e-3
"""Of scores in full precision, as a share of their spread: what another order of adding up makes of 24 bits."""

MOST_TIMES_THE_PROCESSORS_ERROR = 2.0
"""How much further from the scores in full precision a device may be with brain floats than the processor is with
them."""


@dataclass(frozen=True)
class Agreement:
    """How far a device's scores are from the processor's in full precision, in shares of their spread: the device in
    full precision, the device with brain floats, and the processor with brain floats; and of how many tickets the
    device says the same label with brain floats."""

    in_full: float
    in_brain_floats: float
    processors_in_brain_floats: float
    same_label: float

    @property
    def is_within_rounding(self) -> bool:
        """The bounds above."""
        most = MOST_TIMES_THE_PROCESSORS_ERROR * self.processors_in_brain_floats + MOST_DIFFERENCE_IN_FULL
        return self.in_full <= MOST_DIFFERENCE_IN_FULL and self.in_brain_floats <= most


@dataclass(frozen=True)
class Pace:
    """Of one network on one device: tickets a second read and learnt from, memory at its peak (0: the device does not
    tell), and watt-hours for a thousand tickets learnt from with how they were come by."""

    read_a_second: float
    learnt_a_second: float
    tokens_a_ticket: float
    peak_memory_bytes: int
    watt_hours_a_thousand: float
    energy_method: str


def made_and_installed(folder: Path, architecture: Architecture) -> EncoderStore:
    """A store that holds an encoder of random weights, as one of the operator's own: under the name of a known one no
    other weights are taken."""
    store = EncoderStore(folder / "store")
    made = write_encoder(folder / NAME, architecture)
    import_path(made, store, name=NAME, prefix="query: ")
    # The large one has 2 GB, and the store has a copy of its own.
    shutil.rmtree(made)
    return store


def agreement(folder: Path, architecture: Architecture, *, device: str, tickets: int) -> Agreement:
    """Learns heads on the processor, gives them to a network on the device, and compares what the two say."""
    import torch

    store, (texts, labels) = made_and_installed(folder, architecture), made_up_texts(tickets, labels=LABELS)
    here, there = (_network(open_encoder(NAME, store=store, device=one), _TO_AGREE) for one in ("cpu", device))
    reading = here.read(texts, keep_states=False)
    here.head.weight.data, here.head.bias.data = _objective(labels, here.device).initial_heads(
        here.all_vectors(reading, range(tickets))
    )
    there.take(here.learnt())

    def scores(network: Network, *, brain_floats: bool) -> Matrix:
        network.uses_brain_floats = brain_floats
        return network.scores(reading, range(tickets))

    with torch.no_grad():
        exact = scores(here, brain_floats=False)
        coarse = scores(here, brain_floats=True)
        found, half = scores(there, brain_floats=False), scores(there, brain_floats=True)
    spread = float(exact.std())
    return Agreement(
        in_full=float(np.abs(found - exact).max()) / spread,
        in_brain_floats=float(np.abs(half - exact).mean()) / spread,
        processors_in_brain_floats=float(np.abs(coarse - exact).mean()) / spread,
        same_label=float((half.argmax(axis=1) == exact.argmax(axis=1)).mean()),
    )


def pace(
    folder: Path,
    architecture: Architecture,
    tuning: Tuning,
    *,
    device: str,
    tickets: int,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> Pace:
    """Learns with `tuning` for so many seconds, as a training does whose time runs out. Raises ValueError where they do
    not suffice for four steps."""
    import torch

    on_gpu = device.startswith("cuda")
    store, (texts, labels) = made_and_installed(folder, architecture), made_up_texts(tickets, labels=LABELS)
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    network = _network(open_encoder(NAME, store=store, device=device), tuning)
    reading = network.read(texts, keep_states=False)
    network.all_vectors(reading, range(min(tickets, 64)))
    began = clock()
    network.all_vectors(reading, range(tickets))
    read_seconds = clock() - began
    told: list[float] = []
    meters: list[CostMeter] = []

    def tell(_: int) -> None:
        told.append(clock())
        if not meters:
            meters.append(CostMeter())

    steps_an_epoch = -(-tickets // tuning.batch)
    share = tune(
        network,
        reading,
        _objective(labels, device),
        _without_end(tuning),
        seed=0,
        checkpoints=CheckpointStore.of(None),
        name=NAME,
        tickets_done=tell,
        time_budget=TimeBudget(seconds, clock),
    )
    if on_gpu:
        torch.cuda.synchronize()
    cost = meters[0].cost()
    # Batches that were left out are told of as well. The first ones wait for the device to warm up.
    steps = round(share * len(told))
    first = min(STEPS_TO_MEASURE_THE_PACE, steps // 2)
    if steps < FEWEST_STEPS:
        raise ValueError(f"{steps} steps in {seconds:.0f} s say nothing of its pace")
    learnt = (steps - first) * tickets / steps_an_epoch
    return Pace(
        read_a_second=tickets / read_seconds,
        learnt_a_second=learnt / (told[steps - 1] - told[first - 1]),
        tokens_a_ticket=float(np.mean([len(tokens) for tokens in reading.tokens])),
        peak_memory_bytes=torch.cuda.max_memory_allocated() if on_gpu else 0,
        watt_hours_a_thousand=1_000 * (cost.energy_watt_hours or 0.0) / (steps * tickets / steps_an_epoch),
        energy_method=cost.energy_method,
    )


EPOCHS = 1_000
FEWEST_STEPS = 4
_TO_AGREE = Tuning(epochs=1, rate=0.0, trained_layers=None, most_tokens=128)


def _without_end(tuning: Tuning) -> Tuning:
    """More epochs than any time is enough for, of labels alone."""
    return dataclasses.replace(tuning, epochs=EPOCHS, contrast_epochs=0)


def _network(encoder: Encoder, tuning: Tuning) -> Network:
    return Network(
        encoder,
        labels=LABELS,
        trained_layers=tuning.trained_layers,
        most_tokens=tuning.most_tokens,
        recomputes_states=True,
    )


def _objective(labels: list[int], device: str) -> Objective:
    rows = np.arange(len(labels))
    target = attribute_target(
        AttributeSpec("label"), clean_labels([f"label {label}" for label in labels]), rows, fewest_tickets=1
    )
    return Objective.of([target], rows, rows, prior_trust=0.5, device=device)
