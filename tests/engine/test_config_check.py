"""Mistakes of a config's writer are found before anything is built, and the nearest right name is said."""

import functools

import pytest
from mmengine.config import Config

from mmhsi.config_files import load_config
from mmhsi.engine import build_runner, check_config
from mmhsi.engine.building import building
from mmhsi.engine.compile_check import check_compile
from mmhsi.engine.numbers import resolve_from_spec
from mmhsi.errors import ConfigError
from mmhsi.registry import HOOKS
from mmhsi.spec import InputSpec

FINETUNING = "mae/mae-ft_hsi-vit-tiny-p3.py"
SEGMENTATION = "segformer/segformer_mit-b0.py"


@functools.cache
def read(name):
    return load_config(f"mmhsi::{name}")


def changed(name=FINETUNING, **changes):
    cfg = read(name).copy()
    cfg = Config(cfg.to_dict())
    cfg.merge_from_dict({key.replace("__", "."): value for key, value in changes.items()})
    return cfg


@pytest.mark.parametrize(
    ("changes", "place", "meant"),
    [
        (dict(train_dataloader__dataset__split__per_clas=3), "train_dataloader.dataset.split", "per_class"),
        (dict(train_dataloader__dataset__windw=3), "train_dataloader.dataset", "window"),
        (dict(train_dataloader__dataset__scene=dict(_delete_=True, image="a", lables="b")), "scene", "labels"),
        (dict(test_dataloader__dataset__scene="salinas-b"), "scene", "salinas_a"),
        (dict(train_dataloader__batchsize=3), "train_dataloader", "batch_size"),
        (dict(train_dataloader__sampler__suffle=True), "train_dataloader.sampler", "shuffle"),
        (dict(train_dataloader__sampler__type="Defaultsampler"), "train_dataloader.sampler", "DefaultSampler"),
        (dict(train_dataloder=dict(batch_size=3)), "train_dataloder", "train_dataloader"),
        (dict(modle=dict()), "modle", "model"),
        (dict(load_form="a.pth"), "load_form", "load_from"),
        (dict(model__backbone__type="HSIVit"), "model.backbone", "HSIViT"),
        (dict(model__backbone__patchsize=3), "model.backbone", "patch_size"),
        (dict(model__nek=dict(type="CenterContext")), "model", "neck"),
        (dict(model__head__type="mmpretrain.LinearClsHed"), "model.head", "mmpretrain.LinearClsHead"),
        (dict(model__head__type="mmpretrian.LinearClsHead"), "model.head", "mmpretrain.LinearClsHead"),
        (dict(model__head__loss__type="CrossEntropyLos"), "model.head.loss", "CrossEntropyLoss"),
        (dict(model__backbone__init_cfg__chekpoint="a"), "model.backbone.init_cfg", "checkpoint"),
        (dict(model__init_cfg=dict(type="Pretraind")), "model.init_cfg", "Pretrained"),
        (dict(optim_wrapper__clip_grads=dict(max_norm=1)), "optim_wrapper", "clip_grad"),
        (dict(optim_wrapper__optimizer__weightdecay=1), "optim_wrapper.optimizer", "weight_decay"),
        (dict(optim_wrapper__optimizer__type="Adamw"), "optim_wrapper.optimizer", "AdamW"),
        (dict(optim_wrapper__paramwise_cfg__norm_decay=0), "optim_wrapper.paramwise_cfg", "norm_decay_mult"),
        (
            dict(optim_wrapper__paramwise_cfg__custom_keys=dict(head=dict(lr_mul=1))),
            "optim_wrapper.paramwise_cfg.custom_keys['head']",
            "lr_mult",
        ),
        (dict(train_cfg__max_epoch=3), "train_cfg", "max_epochs"),
        (dict(train_cfg=dict(_delete_=True, by_epoch=False, max_iter=3)), "train_cfg", "max_iters"),
        (dict(default_hooks__checkpoint__intervall=3), "default_hooks.checkpoint", "interval"),
        (dict(default_hooks__chekpoint__interval=3), "default_hooks.chekpoint", "checkpoint"),
        (dict(custom_hooks=[dict(type="NonFiniteLossHok")]), "custom_hooks[0]", "NonFiniteLossHook"),
        (dict(custom_hooks=[dict(type="EMAHook", momentm=0.1)]), "custom_hooks[0]", "momentum"),
        (dict(test_evaluator__outfile="a"), "test_evaluator", "out_file"),
        (dict(param_scheduler=[dict(type="LinearLR", strt_factor=1)]), "param_scheduler[0]", "start_factor"),
        (dict(param_scheduler=[dict(type="LinearLRs")]), "param_scheduler[0]", "LinearLR"),
        (dict(randomness__sed=1), "randomness", "seed"),
        (dict(env_cfg__mp_cfg__mp_start_methd="fork"), "env_cfg.mp_cfg", "mp_start_method"),
        (dict(log_processor__by_epochs=True), "log_processor", "by_epoch"),
        (
            dict(visualizer__vis_backends=[dict(type="LocalVisBackends")]),
            "visualizer.vis_backends[0]",
            "LocalVisBackend",
        ),
    ],
)
def test_a_mistake_names_the_place_and_the_nearest_right_name(changes, place, meant):
    with pytest.raises(ConfigError) as caught:
        check_config(changed(**changes))
    assert place in str(caught.value)
    assert f"nearest: {meant!r}" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("changes", "meant"),
    [
        (dict(model__decode_head__in_chanels=[1]), "in_channels"),
        (dict(model__backbone__type="mmseg.MixVisionTransfomer"), "mmseg.MixVisionTransformer"),
        (dict(model__decode_head__norm_cfg=dict(type="BNN")), "BN"),
        (dict(train_dataloader__dataset__pipeline=[dict(type="LoadCubes")]), "LoadCube"),
    ],
)
def test_of_the_sister_packages_too(changes, meant):
    with pytest.raises(ConfigError, match=f"nearest: .*{meant!r}"):
        check_config(changed(SEGMENTATION, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        dict(crop_size=3, train_dataloader_2=dict(batch=3), mode="fast"),  # variables
        dict(custom_hooks=[dict(type="EMAHook", momentum=0.1, priority="NORMAL")]),
        dict(default_hooks__checkpoint__save_param_scheduler=False),  # goes to Runner.save_checkpoint
        dict(default_hooks__logger=None),
        dict(param_scheduler=[dict(type="CosineAnnealingLR", T_max=3, convert_to_iter_based=True)]),
        dict(optim_wrapper=dict(type="AmpOptimWrapper", dtype="bfloat16", loss_scale="dynamic")),
        dict(optim_wrapper=dict(constructor="OfTheUser", generator=dict(lr=3))),
        dict(model__init_cfg=dict(type="Constant", layer="Linear", val=1, override=dict(name="a"))),
        dict(model__type=lambda anything=None, **others: None),
        dict(train_dataloader__dataset__split__type="mmhsi.FewShotSplit"),
        dict(train_cfg=dict(_delete_=True, type="IterBasedTrainLoop", max_iters=3)),
    ],
)
def test_what_is_no_mistake_passes(changes):
    check_config(changed(**changes))


