"""Config files by path and by package."""

import pytest
from mmengine.config import Config

from mmhsi.errors import ConfigError
from mmhsi.utils.configs import load_config

NAME = "_base_/datasets/demo_pretrain.py"


def test_a_path_and_a_package_name_are_one_config(repository, monkeypatch, capfd):
    monkeypatch.setenv("MMHSI_DATA", "elsewhere")
    by_path, by_name = load_config(repository / "configs" / NAME), load_config(f"mmhsi::{NAME}")
    assert "Using env variable" not in "".join(capfd.readouterr())
    expected = Config.fromfile(str(repository / "configs" / NAME))
    assert by_path.to_dict() == by_name.to_dict() == expected.to_dict()
    assert by_name.train_dataloader.dataset.data_root == "elsewhere"
    assert load_config(by_name) is by_name
    assert "Using env variable" in "".join(capfd.readouterr())  # mmengine's own, when it is called directly


def test_what_is_not_there():
    with pytest.raises(ConfigError, match=r"nothing::a\.py: no package 'nothing' is installed"):
        load_config("nothing::a.py")
    with pytest.raises(FileNotFoundError, match=r"configs/none\.py"):
        load_config("mmhsi::none.py")
