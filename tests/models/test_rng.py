"""One source of randomness a batch: the same for any number of processes, or decided by each image."""

from types import SimpleNamespace

import pytest
import torch
from small_algorithms import ALGORITHMS, BANDS, SIDE, built

from mmhsi.engine import SeedIterationHook
from mmhsi.models import rng as rng_module
from mmhsi.models.preprocessors import batch_augments
from mmhsi.models.rng import BatchRNG
from mmhsi.registry import MASKING, MODELS

# Quotients of integers: the bits of an image are the same on every machine.
IMAGES = torch.randint(1, 1000, (8, 12, 4, 4), generator=torch.Generator().manual_seed(0)) / 7
TOKENS = {"RandomMasking": (2, (2, 3)), "TubeMasking": (2, (2, 4)), "BlockwiseMasking": (1, (3, 4))}
BAND_STRATEGIES = ["SpectralMasking", "MRSMasking"]
STRATEGIES = [*TOKENS, *BAND_STRATEGIES, "DINOMasking"]
AUGMENTS = {
    "BatchBandDropout": dict(ratio=0.75),
    "BatchDihedral": {},
    "BatchGainOffset": dict(smooth=0.1),
    "BatchNoise": {},
}
LAYOUTS = {f"{name}, {layout}": layout for name in AUGMENTS for layout in ("contiguous_format", "channels_last")}
DRAWS = [*STRATEGIES, *LAYOUTS]

# What a process alone drew with torch's generator seeded with 5, and what the first images decided, before there were
# objects to draw from: losses and weights of a seed are to stay what they were.
SEEDED = {
    "RandomMasking": "101110010100 011010011001 101100000111 100100011110",
    "TubeMasking": "1011100010111000 0110011001100110 1001100110011001 1011010010110100",
    "BlockwiseMasking": "101010001110 010001110101 000001101111 110011101000",
    "SpectralMasking": "101110010100 011010011001 101100000111 100100011110",
    "MRSMasking": "011111000001 101000110011 010100011101 100010001111",
    "DINOMasking": "000000000000000000 011001101100100010 000000000000000000 000000100101000100",
    "BatchDihedral, contiguous_format": [107.42857360839844, 11.714285850524902, 120.85713958740234, 112.0],
    "BatchDihedral, channels_last": [107.42857360839844, 11.714285850524902, 120.85713958740234, 112.0],
    "BatchGainOffset, contiguous_format": [67.23283386230469, 69.86201477050781, 114.11968994140625, 8.210959434509277],
    "BatchGainOffset, channels_last": [67.23283386230469, 69.86201477050781, 114.11968994140625, 8.210959434509277],
    "BatchNoise, contiguous_format": [70.65742492675781, 74.12625885009766, 120.87135314941406, 7.741395473480225],
    "BatchBandDropout, contiguous_format": [70.71428680419922, 0.0, 0.0, 7.714285850524902],
    "BatchBandDropout, channels_last": [70.71428680419922, 0.0, 0.0, 7.714285850524902],
    "BatchNoise, channels_last": [70.68408203125, 74.14340209960938, 120.8931655883789, 7.691308498382568],
}
BY_IMAGE = {
    "RandomMasking": "011100101001 110110001100 101010011001 000110011011",
    "TubeMasking": "0100101101001011 1010001110100011 1010001110100011 1001100110011001",
    "BlockwiseMasking": "100001110011 011100110001 011000110011 010001110011",
    "SpectralMasking": "011100101001 110110001100 101010011001 000110011011",
    "MRSMasking": "010111000101 001101010110 001110011010 010111101000",
}


