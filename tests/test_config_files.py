"""Config files by path and by package."""

import logging

import pytest
from mmengine.config import Config
from mmengine.logging import MMLogger

from mmhsi.config_files import DATASET, chosen_dataset, load_config, run_name
from mmhsi.errors import ConfigError

NAME = "_base_/datasets/demo_pretrain.py"


@pytest.fixture
def messages(monkeypatch):
    """What mmengine logs, whatever other tests have set up."""
    logger, found = MMLogger.get_current_instance(), []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())
    monkeypatch.setattr(logger, "handlers", [handler])
    monkeypatch.setattr(logger, "level", logging.INFO)
    monkeypatch.setattr(logger, "_cache", {})
    return found


def test_a_path_and_a_package_name_are_one_config(repository, monkeypatch, messages):
    monkeypatch.setenv("MMHSI_DATA", "elsewhere")
    by_path, by_name = load_config(repository / "configs" / NAME), load_config(f"mmhsi::{NAME}")
    assert messages == []
    expected = Config.fromfile(str(repository / "configs" / NAME))
    assert "Using env variable" in messages[0]  # mmengine's own, when it is called directly
    assert by_path.to_dict() == by_name.to_dict() == expected.to_dict()
    assert by_name.train_dataloader.dataset.data_root == "elsewhere"
    assert load_config(by_name) is by_name


def test_what_is_not_there():
    with pytest.raises(ConfigError, match=r"nothing::a\.py: no package 'nothing' is installed"):
        load_config("nothing::a.py")
    with pytest.raises(
        ConfigError,
        match=r"none_hsi-vit-tiny-p3_demo\.py: no such config; nearest: 'mmhsi::mae/mae_hsi-vit-tiny-p3_demo\.py'",
    ):
        load_config("mmhsi::mae/none_hsi-vit-tiny-p3_demo.py")


@pytest.mark.parametrize(
    ("name", "dataset", "scene", "run"),
    [
        ("comparison/cnn2d.py", None, "salinas_a", "cnn2d_salinas-a_20-per-class"),
        ("comparison/cnn2d.py", "salinas_20-per-class", "salinas", "cnn2d_salinas_20-per-class"),
        ("imae/imae-vit-tiny.py", "salinas-a_disjoint", "salinas_a", "imae-vit-tiny_salinas-a_disjoint"),
        ("mae/mae_hsi-vit-tiny-p3.py", "indian-pines", "indian_pines", "mae_hsi-vit-tiny-p3_indian-pines"),
        ("mae/mae_hsi-vit-tiny-p3_demo.py", "salinas", "demo", "mae_hsi-vit-tiny-p3_demo"),
    ],
)
def test_a_config_for_several_takes_the_data_that_are_chosen(name, dataset, scene, run, monkeypatch, messages):
    if dataset is not None:
        monkeypatch.setenv(DATASET, dataset)
    cfg = load_config(f"mmhsi::{name}")
    assert cfg.train_dataloader.dataset.scene == scene
    assert run_name(cfg) == run
    assert messages == []


def test_a_finetuning_names_the_pretraining_on_its_data(monkeypatch):
    monkeypatch.setenv(DATASET, "houston2018-crop_disjoint")
    checkpoint = load_config("mmhsi::mae/mae-ft_hsi-vit-tiny-p3.py").model.backbone.init_cfg.checkpoint
    monkeypatch.setenv(DATASET, "houston2018-crop")
    assert checkpoint == f"work_dirs/{run_name(load_config('mmhsi::mae/mae_hsi-vit-tiny-p3.py'))}/epoch_20.pth"


@pytest.mark.parametrize(
    ("name", "dataset", "nearest"),
    [
        ("comparison/cnn2d.py", "salinas-a_20-per-clas", "salinas-a_20-per-class"),
        ("mae/mae_hsi-vit-tiny-p3.py", "salinas_pretrain", "salinas"),
        ("segmentation/hsi-vit-tiny-p2_unet.py", "enmap-potsda", "enmap-potsdam"),
    ],
)
def test_an_unknown_data_set_names_the_nearest(name, dataset, nearest, monkeypatch):
    monkeypatch.setenv(DATASET, dataset)
    with pytest.raises(
        ConfigError, match=f"has no data set '{dataset}', expected the name of one, such as .*{nearest}"
    ):
        load_config(f"mmhsi::{name}")


def test_a_dumped_config_is_for_its_data_alone(tmp_path, monkeypatch):
    monkeypatch.setenv(DATASET, "salinas_20-per-class")
    load_config("mmhsi::comparison/cnn2d.py").dump(tmp_path / "cnn2d.py")
    monkeypatch.setenv(DATASET, "salinas-a_20-per-class")
    dumped = load_config(tmp_path / "cnn2d.py")
    assert dumped.train_dataloader.dataset.scene == "salinas"
    assert chosen_dataset(dumped) is None
    assert run_name(dumped) == "cnn2d"


def test_a_config_on_a_packages_base_builds_its_loaders(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text('_base_ = ["mmhsi::hsi_vit/hsi-vit-tiny-p3.py"]\n')
    loader = load_config(path).train_dataloader
    assert loader.collate_fn == dict(type="collate_pixels")
    assert loader.sampler["_scope_"] == "mmhsi"  # mmengine's mark, which functions cannot take
