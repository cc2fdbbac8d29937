"""What every algorithm does that hides parts of an image and reconstructs them."""

import pytest
import torch
from small_algorithms import ALGORITHMS, BANDS, SIDE, built

NAMES = [name for name in ALGORITHMS if not name.startswith("DINOv2")]


def losses(model, x, valid=None):
    torch.manual_seed(3)
    return {name: value.item() for name, value in model(x, valid=valid, mode="loss").items()}


@pytest.mark.parametrize("name", NAMES)
def test_values_without_data_change_nothing(name):
    model = built(ALGORITHMS[name])
    raw, valid, made = torch.randn(2, BANDS, SIDE, SIDE), torch.rand(2, SIDE, SIDE) > 0.3, []
    for fill in (0.0, float("nan"), 1e9):
        tiles = torch.where(valid[:, None], raw, fill)
        batch = model.data_preprocessor(dict(inputs=list(tiles), valid=list(valid)), training=False)
        made.append(losses(model, batch["inputs"], batch["valid"]))
    assert made[0] == made[1] == made[2]
    assert made[0] != losses(model, batch["inputs"])  # what is left out would count


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_without_any_data_costs_nothing(name):
    model = built(ALGORITHMS[name])
    found = model(torch.zeros(2, BANDS, SIDE, SIDE), valid=torch.zeros(2, SIDE, SIDE, dtype=torch.bool), mode="loss")
    assert all(value.item() == 0 for value in found.values())
    sum(found.values()).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_all_losses_are_minimised_and_every_parameter_learns(name):
    model = built(ALGORITHMS[name]).train()
    terms = model(torch.randn(2, BANDS, SIDE, SIDE), mode="loss")
    total, _ = model.parse_losses(terms)
    assert total.item() == pytest.approx(sum(term.item() for term in terms.values()))
    total.backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize("name", NAMES)
def test_prediction_draws_the_same_masks_again(name):
    model, x = built(ALGORITHMS[name]), torch.randn(2, BANDS, SIDE, SIDE)
    first, second = (model(x, mode="predict") for _ in range(2))
    for image, one, two in zip(x, first, second, strict=True):
        for kind, made in one.items():
            assert made.prediction.shape == made.hidden.shape == image.shape
            assert torch.equal(made.target, image)
            assert torch.equal(made.hidden, two[kind].hidden)


@pytest.mark.parametrize("name", ["MAE", *(pytest.param(name, marks=pytest.mark.slow) for name in ("SS-MAE", "IMAE"))])
def test_it_learns_to_fill_in_a_constant_image(name):
    model = built(ALGORITHMS[name]).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    values, history = torch.randn(16, 1, 1, 1).expand(-1, BANDS, SIDE, SIDE), []
    for _ in range(60):
        terms = model(values, mode="loss")
        optimiser.zero_grad()
        sum(terms.values()).backward()
        optimiser.step()
        history.append({key: value.item() for key, value in terms.items()})
    assert all(history[-1][key] < 0.4 * value for key, value in history[0].items())
