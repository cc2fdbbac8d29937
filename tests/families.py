"""The configs, and the data that those are run on which are written for several."""

from __future__ import annotations

import re
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1] / "configs"

MORE = ("indian-pines", "pavia-university", "salinas")
TILES = ("enmap-potsdam", "houston2018-crop_halves")
ENMAP_TASKS = tuple(f"enmap-{task}" for task in ("cdl", "nlcd", "bnetd", "eurocrops", "treemap", "bdforet"))
OTHER_TASKS = ("desis-cdl", "eo1-cdl")
WHU_HI = ("whu-hi-longkou", "whu-hi-hanchuan", "whu-hi-honghu")
CROP = tuple(f"houston2018-crop_{split}" for split in ("20-per-class", "5-per-class", "disjoint"))
CROP_RGB = tuple(name.replace("crop", "crop-rgb") for name in CROP)
POTSDAM = ("enmap-potsdam-scene_20-per-class", "enmap-potsdam-scene_disjoint")
SALINAS_A = ("salinas-a_20-per-class", "salinas-a_disjoint")


def few(*scenes: str) -> tuple[str, ...]:
    """20 pixels a class of each."""
    return tuple(f"{scene}_20-per-class" for scene in scenes)


FAMILIES = {
    "channel_prediction/channel-prediction_unet": ("houston2018-crop-rgb", "salinas-a"),
    "channel_prediction/*": ("houston2018-crop-rgb_disjoint", "salinas-a_20-per-class"),
    "comparison/free-net": (*TILES, "whu-ohs"),
    "comparison/cnn2d": (*CROP[::2], *CROP_RGB, *SALINAS_A, *POTSDAM, *few(*MORE), *WHU_HI),
    "comparison/cnn2d-*two-sources*": CROP_RGB,
    "comparison/exvit": (CROP_RGB[0], SALINAS_A[0], "berlin", "houston2018", "houston2013"),
    "comparison/maest": ("houston2018-crop", "salinas-a", "enmap-potsdam-scene", *MORE),
    "comparison/ss-mtr-ft_*": (CROP[0], SALINAS_A[0], POTSDAM[1], *few(*MORE)),
    "comparison/ss-mtr_*": ("houston2018-crop", "salinas-a", "enmap-potsdam-scene", *MORE),
    "comparison/maest-ft": (CROP[0], SALINAS_A[0], POTSDAM[0], *few(*MORE)),
    "classical/*": ("houston2018-crop-rgb_20-per-class", "salinas-a_disjoint"),
    "regression/cnn1d-abundances": ("demo_values",),
    "regression/unet-tiles": ("demo_tile-values",),
    "regression/*": ("demo_values", "hyperview"),
    "comparison/*": (*CROP[::2], *CROP_RGB[::2], *SALINAS_A, *POTSDAM, *few(*MORE)),
    "mae/mae_hsi-vit-tiny-p4": ("abu", "hyspecnet-11k", "spectral-earth"),
    "mae/mae_hsi-vit-tiny-p3": ("houston2018-crop", "salinas-a", *MORE),
    "mae/mae-lora_hsi-vit-tiny-p3": (CROP[0], SALINAS_A[0]),
    "mae/mae-ft_hsi-vit-tiny-p3": (*CROP[::2], *SALINAS_A, *few(*MORE)),
    "imae/imae_imae-vit-paper": MORE,
    "imae/imae_imae-vit-tiny": ("houston2018-crop", "houston2018-crop-rgb", "salinas-a"),
    "imae/imae-ft_imae-vit-paper": few(*MORE),
    "imae/imae-ft_imae-vit-tiny": (*CROP, *CROP_RGB, *SALINAS_A),
    "imae/imae-*": (*CROP, *SALINAS_A),
    "lo_msst/lo-msst_sst-base-p3": ("houston2018-crop", "salinas-a", *MORE),
    "lo_msst/lo-msst-ft_sst-base-p3": few("houston2018-crop", "salinas-a", *MORE),
    "ss_mae/*_vit-base-w7": ("berlin", "houston2018"),
    "ss_mae/*-ft_vit-tiny-w7": (*CROP_RGB, *few("salinas-a", *MORE)),
    "ss_mae/*_vit-tiny-w7": ("houston2018-crop-rgb", "salinas-a", *MORE),
    "deeplabv3plus/deeplabv3plus_r50": ("c2seg-wuhan", "whu-ohs", "whu-ohs-512"),
    "fcn/*": (*TILES, "whu-ohs"),
    "segformer/*": (*TILES, "whu-ohs"),
    "unet/*": (*TILES, "whu-ohs", *ENMAP_TASKS, *OTHER_TASKS),
    "upernet/*": (*TILES, "whu-ohs"),
    "dinov2/*-frozen_hsi-vit-base-p8_segmenter": ("whu-ohs", "whu-ohs-512"),
    "dinov2/*-frozen_*": ("whu-ohs",),
    "dinov2/dinov2-ft_*-tiny-p3": CROP,
    "dinov2/dinov2_hsi-vit-tiny": (*TILES, "houston2018-crop", "abu"),
    "dinov2/*": (*TILES, "houston2018-crop"),
    "mae/mae-frozen_*": ("whu-ohs",),
    "lo_msst/lo-msst*_sst-base-p8": ("enmap-potsdam", "c2seg-wuhan"),
    "lo_msst/*": TILES,
    "segmentation/hsi-vit-tiny-p2_linear": (*TILES, "enmap-potsdam_channels"),
    "segmentation/hsi-vit-tiny-p2_unet*": (*TILES, "houston2018-crop_halves-fine"),
    "segmentation/*": TILES,
    "deeplabv3plus/deeplabv3plus_r18": TILES,
    "mask2former/mask2former_swin-nano": TILES,
}
"""Data by pattern of the config's name; the first that fits counts. Others are run on their default."""

