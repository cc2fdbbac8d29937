"""Batches of one window size: what an epoch holds, on simulated ranks."""

import itertools
import pickle
from collections import Counter

import numpy as np
import pytest
from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmengine.runner import Runner
from mmengine.runner.loops import _InfiniteDataloaderIterator
from torch.utils.data import DataLoader, Dataset

from mmhsi.datasets import SeededSampler
from mmhsi.datasets.samplers import MultiSizeBatchSampler, SizedIndex, equal_token_batch_sizes, sample_seed
from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import DATA_SAMPLERS, DATASETS

SIZES = (9, 15, 29, 33)


class Told(Dataset):
    """Gives back what it is asked for."""

    def __init__(self, length=50):
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        return int(index), index.size, index.seed


@pytest.fixture
def ranks(monkeypatch):
    """Batch samplers of every rank of a simulated world."""

    def make(length, world=1, seed=0, kind=SeededSampler, round_up=True, shuffle=True, **options):
        samplers = []
        for rank in range(world):
            monkeypatch.setattr("mmengine.dataset.sampler.get_dist_info", lambda rank=rank: (rank, world))
            sampler = kind(range(length), shuffle=shuffle, seed=seed, round_up=round_up)
            samplers.append(MultiSizeBatchSampler(sampler, **(dict(batch_size=8, sizes=SIZES) | options)))
        return samplers

    return make


def epoch_of(sampler, epoch):
    """[(size, [(index, seed), …]), …]"""
    sampler.sampler.set_epoch(epoch)
    steps = []
    for batch in sampler:
        (size,) = {index.size for index in batch}  # one size a step
        steps.append((size, [(int(index), index.seed) for index in batch]))
    return steps


def samples(steps):
    return [index for _, batch in steps for index, _ in batch]


