"""Configs that come out of a file, such as the model of a published checkpoint, checked before they are built.

mmengine's registries import whatever dotted name a config gives, and some classes of the sister packages open files, or
ask a network, when they are built. A config of one's own may do so; one that came with weights may not.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING

from mmengine import registry as root

from mmhsi.errors import FileFormatError
from mmhsi.registry import MASKING, MODELS, registered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmengine.registry import Registry

SCOPES = ("mmhsi", "mmseg", "mmpretrain", "mmengine")
"""Packages whose registered names may stand in front of the dot."""
FOREIGN = re.compile(
    r"mmseg\.models\.(backbones|necks|decode_heads|losses|segmentors|assigners|data_preprocessor)\b"
    r"|mmseg\.structures\.sampler\b"
    r"|mmpretrain\.models\.(backbones|necks|heads|losses|utils)\b"
    r"|mmcv\.cnn\.bricks\b|mmcv\.transforms\.processing$|mmengine\.utils\.dl_utils\.parrots_wrapper$"
    r"|torch\.nn\.modules\b"
)
"""Modules beside those of mmhsi's registries whose classes may be built: parts of networks, and what turns arrays."""
OPENING = re.compile(r".*\.(timm_backbone|vpd|vqa_head|huggingface|tokenizer|vector_quantizer)$")
"""Those among them that open files, or ask a network, when they are built."""
SETTINGS_OF_FILES = ("init_cfg", "pretrained", "checkpoint", "custom_imports")
"""Settings that name a file or a module to load; None is harmless."""
LARGEST = 1 << 20
"""Whole numbers above this are sizes that no part of a network has, and would take all memory or time."""
WORD = re.compile(r"[\w +-]{0,64}")


def check_carried_config(
    config: object, source: str, registries: Sequence[Registry] = (MODELS, MASKING, root.TASK_UTILS), files: str = ""
) -> None:
    """Refuse a config unless it is plain data that can be built into parts of networks and nothing else.

    Args:
        config: Dicts, lists, numbers and words.
        source: Whose it is, for the message.
        registries: Where its types may be registered. Default: those of models and masking.
        files: Setting that may name a file. Default: none may.

    Raises:
        FileFormatError: If a type is not registered under one of :data:`SCOPES`, is no part of a network, or a value is
            of a file, a module, a scope, or no plain data.
    """
    if isinstance(config, dict):
        for key, value in config.items():
            if type(key) is not str or key.startswith("_") or (key in SETTINGS_OF_FILES and value is not None):
                raise FileFormatError(f"{source}: holds {key!r}, which a model that comes with weights may not have")
            if key == "class_weight" and isinstance(value, str):
                raise FileFormatError(f"{source}: {key}={value!r} names a file, expected numbers")
            if key == "type":
                check_type(value, source, registries)
            elif key != files or not isinstance(value, str):
                check_carried_config(value, source, registries, files)
    elif isinstance(config, list | tuple):
        for value in config:
            check_carried_config(value, source, registries, files)
    elif isinstance(config, str):
        if not WORD.fullmatch(config):
            raise FileFormatError(f"{source}: {config[:80]!r} is no word; names of files and modules are not taken")
    elif isinstance(config, int) and abs(config) > LARGEST:
        raise FileFormatError(f"{source}: holds a whole number above {LARGEST}, no size of a network")
    elif config is not None and type(config) not in (bool, int, float):
        raise FileFormatError(f"{source}: holds a {type(config).__name__}, expected plain data")


def check_type(name: object, source: str, registries: Sequence[Registry]) -> None:
    """Refuse a ``type`` that is not the registered name of a part of a network.

    Args:
        name: The value.
        source: Whose it is, for the message.
        registries: Where it may be registered.

    Raises:
        FileFormatError: If it is not.
    """
    if not isinstance(name, str):
        raise FileFormatError(f"{source}: type is a {type(name).__name__}, expected a registered name")
    scope, _, bare = name.rpartition(".")
    if scope not in ("", *SCOPES):
        raise FileFormatError(
            f"{source}: type={name[:80]!r} is not registered under {', '.join(SCOPES)}; nothing is imported for a file"
        )
    found = [(registry, kind) for registry in registries if (kind := registered(registry, name)) is not None]
    if not found:
        raise FileFormatError(
            f"{source}: type={name[:80]!r} is not registered; import the module that registers it, or give the config"
        )
    if not scope and find_spec(bare) is not None:
        # Where a part looks it up in another registry, mmengine would import it as a module of that name.
        raise FileFormatError(f"{source}: type={name!r} is also the name of a module that can be imported here")
    registry, kind = found[0]
    own = registry.scope == "mmhsi" and scope in ("", "mmhsi") and bare in registry.module_dict
    module = getattr(kind, "__module__", "")
    if not own and (not isinstance(kind, type) or not FOREIGN.match(module) or OPENING.match(module)):
        raise FileFormatError(
            f"{source}: type={name!r} is no part of a network that opens no files; give the config of its training"
        )