DATA = re.compile(
    r"abu|c2seg-wuhan|demo|enmap-potsdam(-scene)?|houston2018-crop|hyspecnet-11k|salinas-a|spectral-earth|whu-ohs(-512)?|halves(-fine)?|\d+-per-class"
)
"""Words of a config's name that say what it is trained on."""
CONFIGS = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py") if "_base_" not in path.parts)


def of_several(path: Path) -> bool:
    """Whether a config, or what it is based on, lets one choose its data."""
    text = path.read_text()
    bases = re.findall(r'"(\.{1,2}/[^"{]+\.py)"', text)
    return "{{$MMHSI_DATASET:" in text or any(of_several(path.parent / base) for base in bases)


def kind(config: str) -> str:
    """A config's name less its data and the sizes of its network; those of one kind differ in numbers alone."""
    words = config.removesuffix(".py").split("_")
    words = [word for word in words if not DATA.fullmatch(word)]
    return "_".join(re.sub(r"-(tiny|small|nano|base|large|paper|[kpw]\d+(q\d+)?)(?=-|$)", "", word) for word in words)


LARGE = re.compile(r"-base-p(8|16)|_r50|-512")
"""Of the papers' sizes: a step takes ten times as long as that of the small ones."""


def quick(found: list[tuple[str, str | None]]) -> set[tuple[str, str | None]]:
    """Every kind of small config once, on those of its data that the kinds before it were run on least.

    Of the large ones the pretraining alone; the files of all data are read beside that.
    """
    found = [case for case in found if not LARGE.search(f"{case[0]} {case[1]}")]
    used: Counter[str | None] = Counter()
    chosen = {("mae/mae_hsi-vit-base-p8_whu-ohs.py", None)}
    for name in dict.fromkeys(kind(config) for config, _ in found):
        case = min((case for case in found if kind(case[0]) == name), key=lambda case: used[case[1]])
        used[case[1]] += 1
        chosen.add(case)
    return chosen


def cases() -> list[tuple[str, str | None]]:
    """Every config with each of its data, None for that which it has or its default."""
    found: list[tuple[str, str | None]] = []
    for config in CONFIGS:
        names: tuple[str | None, ...] = (None,)
        if of_several(ROOT / config):
            names = next((data for pattern, data in FAMILIES.items() if fnmatch(config[:-3], pattern)), names)
        found += [(config, name) for name in names]
    return found
