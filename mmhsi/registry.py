"""Child registries of mmengine's, under scope ``mmhsi``.

``locations`` are imported when a config first asks for a type, so that ``import mmhsi`` stays light. A config that sets
``default_scope = 'mmhsi'`` finds everything of mmhsi and mmengine by its bare name and everything of the sister
packages with a prefix, such as ``mmseg.EncoderDecoder``.
"""

from mmengine import registry as root
from mmengine.registry import Registry

HOOKS = Registry("hook", parent=root.HOOKS, scope="mmhsi", locations=["mmhsi.engine"])
OPTIM_WRAPPERS = Registry("optim_wrapper", parent=root.OPTIM_WRAPPERS, scope="mmhsi", locations=["mmhsi.engine"])
DATASETS = Registry("dataset", parent=root.DATASETS, scope="mmhsi", locations=["mmhsi.datasets"])
DATA_SAMPLERS = Registry("data sampler", parent=root.DATA_SAMPLERS, scope="mmhsi", locations=["mmhsi.datasets"])
TRANSFORMS = Registry("transform", parent=root.TRANSFORMS, scope="mmhsi", locations=["mmhsi.datasets.transforms"])
SPLITS = Registry("split", scope="mmhsi", locations=["mmhsi.datasets"])
MODELS = Registry("model", parent=root.MODELS, scope="mmhsi", locations=["mmhsi.models"])
MASKING = Registry("masking strategy", scope="mmhsi", locations=["mmhsi.models"])
WEIGHT_INITIALIZERS = Registry(
    "weight initializer", parent=root.WEIGHT_INITIALIZERS, scope="mmhsi", locations=["mmhsi.models"]
)
METRICS = Registry("metric", parent=root.METRICS, scope="mmhsi", locations=["mmhsi.evaluation"])

__all__ = [
    "DATASETS",
    "DATA_SAMPLERS",
    "HOOKS",
    "MASKING",
    "METRICS",
    "MODELS",
    "OPTIM_WRAPPERS",
    "SPLITS",
    "TRANSFORMS",
    "WEIGHT_INITIALIZERS",
]
