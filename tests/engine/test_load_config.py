"""Config files by path and by package."""

import logging

import pytest
from mmengine.config import Config
from mmengine.logging import MMLogger

from mmhsi.engine.configs import load_config
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
    with pytest.raises(FileNotFoundError, match=r"configs/none\.py"):
        load_config("mmhsi::none.py")
