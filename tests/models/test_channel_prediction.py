"""Prediction of channels from windows, against slow loops and scikit-learn."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import pairwise_distances_argmin
from torch import nn

from mmhsi.datasets import SceneDataset
from mmhsi.engine import FitClustersHook
from mmhsi.errors import ConfigError, DataError
from mmhsi.models.selfsup import ClusterTargets
from mmhsi.registry import MODELS

SEEN, WANTED, SIDE = 5, 11, 5


def model(**changes):
    torch.manual_seed(0)
    bands = changes.pop("bands", SEEN + WANTED)
    config = dict(
        type="ChannelPrediction",
        targets=WANTED,
        hidden=8,
        clusters=(3, 4),
        gain=0.0,
        noise=0.0,
        backbone=dict(type="CNN2D", in_channels=bands, embed_dims=8, groups=2),
        neck=dict(type="CenterContext"),
        data_preprocessor=dict(type="ScenePreprocessor", num_bands=bands, mean=[0.0] * bands, std=[1.0] * bands),
    )
    return MODELS.build({**config, **changes}).eval()


def windows(count=12):
    return torch.randn(count, SEEN + WANTED, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def test_loss_by_a_slow_loop():
    built, x = model(weight=0.7), windows()
    valid = torch.ones(len(x), SIDE, SIDE, dtype=torch.bool)
    valid[3, SIDE // 2, SIDE // 2] = False
    pixels = x[:, SEEN:, SIDE // 2, SIDE // 2]
    built.targets.fit(pixels)
    losses = built(x, valid=valid, mode="loss")

    channels, clusters, holding = 0.0, 0.0, 0
    features = built.features(x[:, :SEEN])
    for index, pixel in enumerate(pixels):
        if not valid[index, SIDE // 2, SIDE // 2]:
            continue
        holding += 1
        error = (built.predict_channels(features[index]) - pixel).abs()
        channels += float(torch.where(error < 1, error**2 / 2, error - 0.5).mean())
        scores = built.predict_clusters(features[index])
        first = 0
        for size in (3, 4):
            centres = built.targets.centres[first : first + size]
            probabilities = scores[first : first + size].softmax(0)
            # Distances over the channels that the partition looks at, which are those of any centre that is not 0.
            looked = (centres != 0).any(dim=0)
            nearest = int(((pixel[looked] - centres[:, looked]) ** 2).sum(dim=1).argmin())
            clusters -= float(probabilities[nearest].log()) / 2
            first += size
    assert holding == len(x) - 1
    assert losses["loss_channels"].item() == pytest.approx(channels / holding, rel=1e-4)
    assert losses["loss_clusters"].item() == pytest.approx(0.7 * clusters / holding, rel=1e-4)


def test_the_backbone_sees_no_target():
    built, x = model(), windows()
    other = torch.cat([x[:, :SEEN], torch.randn_like(x[:, SEEN:])], dim=1)
    assert torch.equal(built(x, mode="predict"), built(other, mode="predict"))
    assert torch.equal(built(x)[0], built(other)[0])
    assert built.backbone.in_channels == SEEN
    assert built(x, mode="predict").shape == (len(x), WANTED)


def test_it_learns_what_a_window_holds():
    """The mean of a band over the window is predicted from the bands, and better than by no window at all."""
    built = model(clusters=(), targets=1, bands=SEEN + 1).train()
    generator = torch.Generator().manual_seed(2)
    optimizer = torch.optim.Adam(built.parameters(), 1e-2)
    for _ in range(150):
        x = torch.randn(64, SEEN + 1, SIDE, SIDE, generator=generator)
        x[:, SEEN] = 5 * x[:, 0].mean(dim=(1, 2))[:, None, None]
        loss = built(x, mode="loss")["loss_channels"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1  # 0.36 for whoever knows the mean alone, of unit variance


def test_clusters_are_the_nearest_of_scikit_learns_centres():
    pixels = torch.randn(200, 16, generator=torch.Generator().manual_seed(3))
    targets = ClusterTargets(16, (5, 7))
    with pytest.raises(ConfigError, match="FitClustersHook"):
        targets(pixels)
    targets.fit(pixels, seed=1)
    found = targets(pixels)
    for index, centres in enumerate(targets.centres.split([5, 7])):
        looked = (centres != 0).any(dim=0)
        assert 0 < looked.sum() <= 16
        wanted = pairwise_distances_argmin(pixels[:, looked].numpy(), centres[:, looked].numpy())
        assert np.array_equal(found[:, index].numpy(), wanted)
    again = ClusterTargets(16, (5, 7))
    again.load_state_dict(targets.state_dict())
    again.fit(torch.zeros(100, 16))  # fitted already
    assert torch.equal(again(pixels), found)
    with pytest.raises(DataError, match="7 clusters"):
        ClusterTargets(16, (5, 7)).fit(pixels[:6])


def test_hook_fits_the_clusters_to_the_normalised_targets():
    data = SceneDataset(
        "demo", subset="all", window=3, transforms=[dict(type="SceneChannels", groups=["spectra", "ms"])]
    )
    bands = data.spec.num_bands
    built = model(bands=bands, targets=42)
    run = SimpleNamespace(
        model=built,
        train_dataloader=SimpleNamespace(dataset=data),
        seed=0,
        logger=SimpleNamespace(info=lambda *_: None),
    )
    FitClustersHook().before_train(run)
    assert built.targets.fitted
    pixels = torch.from_numpy(data.cube.data.reshape(-1, bands)[:, -42:])
    spread = torch.stack([torch.bincount(part, minlength=3) for part in built.targets(pixels).T.clamp(max=2)])
    assert (spread > 0).all()  # none is empty
    run.model = nn.Linear(2, 2)
    with pytest.raises(ConfigError, match="Linear"):
        FitClustersHook().before_train(run)


def test_what_cannot_work_is_refused():
    with pytest.raises(ConfigError, match="nothing is left"):
        model(bands=WANTED)
    with pytest.raises(ConfigError, match="at least 2"):
        model(clusters=(1,))
    with pytest.raises(ConfigError, match="not offered"):
        model()(windows(), mode="map")
