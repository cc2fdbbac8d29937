"""Centring of the teacher's scores."""

import numpy as np
import pytest
import torch
import torch.multiprocessing
from processes import on_two_ranks

from mmhsi.errors import ConfigError
from mmhsi.models.losses import SinkhornCentring, SoftmaxCentring


def slow_sinkhorn(scores, temperature, iterations):
    """As SwAV's listing: normalise the matrix's rows and columns in turn, float64."""
    shares = np.exp(scores.double().numpy() / temperature).T  # (K, n)
    shares /= shares.sum()
    prototypes, tokens = shares.shape
    for _ in range(iterations):
        for k in range(prototypes):
            shares[k] /= shares[k].sum() * prototypes
        for i in range(tokens):
            shares[:, i] /= shares[:, i].sum() * tokens
    return torch.from_numpy(shares.T * tokens)


@pytest.mark.parametrize("shape", [(7, 12), (40, 6)])
@pytest.mark.parametrize("iterations", [1, 3])
def test_sinkhorn_beside_the_plain_algorithm(shape, iterations):
    scores = torch.rand(shape) * 2 - 1
    made = SinkhornCentring(iterations)(scores, 0.07)
    assert torch.allclose(made.double(), slow_sinkhorn(scores, 0.07, iterations), rtol=1e-4, atol=1e-7)


def test_rows_sum_to_one_and_prototypes_share_alike():
    scores = torch.randn(30, 8)
    three, many = SinkhornCentring()(scores, 0.5), SinkhornCentring(200)(scores, 0.5)
    assert torch.allclose(three.sum(1), torch.ones(30), atol=1e-5)
    assert torch.allclose(many.sum(1), torch.ones(30), atol=1e-5)
    assert torch.allclose(many.sum(0), torch.full((8,), 30 / 8), rtol=1e-3)
    plain = scores.div(0.5).softmax(1).sum(0).std()
    assert three.sum(0).std() < 0.2 * plain


@pytest.mark.parametrize("factor", [1e-3, 50.0, 1e4])
def test_sinkhorn_stays_finite(factor):
    made = SinkhornCentring()(factor * torch.randn(9, 16), 0.04)
    assert made.isfinite().all()
    assert torch.allclose(made.sum(1), torch.ones(9), atol=1e-4)


@pytest.mark.parametrize("make", [SinkhornCentring, lambda: SoftmaxCentring(5).train()])
def test_tokens_that_do_not_count_change_nothing(make):
    scores, counts = torch.randn(6, 5), torch.tensor([1.0, 1, 0, 1, 0, 1])
    some, alone = make(), make()
    made, wanted = some(scores, 0.1, counts), alone(scores[counts > 0], 0.1)
    assert torch.allclose(made[counts > 0], wanted, atol=1e-6)
    assert not made[counts == 0].any()
    for one, two in zip(some.buffers(), alone.buffers(), strict=True):
        assert torch.allclose(one, two, atol=1e-6)


def test_softmax_takes_the_mean_of_the_steps_before():
    centring = SoftmaxCentring(4, momentum=0.9).train()
    first, second = torch.randn(3, 4), torch.randn(5, 4)
    assert torch.allclose(centring(first, 0.5), (first / 0.5).softmax(1), atol=1e-6)
    centre = 0.1 * first.mean(0)
    assert torch.allclose(centring.centre, centre, atol=1e-6)
    assert torch.allclose(centring(second, 0.5), ((second - centre) / 0.5).softmax(1), atol=1e-6)
    centre = 0.9 * centre + 0.1 * second.mean(0)
    assert torch.allclose(centring.centre, centre, atol=1e-6)
    centring.eval()(first, 0.5)
    assert torch.allclose(centring.centre, centre, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [(lambda: SinkhornCentring(0), "iterations=0 given"), (lambda: SoftmaxCentring(4, 1.5), r"momentum=1\.5 given")],
)
def test_arguments_are_checked(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


SIZES = (5, 8)
"""Tokens of the two processes."""


def on_one_rank(rank, folder):
    part = torch.load(folder / "scores.pt").split(SIZES)[rank]
    softmax = SoftmaxCentring(12).train()
    made = dict(sinkhorn=SinkhornCentring()(part, 0.05), softmax=softmax(part, 0.05), centre=softmax.centre)
    torch.save(made, folder / f"made{rank}.pt")


def test_two_processes_give_what_one_gives(tmp_path):
    scores = torch.randn(sum(SIZES), 12)
    torch.save(scores, tmp_path / "scores.pt")
    on_two_ranks(tmp_path / "store", on_one_rank, tmp_path)
    first, second = (torch.load(tmp_path / f"made{rank}.pt") for rank in range(2))
    softmax = SoftmaxCentring(12).train()
    wanted = dict(sinkhorn=SinkhornCentring()(scores, 0.05), softmax=softmax(scores, 0.05))
    for name, whole in wanted.items():
        assert torch.allclose(torch.cat([first[name], second[name]]), whole, atol=1e-5), name
    alone = SinkhornCentring()(scores[: SIZES[0]], 0.05)
    assert not torch.allclose(alone, first["sinkhorn"], atol=1e-2)  # the other's tokens matter
    assert torch.equal(first["centre"], second["centre"])
    assert torch.allclose(first["centre"], softmax.centre, atol=1e-6)