OPTIONS = [
    dict(),
    dict(batch_sizes=(16, 8, 2, 1)),
    dict(batch_sizes=(1, 1, 9, 1)),
    dict(equal_tokens=True, batch_size=20),
    dict(sizes=(7,), batch_size=3),
    dict(batch_size=1),
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("round_up", [False, True])
def test_an_epoch_on_all_ranks(ranks, options, drop_last, round_up):
    for length, world in itertools.product([60, 97, 203], [1, 2, 3]):
        group = ranks(length, world, round_up=round_up, drop_last=drop_last, **options)
        sizes, limits = group[0].sizes, dict(zip(group[0].sizes, group[0].batch_sizes, strict=True))
        for epoch in range(2):
            runs = [epoch_of(sampler, epoch) for sampler in group]
            # Every rank has the same sizes and the same numbers of samples in the same steps, in every epoch as many.
            assert len({tuple((size, len(batch)) for size, batch in run) for run in runs}) == 1
            assert {len(run) for run in runs} == {len(group[0])}
            steps = Counter(size for size, _ in runs[0])
            assert max(steps[size] for size in sizes) - min(steps[size] for size in sizes) <= 1
            assert all(1 <= len(batch) <= limits[size] for size, batch in runs[0])
            drawn = Counter(itertools.chain.from_iterable(map(samples, runs)))
            if drop_last:
                assert all(len(batch) == limits[size] for size, batch in runs[0])
                assert sum(drawn.values()) + world * (sum(limits.values()) + world) > length
            repeated = sum(drawn.values()) - len(drawn)
            assert repeated <= (world - 1 if round_up else 0)
            if not drop_last:
                assert len(drawn) >= (length if round_up else length - (world - 1))


@pytest.mark.parametrize("options", OPTIONS)
def test_there_are_no_more_steps_than_are_needed(ranks, options):
    for length in range(40, 90):
        full, short = (ranks(length, drop_last=drop, **options)[0] for drop in (True, False))
        sizes = list(full.batch_sizes)

        def capacities(steps, sizes=sizes):
            """What that many steps can hold, for every choice of the sizes that have one more."""
            rounds, more = divmod(steps, len(sizes))
            return [rounds * sum(sizes) + sum(extra) for extra in itertools.combinations(sizes, more)]

        assert min(capacities(len(short))) >= length > min(capacities(len(short) - 1))
        assert max(capacities(len(full))) <= length < max(capacities(len(full) + 1))


def test_samples_are_spread_evenly(ranks):
    lengths = {len(batch) for _, batch in epoch_of(ranks(103, batch_size=10)[0], 0)}
    assert lengths == {9, 10}


def test_sizes_take_turns_and_steps_are_shuffled(ranks):
    (sampler,) = ranks(80, batch_size=16)  # 5 steps, 4 sizes
    plans = [sampler.plan(epoch)[0] for epoch in range(8)]
    assert Counter(itertools.chain(*plans)) == dict.fromkeys(SIZES, 10)
    assert len({tuple(plan) for plan in plans}) == 8
    (few,) = ranks(20, batch_size=16)  # 2 steps an epoch
    assert Counter(size for epoch in range(4) for size in few.plan(epoch)[0]) == dict.fromkeys(SIZES, 2)


def test_an_epoch_depends_on_seed_and_epoch_alone(ranks):
    first = epoch_of(ranks(97, 2, seed=4)[1], 3)
    (_, again) = ranks(97, 2, seed=4)
    epoch_of(again, 0)
    assert epoch_of(again, 3) == first
    assert epoch_of(again, 4) != first
    assert epoch_of(ranks(97, 2, seed=5)[1], 3) != first


def test_the_order_is_the_samplers(ranks):
    (sampler,) = ranks(61)
    sampler.sampler.set_epoch(2)
    assert samples(epoch_of(sampler, 2)) == list(map(int, sampler.sampler))
    assert samples(epoch_of(ranks(61, shuffle=False)[0], 2)) == list(range(61))


def test_seeds_are_those_of_a_seeded_sampler(ranks):
    seeded, plain = (ranks(61, seed=9, kind=kind)[0] for kind in (SeededSampler, DefaultSampler))
    assert epoch_of(seeded, 3) == epoch_of(plain, 3)
    for _, batch in epoch_of(seeded, 3):
        assert all(seed == sample_seed(9, 3, index) for index, seed in batch)


@pytest.mark.parametrize("start", [0, 1, 6, 8])
def test_starting_in_the_middle(ranks, start):
    (sampler,) = ranks(61)
    whole = epoch_of(sampler, 2)
    sampler.set_start(start)
    assert epoch_of(sampler, 2) == whole[start:]
    assert epoch_of(sampler, 2) == whole
    assert len(sampler) == len(whole) == 8


@pytest.mark.parametrize("workers", [0, 2])
def test_size_and_seed_reach_the_dataset(ranks, workers):
    (sampler,) = ranks(50)
    loader = DataLoader(Told(), batch_sampler=sampler, num_workers=workers, collate_fn=list)
    assert len(loader) == len(sampler)
    for epoch in range(2):
        expected = epoch_of(sampler, epoch)
        told = [(batch[0][1], [(index, seed) for index, _, seed in batch]) for batch in loader]
        assert told == expected


@pytest.mark.parametrize("workers", [0, 2])
def test_mmengines_iteration_loop_goes_on_with_the_same_batches(ranks, workers, monkeypatch):
    monkeypatch.setattr("mmengine.runner.loops.time.sleep", lambda seconds: None)

    def iterator():
        return _InfiniteDataloaderIterator(
            DataLoader(Told(), batch_sampler=ranks(50)[0], num_workers=workers, collate_fn=list)
        )

    whole = [batch for batch, _ in zip(iterator(), range(20), strict=False)]
    resumed = iterator()
    resumed.skip_iter(10)  # in the middle of the second epoch of 7 steps
    assert [next(resumed) for _ in range(10)] == whole[10:]
    assert [index for batch in whole[:7] for index, _, _ in batch] != [i for b in whole[7:14] for i, _, _ in b]


@pytest.mark.usefixtures("scope")
def test_runner_builds_it_and_its_hook_sets_the_epoch():
    DATASETS.register_module(name="Told", module=Told, force=True)
    loader = Runner.build_dataloader(
        dict(
            dataset=dict(type="Told"),
            sampler=dict(type="SeededSampler", shuffle=True),
            batch_sampler=dict(type="MultiSizeBatchSampler", sizes=SIZES, equal_tokens=True),
            batch_size=16,
            num_workers=0,
            collate_fn=dict(type="pseudo_collate"),
        ),
        seed=7,
    )
    DATASETS.module_dict.pop("Told")
    sampler = loader.batch_sampler
    assert sampler.batch_sizes == (16, 6, 2, 1)
    assert sampler.batch_size == 16
    assert sampler.sampler.seed == 7
    assert not hasattr(loader.sampler, "set_epoch")  # so that mmengine's hook turns to batch_sampler.sampler
    assert len(loader) == len(list(loader))


def test_equal_tokens():
    sizes = equal_token_batch_sizes((33, 9, 15, 29), 256)
    assert sizes == (19, 256, 92, 25)
    tokens = np.array([33, 9, 15, 29]) ** 2 * sizes
    assert np.ptp(tokens) / tokens.mean() < 0.06
    assert equal_token_batch_sizes((3, 99), 4) == (4, 1)


def test_index_survives_pickling():
    index = pickle.loads(pickle.dumps(SizedIndex(5, 77, 29)))
    assert (index, index.seed, index.size, [*range(10, 20)][index]) == (5, 77, 29, 15)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(sizes=()), r"sizes=\(\)"),
        (dict(sizes=(9, 9)), "expected different positive"),
        (dict(sizes=(0, 9)), "expected different positive"),
        (dict(batch_size=0), "batch size 0"),
        (dict(batch_sizes=(1, 2)), "2 batch_sizes for 4 sizes"),
        (dict(batch_sizes=(1, 2, 0, 3)), "batch size 0"),
        (dict(batch_sizes=(1, 2, 3, 4), equal_tokens=True), "either batch_sizes or equal_tokens"),
        (dict(sampler=InfiniteSampler(range(9), seed=0)), "InfiniteSampler has no epochs"),
    ],
)
def test_refused(options, message):
    given = dict(sampler=SeededSampler(range(50), seed=0), batch_size=4, sizes=SIZES)
    with pytest.raises(ConfigError, match=message):
        DATA_SAMPLERS.build(dict(type="MultiSizeBatchSampler", **(given | options)))


def test_too_few_samples(ranks):
    with pytest.raises(DataError, match="7 samples on 1 ranks do not fill one batch of 8"):
        ranks(7, drop_last=True)
    with pytest.raises(DataError, match="2 samples on 3 ranks do not fill one batch of 1"):
        ranks(2, world=3, round_up=False)
    assert len(ranks(1, world=3)[2]) == 1


def test_start_must_lie_in_the_epoch(ranks):
    with pytest.raises(ConfigError, match="start at step 9 given, an epoch has 8 steps"):
        ranks(61)[0].set_start(9)
