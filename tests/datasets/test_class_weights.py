"""Class counts and the weights made of them."""

import numpy as np
import pytest
from mmengine.config import Config

from mmhsi.datasets.class_weights import class_weights
from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import DATASETS


def test_weights_by_hand():
    counts = np.array([100, 10, 0, 40])
    np.testing.assert_allclose(class_weights(counts), 3 * np.array([0.01, 0.1, 0, 0.025]) / 0.135)
    np.testing.assert_allclose(class_weights(counts, "median"), [0.4, 4, 0, 1])
    roots = np.array([0.1, 10**-0.5, 0, 40**-0.5])
    np.testing.assert_allclose(class_weights(counts, "sqrt"), 3 * roots / roots.sum())
    effective = np.array([1 / sum(0.9999**i for i in range(n)) if n else 0 for n in counts])
    np.testing.assert_allclose(class_weights(counts, "effective"), 3 * effective / effective.sum())


def test_wrong_arguments():
    with pytest.raises(ConfigError, match="method='best' is unknown"):
        class_weights(np.array([1]), "best")
    with pytest.raises(DataError, match="no class has a labelled pixel"):
        class_weights(np.zeros(3, int))


@pytest.mark.parametrize(
    "path",
    [
        "configs/lo_msst/lo-msst-ft_sst-base-p8q16_linear_enmap-potsdam.py",
        "configs/mask2former/mask2former_swin-small_c2seg-wuhan.py",
        "configs/comparison/cnn2d.py",
    ],
)
def test_counts_are_those_of_the_samples(path, run_tool, repository, generated_data, monkeypatch, capsys, scope):
    monkeypatch.setenv("MMHSI_DATA", str(generated_data))
    cfg = Config.fromfile(repository / path)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    counts = np.zeros(dataset.spec.num_classes, int)
    for sample in dataset:
        truth = np.array(sample["label"]) if "label" in sample else sample["data_samples"].gt_sem_seg.data.numpy()
        counts += np.bincount(truth[(truth >= 0) & (truth != 255)], minlength=len(counts))
    assert counts.sum() > 20
    assert dataset.label_counts().tolist() == counts.tolist()
    assert run_tool("analysis/class_weights", repository / path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1 - len(counts)].split()[-2] == str(counts[0])
    assert lines[-1].startswith("class_weight=[")


def test_without_labels(generated_data, repository, monkeypatch, scope):
    monkeypatch.setenv("MMHSI_DATA", str(generated_data))
    for name in ("mae/mae_hsi-vit-tiny-p1_enmap-potsdam", "mae/mae_hsi-vit-tiny-p3"):
        cfg = Config.fromfile(repository / f"configs/{name}.py")
        with pytest.raises(ConfigError, match="no labels"):
            DATASETS.build(cfg.train_dataloader.dataset).label_counts()