def draw(name, rng, images):
    """What a strategy or augmentation makes for images, one row a sample."""
    if name == "DINOMasking":
        return torch.cat([mask.hidden for mask in MASKING.build(dict(type=name))(rng, [(3, 4), (1, 6)])], dim=1)
    if name in STRATEGIES:
        strategy = MASKING.build(dict(type=name, ratio=0.5))
        return strategy(rng, images) if name in BAND_STRATEGIES else strategy(rng, *TOKENS[name])
    augment = name.partition(",")[0]
    images = images.contiguous(memory_format=getattr(torch, LAYOUTS[name]))
    return MODELS.build(dict(type=augment, **AUGMENTS[augment]))(images, rng)


def same_as_recorded(drawn, recorded):
    if isinstance(recorded, str):
        return ["".join(str(int(value)) for value in row.flatten()) for row in drawn] == recorded.split()
    return drawn[:, 3, 1, 2].tolist() == pytest.approx(recorded, rel=1e-6)  # normal numbers differ in the last bit


def on_rank(monkeypatch, rank, world):
    monkeypatch.setattr(rng_module, "get_dist_info", lambda: (rank, world))
    torch.manual_seed(100 + rank)  # for dropout, which must not matter here


def test_every_strategy_and_augmentation_is_tested():
    assert {name for name, kind in MASKING.module_dict.items() if kind.__module__.startswith("mmhsi")} == set(
        STRATEGIES
    )
    found = {kind.__name__ for kind in MODELS.module_dict.values() if kind.__module__ == batch_augments.__name__}
    assert found == set(AUGMENTS)


