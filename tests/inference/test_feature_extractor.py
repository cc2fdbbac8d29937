"""Which features belong to which labels."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from small_models import SMALL, shrink

from mmhsi.config_files import DATASET, load_config
from mmhsi.datasets.simulation import simulate_scene, write_scene
from mmhsi.engine import resolve_from_data
from mmhsi.errors import ConfigError
from mmhsi.inference import feature_extractor
from mmhsi.inference.feature_extractor import FeatureExtractor, patch_labels
from mmhsi.registry import MODELS


def test_a_patch_has_the_class_of_most_of_its_pixels():
    rng = np.random.default_rng(0)
    labels = torch.from_numpy(rng.choice([0, 1, 255], size=(7, 10), p=[0.45, 0.25, 0.3]))
    found = patch_labels(labels, (3, 4), 3).tolist()
    for row in range(3):
        for column in range(4):
            cell = labels[3 * row : 3 * row + 3, 3 * column : 3 * column + 3].flatten().tolist()
            counts = [cell.count(0), cell.count(1)]
            expected = 255 if max(counts) < 4.5 else counts.index(max(counts))
            assert found[4 * row + column] == expected
    assert {0, 255} <= set(found)


@pytest.fixture
def extractor(tmp_path, monkeypatch, repository):
    write_scene(simulate_scene(30, 30, 64), tmp_path / "demo")
    monkeypatch.setenv("MMHSI_DATA", str(tmp_path))
    cfg = shrink(Config.fromfile(repository / "configs/mae/mae-ft_hsi-vit-tiny-p3_demo_20-per-class.py"))
    cfg.model.backbone.init_cfg = None
    cfg.train_dataloader.dataset.split.per_class = 3
    cfg.test_dataloader.dataset.split.per_class = 3
    resolve_from_data(cfg)
    model = MODELS.build(cfg.model)
    bands = model.data_preprocessor.num_bands
    model.data_preprocessor.fit(torch.full((bands,), 0.2), torch.full((bands,), 0.1))
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    return FeatureExtractor(cfg, tmp_path / "weights.pth", device="cpu")


def test_features_are_the_centre_tokens(extractor):
    dataset = extractor.dataset("train_dataloader")
    features, labels, tiles = extractor.labelled(dataset, batch_size=4)
    assert tiles is None  # every window is its own
    assert np.array_equal(labels, dataset.labels.ravel()[dataset.pixels])
    row, column = np.divmod(dataset.pixels[5], 30)
    padded = np.pad(dataset.cube.data, ((4, 4), (4, 4), (0, 0)), mode="reflect")[row : row + 9, column : column + 9]
    window = (torch.from_numpy(padded).float().permute(2, 0, 1)[None] - 0.2) / 0.1
    expected = extractor.backbone(window)[-1][0, :, 1, 1].detach().numpy()
    np.testing.assert_allclose(features[5], expected, rtol=1e-3, atol=1e-4)


def test_an_untrained_network_has_the_statistics_of_the_training_data(extractor):
    untrained = FeatureExtractor(extractor.cfg, None, device="cpu")
    statistics = untrained.dataset("train_dataloader").band_statistics()
    np.testing.assert_allclose(untrained.preprocessor.mean, statistics.mean, rtol=1e-5)
    np.testing.assert_allclose(untrained.preprocessor.std, statistics.std, rtol=1e-5)
    assert untrained.backbone.pos_embed[0, 1:].std() > 0.3  # sinusoids: untrained, but not without positions
    assert len(untrained.labelled(untrained.dataset("train_dataloader")).labels)


@pytest.mark.usefixtures("place")
def test_large_tiles_are_computed_in_smaller_batches(monkeypatch):
    monkeypatch.setenv(DATASET, "enmap-potsdam")
    cfg = load_config("configs/segmentation/hsi-vit-tiny-p2_linear.py")
    cfg.model.backbone.update(arch=SMALL, out_indices=(1,))
    extractor = FeatureExtractor(cfg, None, device="cpu")
    dataset, sizes, batches = extractor.dataset("train_dataloader"), [], extractor.batches

    def noted(data, size):
        sizes.append(size)
        return batches(data, size)

    monkeypatch.setattr(extractor, "batches", noted)
    assert len(dataset) == 2
    together = extractor.labelled(dataset)
    monkeypatch.setattr(feature_extractor, "VALUES", dataset[0]["inputs"].numel())
    apart = extractor.labelled(dataset)
    assert sizes == [min(256, (1 << 24) // dataset[0]["inputs"].numel()), 1]
    np.testing.assert_allclose(apart.features, together.features, rtol=1e-4, atol=1e-5)
    assert apart.tiles.tolist() == together.tiles.tolist()


@pytest.mark.usefixtures("place")
def test_views_of_self_distillation_are_refused(monkeypatch):
    monkeypatch.setenv(DATASET, "houston2018-crop")
    cfg = load_config("configs/dinov2/dinov2_hsi-vit-tiny.py")
    extractor = FeatureExtractor(cfg, None, device="cpu")
    with pytest.raises(ConfigError, match="samples are several views; give the config of fine-tuning"):
        next(extractor.batches(extractor.dataset("train_dataloader"), 1))


def test_a_checkpoint_without_statistics_and_an_unknown_device_are_refused(extractor, tmp_path):
    torch.save({f"backbone.{k}": v for k, v in extractor.backbone.state_dict().items()}, tmp_path / "bare.pth")
    with pytest.raises(ConfigError, match="has no band statistics"):
        FeatureExtractor(extractor.cfg, tmp_path / "bare.pth")
    with pytest.raises(ConfigError, match="device 'abacus' cannot be used"):
        FeatureExtractor(extractor.cfg, None, device="abacus")
