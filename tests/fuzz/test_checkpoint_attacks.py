"""Nothing in a checkpoint runs, however it comes in, and whoever reads it gets one line."""

from __future__ import annotations

import http.server
import os
import pickle
import re
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from fuzz import attacks, checkpoint_mutants
from fuzz.attacks import by_reflection, create
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import get_torch_safe_globals
from scene_models import META, QUERIES, VIT

from mmhsi.engine import CheckedRunner, build_runner, resolve_from_spec
from mmhsi.engine.runners import our_loader_alone, read_run
from mmhsi.errors import ConfigError, FileFormatError
from mmhsi.estimator.pretrained import Encoder
from mmhsi.inference import SceneInferencer
from mmhsi.inference.feature_extractor import FeatureExtractor
from mmhsi.inference.publishing import publish_checkpoint
from mmhsi.models.weights import load_weights, read_checkpoint, transfer_weights, trusted_weights
from mmhsi.registry import MODELS
from mmhsi.spec import InputSpec

pytestmark = [pytest.mark.usefixtures("scope"), pytest.mark.filterwarnings("ignore")]
ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "configs/hsi_vit/hsi-vit-tiny-p3.py"
WHOLE = dict(state_dict={"backbone.norm.weight": torch.zeros(3)}, meta=dict(dataset_meta={**META, "window": [6, 6]}))


@pytest.fixture
def marker(tmp_path):
    """A file that nothing may create."""
    path = tmp_path / "ran"
    yield path
    assert not path.exists()


@pytest.fixture
def config(generated_data, tmp_path, monkeypatch):
    """A small classification of one epoch."""
    monkeypatch.setenv("MMHSI_DATA", str(generated_data))
    cfg = Config.fromfile(BASE)
    cfg.train_cfg = dict(by_epoch=True, max_epochs=1)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.default_hooks.checkpoint.update(interval=1)
    cfg.model.tta = False
    cfg.dump(tmp_path / "config.py")
    return tmp_path / "config.py"


def refused(path):
    with pytest.raises(FileFormatError) as caught:
        read_checkpoint(path)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@pytest.mark.parametrize("name", attacks.PICKLED)
def test_what_stands_beside_the_weights(name, marker, tmp_path):
    attacks.saved(WHOLE, attacks.PICKLED[name](marker), tmp_path / "evil.pth")
    assert re.search(r"evil\.pth: (not weights and plain data alone|damaged)", refused(tmp_path / "evil.pth"))


