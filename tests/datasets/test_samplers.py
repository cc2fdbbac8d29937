"""Seeded indices."""

import pickle
import random

import numpy as np
import torch

from mmhsi.datasets import SeededIndex, SeededSampler
from mmhsi.datasets.samplers import sample_seed, seed_everything


def test_index_survives_pickling_with_its_seed():
    index = pickle.loads(pickle.dumps(SeededIndex(5, 77)))
    assert index == 5
    assert [10, 11, 12, 13, 14, 15][index] == 15
    assert index.seed == 77


def drawn(seed, epoch):
    sampler = SeededSampler(range(50), shuffle=True, seed=seed)
    sampler.set_epoch(epoch)
    return {int(index): index.seed for index in sampler}


def test_seeds_depend_on_seed_epoch_and_sample_alone():
    first = drawn(0, 3)
    assert sorted(first) == list(range(50))
    assert len(set(first.values())) == 50
    assert drawn(0, 3) == first
    assert all(first[i] != drawn(0, 4)[i] for i in first)
    assert all(first[i] != drawn(1, 3)[i] for i in first)


def test_sample_seed_does_not_confuse_its_parts():
    assert len({sample_seed(a, b, c) for a in range(5) for b in range(5) for c in range(5)}) == 125


def test_seeds_are_those_of_each_library():
    seed_everything(11)
    drawn = random.random(), np.random.random(), torch.rand(1).item()  # noqa: NPY002
    random.seed(11)
    np.random.seed(11)  # noqa: NPY002
    torch.manual_seed(11)
    assert drawn == (random.random(), np.random.random(), torch.rand(1).item())  # noqa: NPY002


def test_a_seed_of_several_numbers_is_mixed_when_it_is_asked_for():
    index = pickle.loads(pickle.dumps(SeededIndex(5, 1, 2, 3)))
    assert (index, index.seed) == (5, sample_seed(1, 2, 3))
