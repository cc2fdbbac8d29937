"""Low-rank adapters: what learns, what is loaded, and merged models beside unmerged ones."""

import copy

import pytest
import torch
from mmengine.config import Config
from mmpretrain.structures import DataSample

from mmhsi.errors import ConfigError
from mmhsi.inference import SceneInferencer
from mmhsi.inference.publishing import publish_checkpoint
from mmhsi.models import PixelClassifier
from mmhsi.models.adapters import merged_state
from mmhsi.spec import InputSpec

ARCH = dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=48)
MODEL = dict(
    type="PixelClassifier",
    data_preprocessor=dict(type="ScenePreprocessor", num_bands=4, mean=[0.0] * 4, std=[1.0] * 4),
    backbone=dict(type="HSIViT", in_channels=4, arch=ARCH, img_size=9, patch_size=3),
    neck=dict(type="CenterContext"),
    head=dict(type="mmpretrain.LinearClsHead", num_classes=3),
)


def built(**options):
    torch.manual_seed(0)
    config = {**copy.deepcopy(MODEL), **options}
    config.pop("type")
    return PixelClassifier(**config)


def trained(model):
    """After three steps."""
    optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], 0.05)
    for _ in range(3):
        samples = [DataSample().set_gt_label(index % 3) for index in range(6)]
        sum(model(torch.randn(6, 4, 9, 9), samples, mode="loss").values()).backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.eval()


def test_adapters_and_head_alone_learn():
    model = built(lora=dict(rank=4, also=["patch_embed"]))
    before = {name: value.clone() for name, value in model.named_parameters()}
    trained(model)
    changed = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert changed == {name for name in before if ".lora_" in name or name.startswith(("head", "backbone.patch_embed"))}
    adapters = [name for name in before if ".lora_" in name]
    assert len(adapters) == 2 * 2 * 2  # A and B of two maps of two layers


def test_adapters_begin_as_no_change_on_loaded_weights(tmp_path):
    plain, x = built().eval(), torch.randn(3, 4, 9, 9)
    own = plain.backbone.state_dict().items()
    state = {
        f"backbone.{name}": value + 0.1 * ("pos" not in name) if value.is_floating_point() else value
        for name, value in own
    }
    torch.save(dict(state_dict=state), tmp_path / "weights.pth")
    start = dict(type="Pretrained", checkpoint=str(tmp_path / "weights.pth"), prefix="backbone.")
    model, full = (
        built(backbone=dict(MODEL["backbone"], init_cfg=start), **options) for options in (dict(lora=dict()), dict())
    )
    before = dict(model.named_parameters())
    for each in (model, full):
        each.init_weights()
        each.eval()
    torch.testing.assert_close(model.backbone(x)[0], full.backbone(x)[0])
    # The runner builds the optimiser first, and then initialises.
    assert all(value is before[name] for name, value in model.named_parameters())
    assert any(".lora_" in name for name in model.state_dict())


def test_merged_gives_what_unmerged_gives():
    model, x = trained(built(lora=dict(rank=2, alpha=6))), torch.randn(5, 4, 9, 9)
    expected, state = model.predict_scores(x), model.state_dict()
    by_hand = built().eval()
    by_hand.load_state_dict(merged_state(state, dict(alpha=6, rank=2)))
    torch.testing.assert_close(by_hand.predict_scores(x), expected)
    untrained = built().eval().predict_scores(x)
    assert (untrained - expected).abs().max() > 1e-2
    model.merge_adapters()
    torch.testing.assert_close(model.predict_scores(x), expected)
    assert not any(".lora_" in name for name in model.state_dict())


def test_published_and_mapped_models_are_merged(tmp_path):
    cfg = Config(dict(model=dict(MODEL, lora=dict(rank=2))))
    model, x = trained(built(lora=dict(rank=2))), torch.randn(5, 4, 9, 9)
    spec = InputSpec(
        classes=("a", "b", "c"), bands=(0, 1, 2, 3), file_bands=4, num_bands=4, window=(9, 9), label_ids=(1, 2, 3)
    )
    torch.save(dict(state_dict=model.state_dict(), meta=dict(dataset_meta=spec.to_meta())), tmp_path / "model.pth")
    mapped = SceneInferencer(cfg, tmp_path / "model.pth", device="cpu").model
    published = publish_checkpoint(cfg, tmp_path / "model.pth", tmp_path / "out.pth")
    for each in (mapped, SceneInferencer(None, published, device="cpu").model):
        assert not any("lora" in name or "base_layer" in name for name in each.network.state_dict())
        with torch.no_grad():
            torch.testing.assert_close(each(x), model.predict_scores(x))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(lora=dict(width=3)), "no option 'width'"),
        (dict(lora=dict(rank=0)), "rank=0"),
        (dict(lora=dict(dropout=1)), "dropout=1"),
        (dict(lora=dict(targets=["query"])), "no linear map query; it has"),
        (dict(lora=dict(), frozen=True), "either frozen=True or lora"),
    ],
)
def test_what_cannot_be_meant_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        built(**options)