def test_groups_of_channels_are_descriptions_of_their_own():
    def with_group(**group):
        channels = dict(type="SceneChannels", groups=["emp", dict(group)])
        return Config(dict(train_dataloader=dict(dataset=dict(type="SceneDataset", transforms=[channels]))))

    check_config(with_group(type="WordHistograms", words=4))
    with pytest.raises(ConfigError, match=r"groups\[1\]: WordHistograms takes no 'centres'; nearest: 'centers'"):
        check_config(with_group(type="WordHistograms", centres=[[1.0]]))


def test_what_a_class_needs_is_asked_for():
    with pytest.raises(ConfigError, match=r"train_dataloader\.dataset\.split: FewShotSplit needs per_class"):
        check_config(changed(train_dataloader__dataset__split=dict(_delete_=True, type="FewShotSplit")))


@pytest.mark.parametrize(
    ("removed", "message"),
    [("model", "no section 'model'"), ("train_cfg", "train_dataloader, optim_wrapper, but no train_cfg")],
)
def test_a_run_lacks_no_section(removed, message):
    cfg = changed()
    cfg.pop(removed)
    with pytest.raises(ConfigError, match=message):
        build_runner(cfg)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (dict(train_cfg__max_epochs="abc"), "train_cfg.max_epochs = 'abc'; expected a whole number of at least 1"),
        (dict(train_cfg__max_epochs=-1), "train_cfg.max_epochs = -1; expected"),
        (dict(train_cfg__max_epochs=1.5), "train_cfg.max_epochs = 1.5; expected"),
        (dict(train_cfg__val_begin="x"), "train_cfg.val_begin = 'x'; expected int"),
        (dict(train_dataloader__batch_size=0), "train_dataloader.batch_size = 0; expected"),
        (dict(train_dataloader__batch_size="abc"), "train_dataloader.batch_size = 'abc'; expected"),
        (dict(train_dataloader__num_workers=-1), "train_dataloader.num_workers = -1; expected"),
        (dict(randomness__seed="abc"), "randomness.seed = 'abc'; expected"),
        (dict(optim_wrapper__optimizer__lr=float("nan")), "optim_wrapper.optimizer.lr = nan; expected"),
        (dict(optim_wrapper__optimizer__lr="1e-3x"), "optim_wrapper.optimizer.lr = '1e-3x'; expected"),
        (dict(model__backbone=5), "model.backbone = 5; expected"),
        (dict(model__backbone__drop_rate="much"), "model.backbone.drop_rate = 'much'; expected float"),
        (dict(train_dataloader__dataset__stride="two"), "train_dataloader.dataset.stride = 'two'; expected"),
        (dict(model__type="subprocess.run"), "type='subprocess.run' is no class of models"),
        (dict(model__data_preprocessor=None), "model: PixelClassifier needs a data_preprocessor"),
        (dict(model__head=dict(_delete_=True, a=1)), "model.head has no type"),
        (dict(model__backbone__patch_size=[3, 3]), "model.backbone.patch_size = [3, 3]; expected int"),
        (dict(model__backbone__patch_size=None), "model.backbone.patch_size = None; expected int"),
        (dict(model__backbone__patch_size=True), "model.backbone.patch_size = True; expected int"),
        (dict(model=[1, 2]), "model[0] = 1; expected a dict with a type"),
        (dict(train_dataloader=5), "train_dataloader = 5; expected a dict"),
        (dict(train_dataloader__dataset=0), "train_dataloader has no dataset"),
        (dict(train_dataloader__dataset="salinas_a"), "train_dataloader.dataset = 'salinas_a'; expected a dict"),
        (dict(train_dataloader__dataset__window="nine"), "train_dataloader.dataset.window = 'nine'; expected int"),
        (dict(train_dataloader__dataset__random_pixels="many"), "random_pixels = 'many'; expected int | None"),
        (dict(train_cfg=[3]), "train_cfg = [3]; expected a dict"),
        (dict(randomness=3), "randomness = 3; expected a dict"),
        (dict(log_level="LOUD"), "log_level = 'LOUD'; expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
        (dict(log_level=[1]), "log_level = [1]; expected one of"),
        (dict(compile="yes"), "compile = 'yes'; expected True, False or a dict of torch.compile's arguments"),
        (dict(compile=3), "compile = 3; expected True, False or a dict"),
        (dict(compile=[1]), "compile = [1]; expected True, False or a dict"),
        (dict(compile=dict(mode="nonsense")), "compile.mode = 'nonsense': Unrecognized mode=nonsense"),
        (dict(compile=dict(mode=3)), "compile.mode = 3; expected"),
        (dict(compile=dict(dynamic="often")), "compile.dynamic = 'often'; expected bool"),
        (dict(compile=dict(mode="default", backend="nonsense")), "compile.backend = 'nonsense': Invalid backend"),
        (dict(compile=dict(options=dict(nonsense=1))), "compile.options = {'nonsense': 1}: Unexpected optimization"),
        (
            dict(compile=dict(mode="default", options={})),
            "compile = {'mode': 'default', 'options': {}}: Either mode or",
        ),
        (dict(compile=dict(modes="default")), "compile: torch.compile takes no 'modes'; nearest: 'mode'"),
        (dict(env_cfg__mp_cfg__opencv_num_threads="a"), "opencv_num_threads = 'a'; expected a whole number"),
        (dict(env_cfg__resource_limit="many"), "resource_limit = 'many'; expected a whole number"),
        (dict(custom_hooks="EMAHook"), "custom_hooks = 'EMAHook'; expected"),
        (dict(optim_wrapper__optimizer=0.1), "optim_wrapper.optimizer = 0.1; expected"),
        (dict(default_hooks__logger__interval="often"), "default_hooks.logger"),
    ],
)
def test_values_that_cannot_be_meant_are_said(changes, said):
    with pytest.raises(ConfigError) as info:
        build_runner(changed(**changes))
    assert said in str(info.value)
    assert len(str(info.value).splitlines()) == 1