@pytest.mark.parametrize("name", attacks.INSTRUCTIONS)
def test_instructions_that_torch_does_not_write(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    attacks.with_pickle(WHOLE, attacks.INSTRUCTIONS[name], tmp_path / "evil.pth")
    refused(tmp_path / "evil.pth")
    assert not (tmp_path / "MARKER").exists()


def test_the_chain_of_attributes_is_a_real_one(tmp_path):
    """What mmengine thinks safe runs it: the test above means something."""
    attacks.saved(WHOLE, by_reflection(tmp_path / "ran"), tmp_path / "evil.pth")
    with torch.serialization.safe_globals(get_torch_safe_globals()):
        torch.load(tmp_path / "evil.pth", weights_only=True)
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("protocol", [2, 4])
def test_bare_pickles_and_torchs_old_format(protocol, marker, tmp_path, monkeypatch):
    monkeypatch.delenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", raising=False)
    (tmp_path / "bare.pth").write_bytes(pickle.dumps(attacks.Call(exec, create(marker)), protocol))
    torch.save(WHOLE, tmp_path / "old.pth", _use_new_zipfile_serialization=False, pickle_protocol=protocol)
    for name in ("bare.pth", "old.pth"):
        message = refused(tmp_path / name)
        assert "no checksums" in message
        assert "mmhsi trust_checkpoint" in message
    assert torch.equal(trusted_weights(tmp_path / "old.pth")["backbone.norm.weight"], torch.zeros(3))


@pytest.mark.parametrize("scheme", ["http", "https", "s3", "petrel:s3", "pavi", "file", "open-mmlab", "torchvision"])
def test_only_files_of_this_machine_are_read(scheme):
    for read in (read_checkpoint, lambda path: load_weights(torch.nn.Linear(1, 1), path)):
        with pytest.raises(FileFormatError, match=r"only files on this machine are read; download it"):
            read(f"{scheme}://nowhere.invalid/evil.pth")


def with_weights(config, path):
    """The config with pretrained weights for its backbone."""
    if config:
        cfg = Config.fromfile(config)
        cfg.model.backbone.init_cfg = dict(type="Pretrained", checkpoint=str(path))
        cfg.dump(config.with_name("pretrained.py"))
        return config.with_name("pretrained.py")
    return config


def tools(config, path, folder):
    """Every command that reads a checkpoint, and how."""
    scene = ROOT / "tests"  # is not looked at before the checkpoint
    return {
        "train --resume FILE": ("train", config, "--work-dir", folder, "--resume", path),
        "train --resume": ("train", config, "--work-dir", folder, "--resume"),
        "train, load_from": ("train", config, "--work-dir", folder, "--cfg-options", f"load_from={path}"),
        "train, init_cfg": ("train", with_weights(config, path), "--work-dir", folder),
        "train, FlexibleRunner": (
            *("train", config, "--work-dir", folder, "--cfg-options", f"load_from={path}", "resume=True"),
            "runner_type=FlexibleRunner",
        ),
        "test": ("test", config, path, "--work-dir", folder),
        "predict": ("predict", config, path, scene, "--out", folder / "map.tif"),
        "predict, published": ("predict", path, scene, "--out", folder / "map.tif"),
        "export": ("converters/export", config, path, "--out", folder / "model.pt2"),
        "export, published": ("converters/export", path, "--out", folder / "model.pt2"),
        "publish_model": ("converters/publish_model", config, path, "--out", folder / "published.pth"),
        "weights convert": ("weights", "convert", "SSTN", path, "--out", folder / "renamed.pth"),
        "strip_pruned": ("converters/strip_pruned", path, "--out", folder / "stripped.pth"),
        "probe_features": ("analysis/probe_features", config, path),
        "show_features": ("analysis/show_features", config, path, "--out", folder / "picture.png"),
        "show_attention": ("analysis/show_attention", config, path, "--out", folder / "picture.png"),
    }


@pytest.mark.parametrize("name", tools("", "", Path()))
def test_every_command_refuses_it(name, config, marker, tmp_path, run_tool, capsys):
    (tmp_path / "w").mkdir()
    path = tmp_path / "w/epoch_1.pth"  # where --resume looks for it
    attacks.saved(WHOLE, by_reflection(marker), path)
    assert run_tool(*tools(config, path, tmp_path / "w")[name]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith(("error", "Traceback"))]
    assert len(lines) == 1
    assert f"checkpoint {path}: not weights and plain data alone (torch._tensor._rebuild_from_type_v2)" in lines[0]


@pytest.mark.parametrize("attack", ["reflection", "old format", "network"])
def test_every_function_refuses_it(attack, config, marker, tmp_path):
    path = tmp_path / "evil.pth"
    if attack == "reflection":
        attacks.saved(WHOLE, by_reflection(marker), path)
    elif attack == "old format":
        torch.save(dict(WHOLE, extra=attacks.Call(exec, create(marker))), path, _use_new_zipfile_serialization=False)
    where = "http://127.0.0.1:1/evil.pth" if attack == "network" else str(path)
    cfg = Config.fromfile(config)
    cfg.update(work_dir=str(tmp_path / "w"), train_dataloader=None, train_cfg=None, optim_wrapper=None)
    cfg.update(param_scheduler=None, test_dataloader=None, test_cfg=None, test_evaluator=None)
    resolve_from_spec(cfg, InputSpec.from_meta(WHOLE["meta"]["dataset_meta"], "test"), "test")
    runner = CheckedRunner.from_cfg(cfg)
    pretrained = dict(type="Pretrained", checkpoint=where)
    swin = MODELS.build(dict(QUERIES["backbone"], init_cfg=pretrained))

    def by_sister_package():
        with our_loader_alone():
            swin.init_weights()

    before = dict(CheckpointLoader._schemes)
    for call in (
        lambda: load_weights(torch.nn.Linear(1, 1), where),
        lambda: transfer_weights(MODELS.build(VIT), where),
        MODELS.build(dict(VIT, init_cfg=pretrained)).init_weights,
        by_sister_package,
        lambda: FeatureExtractor(config, where, device="cpu"),
        lambda: SceneInferencer(config, where, "cpu"),
        lambda: SceneInferencer(None, where, "cpu"),
        lambda: publish_checkpoint(config, where, tmp_path / "out.pth"),
        lambda: runner.load_checkpoint(where),
        lambda: runner.resume(where),
    ):
        with pytest.raises(FileFormatError):
            call()
    assert CheckpointLoader._schemes == before


def test_words_in_the_place_of_weights(tmp_path):
    module = MODELS.build(VIT)
    torch.save(dict.fromkeys(module.state_dict(), "a"), tmp_path / "a.pth")
    for read in (load_weights, transfer_weights):
        with pytest.raises(ConfigError, match="is a str, expected a tensor"):
            read(module, tmp_path / "a.pth")
    with pytest.raises(ConfigError, match="is a str, expected a tensor"):
        Encoder.of(tmp_path / "a.pth")


@pytest.mark.parametrize("shape", [(), (0,), (3,), (0, 0), (2, 2, 2, 2, 2)])
@pytest.mark.parametrize("parts", [("to_weight.weight", "to_bias.bias"), ("pixels.weight",), ("projection.weight",)])
def test_odd_shapes_of_an_embedding(tmp_path, parts, shape):
    """What is no embedding is passed over or refused; nothing else is raised."""
    module = MODELS.build(VIT)
    state = module.state_dict() | {f"patch_embed.{part}": torch.zeros(shape) for part in parts}
    torch.save(state, tmp_path / "a.pth")
    for read in (partial(transfer_weights, module), Encoder.of):
        with suppress(ConfigError):
            read(tmp_path / "a.pth")


def test_nothing_is_asked_of_a_network(config, tmp_path, run_tool, capsys):
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/evil.pth"
        for words in ([config, "--cfg-options", f"load_from={address}"], [with_weights(config, address)]):
            assert run_tool("train", *words, "--work-dir", tmp_path / "w") == 2
            assert "only files on this machine are read" in capsys.readouterr().err
        server.shutdown()
    assert asked == []


@pytest.mark.parametrize("kind", ["Runner", "FlexibleRunner"])
def test_the_text_of_a_config_is_not_executed(kind, config, marker, tmp_path, run_tool, monkeypatch):
    options = ["--cfg-options", f"runner_type={kind}", "train_cfg.max_epochs=2"]
    assert run_tool("train", config, "--work-dir", tmp_path / "a", *options) == 0
    (tmp_path / "a/epoch_2.pth").unlink()
    path = tmp_path / "a/epoch_1.pth"
    monkeypatch.delenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", raising=False)  # the command may have set it
    whole = torch.load(path, weights_only=False)
    assert "cfg" in whole["meta"]
    whole["meta"].update(dict.fromkeys(("cfg", "config"), create(marker)))
    torch.save(whole, path)
    assert not {"cfg", "config"} & set(read_checkpoint(path)["meta"])
    assert run_tool("train", config, "--work-dir", tmp_path / "a", "--resume", path, *options) == 0
    assert (tmp_path / "a/epoch_2.pth").exists()


def test_a_state_that_is_none_is_refused(config, tmp_path, run_tool, capsys, monkeypatch):
    path = checkpoint_mutants.written(tmp_path / "epoch_1.pth")
    monkeypatch.delenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", raising=False)
    good = torch.load(path, weights_only=False)
    assert isinstance(read_run(path)["message_hub"]["log_scalars"]["train/loss"], HistoryBuffer)
    for changes in (
        dict(message_hub=[1]),
        dict(message_hub=dict(log_scalars={}, runtime_info={})),
        dict(message_hub=dict(good["message_hub"], runtime_info=dict(keep_ckpt_ids=["../../x"]))),
        dict(message_hub=dict(good["message_hub"], runtime_info=dict(best_score="high"))),
        dict(message_hub=dict(good["message_hub"], log_scalars={"a": dict(log_history=[1])})),
        dict(meta=dict(good["meta"], iter="x")),
        dict(meta={key: value for key, value in good["meta"].items() if key != "epoch"}),
    ):
        torch.save({**good, **changes}, path)
        with pytest.raises(FileFormatError, match=r"epoch_1\.pth: its (message_hub|meta)"):
            read_run(path)
    good.pop("message_hub")
    torch.save(good, path)
    assert run_tool("train", config, "--work-dir", tmp_path / "w", "--resume", path) == 2
    assert f"{path}: no run of this config can go on from it" in capsys.readouterr().err


def test_a_runner_with_another_loader_is_refused(config):
    cfg = Config.fromfile(config)
    cfg.runner_type = "mmengine.Runner"
    with pytest.raises(ConfigError, match=r"runner_type='mmengine\.Runner' is unknown, or reads checkpoints"):
        build_runner(cfg)


def test_one_place_alone_reads_checkpoints():
    """All that is tested here goes through one function."""
    pattern = re.compile(r"torch\.load\(|\bload_checkpoint\(|\b_load_checkpoint\(|pickle\.load|weights_only=")
    found = {
        (str(path.relative_to(ROOT)), match)
        for folder in ("mmhsi", "tools")
        for path in (ROOT / folder).rglob("*.py")
        if ".mim" not in path.parts
        for match in pattern.findall(path.read_text())
    }
    allowed = {
        ("mmhsi/models/weights/checkpoint.py", "torch.load("),  # trusted_weights
        ("mmhsi/models/weights/checkpoint.py", "weights_only="),
        ("mmhsi/engine/runners.py", "load_checkpoint("),  # in the place of mmengine's
    }
    assert found == allowed


def test_a_changed_bit_is_refused_or_changes_nothing(tmp_path):
    whole = checkpoint_mutants.written(tmp_path / "whole.pth").read_bytes()
    expected = checkpoint_mutants.outcome(tmp_path / "mutant.pth", whole)
    assert expected is not None
    found = [
        checkpoint_mutants.outcome(tmp_path / "mutant.pth", content)
        for content in checkpoint_mutants.flipped(whole, np.random.default_rng(0), 600)
    ]
    assert all(result is None or result == expected for result in found)
    assert sum(result is None for result in found) > 200


def test_pickles_with_changed_instructions_are_data_or_refused(tmp_path):
    whole = checkpoint_mutants.written(tmp_path / "whole.pth").read_bytes()
    for content in checkpoint_mutants.rewritten(whole, np.random.default_rng(0), 600):
        checkpoint_mutants.outcome(tmp_path / "mutant.pth", content)  # no other error, nothing else than plain data


def test_what_is_read_is_what_was_written(tmp_path, monkeypatch):
    """Against torch's own reader, but for mmengine's histories and dicts of other classes."""
    path = checkpoint_mutants.written(tmp_path / "whole.pth")
    monkeypatch.delenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", raising=False)
    whole, found = torch.load(path, weights_only=False), read_checkpoint(path)
    for history in whole["message_hub"]["log_scalars"].values():
        values, counts = history.data
        expected = dict(log_history=values, count_history=counts, max_length=history.max_length)
        got = found["message_hub"]["log_scalars"].pop("train/loss")
        assert checkpoint_mutants.fingerprint(got) == checkpoint_mutants.fingerprint(expected)
    whole["message_hub"]["log_scalars"].clear()
    whole["meta"]["dataset_meta"] = dict(whole["meta"]["dataset_meta"])
    whole["param_schedulers"][0]["milestones"] = dict(whole["param_schedulers"][0]["milestones"])
    assert checkpoint_mutants.fingerprint(found) == checkpoint_mutants.fingerprint(whole)
    state = found["state_dict"]
    assert state["tied"].untyped_storage().data_ptr() == state["0.weight"].untyped_storage().data_ptr()


@pytest.mark.skipif(os.name == "nt", reason="no pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.pth")
    assert "is a pipe" in refused(tmp_path / "pipe.pth")
