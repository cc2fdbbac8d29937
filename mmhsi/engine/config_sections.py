"""Sections of a config: what mmengine's runners read, and which registry, keys and default type each has."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, NamedTuple

from mmengine.dist import init_dist
from mmengine.runner import FlexibleRunner, Runner
from mmengine.runner.utils import set_random_seed
from mmengine.utils.dl_utils import set_multi_processing
from torch.utils.data import DataLoader

from mmhsi import registry
from mmhsi.arguments import named_arguments

if TYPE_CHECKING:
    from mmengine.registry import Registry

RUNNER_KEYS = {"runner_type", "custom_imports", "sync_bn", "find_unused_parameters", "compile"} | {
    "activation_checkpointing",
    "efficient_conv_bn_eval",
    "init_weights_for_test_or_val",
}
"""What the runners read beside the arguments that they name."""
SECTIONS = {*inspect.signature(Runner).parameters, *inspect.signature(FlexibleRunner).parameters, *RUNNER_KEYS}


class Section(NamedTuple):
    """A section that is built.

    Attributes:
        registry: Where its types are registered.
        keys: Taken by whoever builds it, beside the arguments of the class.
        default: Its type where it names none.
    """

    registry: Registry
    keys: frozenset[str] = frozenset()
    default: str | None = None


HOOK = Section(registry.HOOKS, frozenset({"priority"}))
DEFAULT_HOOKS = ("runtime_info", "timer", "sampler_seed", "logger", "param_scheduler", "checkpoint")
"""Hooks that mmengine adds by itself, by name."""
BUILT = {
    "model": Section(registry.MODELS),
    "optim_wrapper": Section(registry.OPTIM_WRAPPERS, frozenset({"constructor", "paramwise_cfg"}), "OptimWrapper"),
    "param_scheduler": Section(registry.PARAM_SCHEDULERS, frozenset({"convert_to_iter_based"})),
    "val_evaluator": Section(registry.METRICS, frozenset({"metrics"})),
    "test_evaluator": Section(registry.METRICS, frozenset({"metrics"})),
    "custom_hooks": HOOK,
    "visualizer": Section(registry.VISUALIZERS, default="Visualizer"),
    "log_processor": Section(registry.LOG_PROCESSORS, default="LogProcessor"),
    "model_wrapper_cfg": Section(registry.MODEL_WRAPPERS),
    "strategy": Section(registry.STRATEGIES),
}
LOOPS = {
    "train_cfg": {True: "EpochBasedTrainLoop", False: "IterBasedTrainLoop"},
    "val_cfg": {True: "ValLoop", False: "ValLoop"},
    "test_cfg": {True: "TestLoop", False: "TestLoop"},
}
"""Loop of each section that names none, by ``by_epoch``."""
LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")
NEEDED = (
    ("train_cfg", "train_dataloader", "optim_wrapper"),
    ("val_cfg", "val_dataloader", "val_evaluator"),
    ("test_cfg", "test_dataloader", "test_evaluator"),
)
"""Sections of which a run has all or none."""
LOADER_KEYS = {*named_arguments(DataLoader)[0], "num_batch_per_epoch"}
PLAIN = {
    "randomness": {*named_arguments(set_random_seed)[0], "diff_rank_seed"},
    "auto_scale_lr": {"base_batch_size", "enable", "rule"},
    "env_cfg": {"cudnn_benchmark", "mp_cfg", "dist_cfg", "resource_limit"},
    "env_cfg.mp_cfg": {*named_arguments(set_multi_processing)[0]},
    "env_cfg.dist_cfg": {*named_arguments(init_dist)[0], "init_backend", "timeout", "rank", "world_size"},
}
"""Keys of the sections that are no class."""

_OF_MMENGINE = {"bias_lr_mult", "dwconv_decay_mult", "dcn_offset_lr_mult", "bypass_duplicate"}
_OF_ALL = {"custom_keys", "bias_decay_mult", "norm_decay_mult", "flat_decay_mult"}
PARAMWISE = {
    "DefaultOptimWrapperConstructor": _OF_ALL | _OF_MMENGINE,
    "LayerDecayOptimWrapperConstructor": _OF_ALL | {"layer_decay_rate", "patch_embed_lr_mult"},
}
"""Keys of ``optim_wrapper.paramwise_cfg`` by constructor, the default one first."""
PARAMWISE_OF_ONE = {"lr_mult", "decay_mult"}
"""Keys of an entry of ``custom_keys``."""

PARTS = {
    "dataset": registry.DATASETS,
    "datasets": registry.DATASETS,
    "sampler": registry.DATA_SAMPLERS,
    "batch_sampler": registry.DATA_SAMPLERS,
    "collate_fn": registry.FUNCTIONS,
    "worker_init_fn": registry.FUNCTIONS,
    "pipeline": registry.TRANSFORMS,
    "transforms": registry.TRANSFORMS,
    "groups": registry.CHANNELS,
    "split": registry.SPLITS,
    "optimizer": registry.OPTIMIZERS,
    "vis_backends": registry.VISBACKENDS,
    "metrics": registry.METRICS,
}
"""Registry of what stands under a name outside models."""
MODEL_PARTS = {
    **dict.fromkeys(
        ("backbone", "neck", "head", "decode_head", "auxiliary_head", "data_preprocessor"), registry.MODELS
    ),
    "masking": registry.MASKING,
    "init_cfg": registry.WEIGHT_INITIALIZERS,
}
"""Registry of what stands under a name in models."""