@pytest.mark.parametrize(
    "value",
    [True, False, None, {}, dict(mode="reduce-overhead"), dict(backend="eager", dynamic=None), dict(target="forward")],
)
def test_what_torch_compiles_by_is_taken(value):
    check_compile(value)


@pytest.mark.parametrize("changes", [dict(model=None), {}])
def test_weights_are_not_given_to_a_config_without_a_model(changes):
    spec = InputSpec(classes=("a",), bands=(0,), file_bands=1, num_bands=1, label_ids=(1,), ignore_ids=(0,))
    with pytest.raises(ConfigError, match="has no section 'model'"):
        resolve_from_spec(Config(changes), spec, "checkpoint")


def test_what_a_class_says_when_it_is_built_is_one_line():
    said = pytest.raises(ConfigError, match=r"cannot be built: TypeError in hooks/logger_hook.py, line \d+: ")
    with said, building(Config()):
        HOOKS.build(dict(type="LoggerHook", interval=[]))


@pytest.mark.parametrize("name", ["config.yaml", "config.json", "config.yml"])
def test_what_looks_like_data_is_no_config(tmp_path, name):
    """mmengine's reader of YAML would run this."""
    (tmp_path / name).write_text(f'a: !!python/object/apply:os.system ["touch {tmp_path}/ran"]')
    with pytest.raises(ConfigError, match="expected a Python file"):
        load_config(tmp_path / name)
    assert not (tmp_path / "ran").exists()
