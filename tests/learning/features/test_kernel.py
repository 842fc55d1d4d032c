"""Kernel values: how alike tickets are by their vectors."""

from __future__ import annotations

import numpy as np
import pytest

from otai.learning.features.kernel import (
    MOST_DIRECTIONS,
    LandmarkKernel,
    add_kernel,
    kernel,
    principal_directions,
    project,
)

pytestmark = pytest.mark.pure


def unit_vectors(tickets: int, width: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((tickets, width)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_same_ticket_has_kernel_value_one_and_it_falls_with_the_angle() -> None:
    angles = np.linspace(0, np.pi, 7)
    round_about = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    projected = project(round_about, np.eye(2, dtype=np.float32))
    near = kernel(projected[:1], projected, length_scale=0.6)[0]
    np.testing.assert_allclose(near, np.exp(-(1 - np.cos(angles)) / 0.36), rtol=5e-3)
    assert np.all(np.diff(near) < 0)


def test_cosines_of_several_encoders_are_averaged() -> None:
    first, second = unit_vectors(5, 4), unit_vectors(5, 3, seed=1)
    together = project(np.concatenate([first, second], axis=1), np.eye(7, dtype=np.float32))
    np.testing.assert_allclose(together @ together.T, (first @ first.T + second @ second.T) / 2, atol=2e-3)


def test_a_ticket_that_no_encoder_could_read_is_like_none() -> None:
    projected = project(np.concatenate([unit_vectors(3, 4), np.zeros((1, 4), np.float32)]), np.eye(4, dtype=np.float32))
    assert not projected[3].any()
    assert len(set(kernel(projected[3:], projected, 0.6)[0].tolist())) == 1


def test_the_directions_kept_are_those_in_which_tickets_differ() -> None:
    chance = np.random.default_rng(0)
    vectors = np.zeros((900, MOST_DIRECTIONS + 44), np.float32)
    vectors[:, :MOST_DIRECTIONS] = chance.standard_normal((900, MOST_DIRECTIONS))
    vectors[:, MOST_DIRECTIONS:] = 1e-4 * chance.standard_normal((900, 44))
    directions = principal_directions(vectors)
    assert directions.shape == (MOST_DIRECTIONS + 44, MOST_DIRECTIONS)
    whole, cut = vectors @ vectors.T, (vectors @ directions) @ (vectors @ directions).T
    np.testing.assert_allclose(cut, whole, atol=0.02 * float(np.abs(whole).max()))


def test_products_are_added_in_parts_as_they_are_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    projected = project(unit_vectors(50, 8), np.eye(8, dtype=np.float32))
    products = np.ones((50, 50), np.float32)
    monkeypatch.setattr("otai.learning.features.kernel.PAIRS_AT_ONCE", 350)
    add_kernel(products, projected, weight=3.0, length_scale=0.6)
    np.testing.assert_allclose(products, 1 + 3 * kernel(projected, projected, 0.6), rtol=1e-5)
    assert np.linalg.eigvalsh((products - 1).astype(np.float64)).min() > -1e-4


def test_a_model_works_out_kernel_values_from_the_vectors_themselves() -> None:
    vectors, directions = unit_vectors(20, 8), principal_directions(unit_vectors(20, 8))
    landmarks = project(vectors[:5], directions)
    told = LandmarkKernel(directions, landmarks, 0.6)(vectors)
    assert told.shape == (20, 5)
    np.testing.assert_array_equal(told, kernel(project(vectors, directions), landmarks, 0.6))