@pytest.mark.parametrize("name", DRAWS)
def test_one_process_draws_what_torch_is_seeded_with(name):
    torch.manual_seed(5)
    assert same_as_recorded(draw(name, BatchRNG.of_step(4, "cpu", seed=7), IMAGES[:4]), SEEDED[name])


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("world", [2, 4])
def test_ranks_draw_what_one_process_draws(name, world, monkeypatch):
    torch.manual_seed(5)
    whole = draw(name, BatchRNG(8, "cpu"), IMAGES)
    for rank in range(world):
        on_rank(monkeypatch, rank, world)
        rng = BatchRNG.of_step(8 // world, "cpu", seed=5)
        assert torch.equal(draw(name, rng, IMAGES[rank::world]), whole[rank::world])


@pytest.mark.parametrize("name", DRAWS)
def test_there_is_nothing_else_to_draw_from(name):
    state, drawn = torch.get_rng_state(), []
    for seed in (1, 1, 2):
        drawn.append(draw(name, BatchRNG(8, "cpu", torch.Generator().manual_seed(seed)), IMAGES))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", STRATEGIES)
def test_an_image_decides_its_mask(name):
    state = torch.get_rng_state()
    whole = draw(name, BatchRNG.by_image(IMAGES), IMAGES)
    assert len({tuple(mask.flatten().tolist()) for mask in whole}) > 4
    for chosen in ([3], [6, 0, 3], [7, 3, 2, 1, 0]):
        assert torch.equal(draw(name, BatchRNG.by_image(IMAGES[chosen]), IMAGES[chosen]), whole[chosen])
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", BY_IMAGE)
def test_images_decide_what_they_always_did(name):
    assert same_as_recorded(draw(name, BatchRNG.by_image(IMAGES[:4]), IMAGES[:4]), BY_IMAGE[name])


SOURCES = {
    "torch": lambda: BatchRNG(300, "cpu"),
    "generator": lambda: BatchRNG(300, "cpu", torch.Generator().manual_seed(3)),
    "step": lambda: BatchRNG.of_step(300, "cpu", seed=3),
    "images": lambda: BatchRNG.by_image(torch.randn(300, 5)),
}


@pytest.mark.parametrize("origin", SOURCES)
@pytest.mark.parametrize("world", [1, 3])
def test_numbers_of_every_sample(origin, world, monkeypatch):
    on_rank(monkeypatch, world - 1, world)
    rng = SOURCES[origin]()
    uniform, normal, integers = rng.uniform(7), rng.normal(2, 5), rng.integers(4, 9)
    assert (uniform.shape, normal.shape, integers.shape) == ((300, 7), (300, 2, 5), (300, 9))
    assert (uniform.min() >= 0, uniform.max() < 1) == (True, True)
    assert uniform.mean().item() == pytest.approx(0.5, abs=0.05)  # a standard deviation: 0.01 of 256 images
    assert (normal.mean().item(), normal.std().item()) == pytest.approx((0, 1), abs=0.1)
    assert integers.unique().tolist() == [0, 1, 2, 3]
    orders = rng.permutation(6)
    assert orders.sort(1).values.tolist() == [list(range(6))] * 300
    assert len(orders.unique(dim=0)) > 100
    assert rng.integers(9).shape == (300,)


def test_views_are_drawn_for_like_samples(monkeypatch):
    """Three views of every image: drawn for one after another, the same on ranks, and different ones."""
    torch.manual_seed(5)
    whole = BatchRNG(8, "cpu").for_views(3).uniform(2).unflatten(0, (3, 8))
    for rank in range(2):
        on_rank(monkeypatch, rank, 2)
        part = BatchRNG.of_step(4, "cpu", seed=5).for_views(3)
        assert torch.equal(part.uniform(2).unflatten(0, (3, 4)), whole[:, rank::2])
    by_image = BatchRNG.by_image(IMAGES).for_views(3).uniform(2).unflatten(0, (3, 8))
    assert torch.equal(BatchRNG.by_image(IMAGES[[5]]).for_views(3).uniform(2), by_image[:, 5])
    assert len(by_image[:, 5].unique(dim=0)) == 3


def test_views_draw_on_from_the_same_generator():
    rng, expected = BatchRNG(2, "cpu", torch.Generator().manual_seed(1)), torch.Generator().manual_seed(1)
    drawn = [rng.uniform(3), rng.for_views(2).uniform(3), rng.uniform(3)]
    assert torch.equal(torch.cat(drawn), torch.cat([torch.rand(n, 3, generator=expected) for n in (2, 4, 2)]))


# What reaches a model.


def told(model, iteration, seed=3):
    """What a run's hook does before a step."""
    SeedIterationHook().before_train_iter(SimpleNamespace(model=model, seed=seed, iter=iteration), 0)


def batch_of(model, samples):
    """Preprocess training images, views for DINOv2."""
    images = IMAGES[samples, :BANDS].repeat(1, 1, 3, 3)[..., :SIDE, :SIDE] / 100
    full = torch.ones(SIDE, SIDE, dtype=torch.bool)
    data = dict(inputs=list(images), valid=[full] * len(images))
    if type(model).__name__ == "DINOv2":
        data = {key: [values, values] for key, values in data.items()}
    return model.data_preprocessor(data, True)


def with_augments(name):
    """A small algorithm whose preprocessor augments."""
    model = built(ALGORITHMS[name])
    augments = [dict(type="BatchGainOffset", gain=0.1, offset=0.1), dict(type="BatchNoise", std=0.05)]
    model.data_preprocessor.augments.extend(MODELS.build(augment) for augment in augments)
    return model


def losses(model, batch):
    """Losses of a batch, on a stream of torch's that has nothing to do with it."""
    return {key: value.item() for key, value in model(**batch, mode="loss").items() if "loss" in key}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_two_models_in_one_process_do_not_disturb_each_other(name, monkeypatch):
    """Their steps may run into each other in any order, and one may predict meanwhile."""
    first, second = with_augments(name), with_augments("MAE")
    on_rank(monkeypatch, 1, 2)
    told(first, 4)
    alone = losses(first, batch_of(first, [0, 1, 2]))
    told(second, 9)
    other_alone = losses(second, batch_of(second, [3, 4]))
    assert alone != other_alone

    told(first, 4)
    told(second, 9)
    batch, other = batch_of(first, [0, 1, 2]), batch_of(second, [3, 4])
    second(IMAGES[:3, :BANDS, :1, :1].repeat(1, 1, SIDE, SIDE), mode="predict")
    assert losses(second, other) == other_alone
    assert losses(first, batch) == alone
    told(first, 5)
    assert losses(first, batch_of(first, [0, 1, 2])) != alone


def test_a_prediction_within_a_step_leaves_its_draws_alone():
    model, other = with_augments("MAE"), built(ALGORITHMS["LO-MSST"])
    made = []
    for interrupted in (False, True):
        told(model, 4)
        batch = batch_of(model, [0, 1, 2])
        if interrupted:
            other(batch["inputs"], mode="predict")
        made.append(losses(model, batch))
    assert made[0] == made[1]


@pytest.mark.parametrize("name", [name for name in ALGORITHMS if not name.startswith("DINOv2")])
def test_ranks_see_and_hide_what_one_process_does(name, monkeypatch):
    """Of a step's batch, augmented and masked."""

    def step(samples):
        batch = batch_of(model, samples)
        made = model.reconstruct(batch["inputs"], batch["valid"], batch["rng"])
        return [batch["inputs"], *(part.hidden for part in made.values())]

    model = with_augments(name)
    told(model, 4)
    whole = step(slice(None))
    for rank in range(2):
        on_rank(monkeypatch, rank, 2)
        for part, expected in zip(step(slice(rank, None, 2)), whole, strict=True):
            assert torch.equal(part, expected[rank::2])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_loss_by_hand_draws_from_torch(name, monkeypatch):
    """No hook has told of a step, no preprocessor has made anything; nor does a rank wait for others."""
    model = built(ALGORITHMS[name])
    views = IMAGES[:4, :BANDS].repeat(1, 1, 3, 3)[..., :SIDE, :SIDE] / 100
    views = [views, views] if name.startswith("DINOv2") else views
    on_rank(monkeypatch, 1, 2)
    found = []
    for seed, call in ((1, model), (1, model.loss), (2, model.loss)):
        torch.manual_seed(seed)
        losses = call(views, mode="loss") if call is model else call(views)
        found.append({key: value.item() for key, value in losses.items() if "loss" in key})
    assert found[0] == found[1] != found[2]


def test_a_preprocessor_alone_draws_from_torch():
    model = with_augments("MAE")
    torch.manual_seed(1)
    first = batch_of(model, [0, 1])
    torch.manual_seed(1)
    assert torch.equal(batch_of(model, [0, 1])["inputs"], first["inputs"])
    assert set(first) == {"inputs", "data_samples", "valid", "rng"}
    assert "rng" not in model.data_preprocessor(dict(inputs=[IMAGES[0, :BANDS]], valid=[IMAGES[0, 0] > 0]))


def test_a_reconstruction_does_not_depend_on_its_batch():
    model = built(ALGORITHMS["MAE"])
    x = torch.randn(8, BANDS, SIDE, SIDE)
    made = model(x, mode="predict")
    (single,) = model(x[4:5], mode="predict")
    assert torch.equal(single["patches"].hidden, made[4]["patches"].hidden)
    assert torch.allclose(single["patches"].prediction, made[4]["patches"].prediction, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALGORITHMS)
def test_compiled_algorithms_take_batches_of_changing_size(name):
    """What ``compile = True`` in a config does; the last batch of an epoch is smaller."""
    model = built(ALGORITHMS[name])
    forward = model.forward
    model.forward = torch.compile(model.forward, backend="eager")
    for size in (4, 4, 3, 2):
        views = IMAGES[:size, :BANDS].repeat(1, 1, 3, 3)[..., :SIDE, :SIDE] / 100
        views = [views, views] if name.startswith("DINOv2") else views
        torch.manual_seed(size)
        compiled = model(views, mode="loss")
        torch.manual_seed(size)
        plain = forward(views, mode="loss")
        for key, value in plain.items():
            torch.testing.assert_close(compiled[key], value, rtol=1e-4, atol=1e-5)
    torch._dynamo.reset()
