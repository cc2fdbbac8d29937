"""Classification with IMAE's tokens: their aggregation, and inference at other windows than in training."""

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models.backbones.imae_vit import IMAEViT
from mmhsi.models.necks.learnable_aggregation import LearnableAggregation
from mmhsi.registry import MODELS

SMALL = dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=32)


def classifier(bands=6, classes=3):
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type="PixelClassifier",
            data_preprocessor=dict(type="ScenePreprocessor", num_bands=bands),
            backbone=dict(type="IMAEViT", in_channels=bands, arch=SMALL, with_ins_token=True),
            neck=dict(type="LearnableAggregation", embed_dims=16),
            head=dict(
                type="mmpretrain.LinearClsHead",
                num_classes=classes,
                in_channels=16,
                loss=dict(type="mmpretrain.CrossEntropyLoss"),
            ),
        )
    )
    model.init_weights()
    return model


def windows(side, count, generator):
    """Three uniform classes with noise; the first row is of another class."""
    labels = torch.arange(count) % 3
    x = 0.5 * torch.randn(count, 6, side, side, generator=generator)
    x[torch.arange(count), labels, 1:-1, 1:-1] += 2
    x[torch.arange(count), (labels + 1) % 3, 0] += 2
    return x, labels


@pytest.mark.slow
def test_trained_at_one_window_it_infers_at_others():
    model = classifier()
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(30):
        x, labels = windows(15, 12, generator)
        loss = torch.nn.functional.cross_entropy(model(x, mode="tensor"), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for side in (9, 15, 21):
        x, labels = windows(side, 60, generator)
        scores = model.predict_scores(x)
        assert scores.shape == (60, 3)
        assert scores.isfinite().all()
        assert (scores.argmax(1) == labels).float().mean() > 0.9
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_aggregation_is_equations_18_to_20():
    torch.manual_seed(0)
    neck = LearnableAggregation(8).double()
    maps, ins = torch.randn(2, 8, 3, 4, dtype=torch.float64), torch.randn(2, 8, dtype=torch.float64)
    (made,) = neck((ins, torch.zeros(2, 8, 1, 1), maps))
    for b in range(2):
        tokens = [maps[b, :, row, column] for row in range(3) for column in range(4)]
        product = torch.zeros(8, 8, dtype=torch.float64)  # Zᵀ Z'
        for token in tokens:
            mapped = neck.pixels_mlp(token)
            for i in range(8):
                for j in range(8):
                    product[i, j] += token[i] * mapped[j] / 12
        assert torch.allclose(made[b], product @ neck.ins_mlp(ins[b]) + ins[b])


def test_aggregation_keeps_its_size_on_larger_windows():
    neck = LearnableAggregation(8)
    maps, ins = torch.randn(2, 8, 3, 4), torch.randn(2, 8)
    assert torch.allclose(neck((ins, maps.repeat(1, 1, 5, 5)))[0], neck((ins, maps))[0], atol=1e-5)


def test_the_aggregation_needs_an_ins_token():
    maps = IMAEViT(6, SMALL)(torch.zeros(1, 6, 3, 3))
    with pytest.raises(ConfigError, match="with_ins_token=True"):
        LearnableAggregation(16)(maps)


def test_the_aggregation_says_which_width_it_was_made_for():
    with pytest.raises(ConfigError, match="embed_dims=16, but the backbone's tokens are 32 wide"):
        LearnableAggregation(16)((torch.zeros(2, 32), torch.zeros(2, 32, 3, 3)))
