"""What every transform keeps to: seeds, dtypes, untouched input, names and arguments."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from samples import make_sample

from mmhsi.datasets import transforms
from mmhsi.datasets.samplers import seed_everything
from mmhsi.datasets.transforms import fit_pca
from mmhsi.datasets.transforms.common import generator
from mmhsi.registry import TRANSFORMS

RANDOM = [
    dict(type="BandDropout", ratio=0.5),
    dict(type="BandDropout", count=2),
    dict(type="BandJitter"),
    dict(type="BandJitter", per_band=True),
    dict(type="GaussianBlur", prob=1.0),
    dict(type="RandomDihedral"),
    dict(type="RandomFlip", prob=0.5),
    dict(type="RandomResizedCrop", size=6),
    dict(type="RandomWindow", size=4),
    dict(type="RandomWindow", size=4, cat_max_ratio=0.4, min_valid=0.9),
    dict(type="Solarize", quantile=0.5, prob=0.5),
    dict(type="SpectralNoise"),
    dict(type="SpectralNoise", std=3, relative=False, signal=0.1),
    dict(type="SpectralShift"),
    dict(type="SpectralShift", shift=2, unit="nm"),
]
FIXED = [
    dict(type="CenterCrop", size=4),
    dict(type="MinMaxScale", over="cube"),
    dict(type="MinMaxScale", minimum=0, maximum=10, clip=True),
    dict(type="Pad", size=16),
    dict(type="Pad", divisor=4, mode="reflect"),
    dict(type="RemoveBadBands", indices=[1], ranges=[(500, 1500)]),
    dict(type="Resize", size=(4, 6)),
    dict(type="Resize", scale_factor=1.5, interpolation="bicubic"),
    dict(type="ScaleReflectance", clip=(0, 1)),
    dict(type="SelectBands", indices=[0, 2]),
    dict(type="SpectralResample", wavelengths=[500, 600]),
    dict(type="Standardize", mean=5, std=[2] * 4),
    dict(type="UnitSpectra"),
]
KEEP_DTYPE = {"RandomDihedral", "RandomFlip", "RandomWindow", "CenterCrop", "Pad", "SelectBands", "RemoveBadBands"}
KEEP_DTYPE |= {"BandDropout"}
ALWAYS = {"RandomWindow", "RandomResizedCrop"}
KEYS = ("img", "gt_seg_map", "valid")


def label(config: dict) -> str:
    return "-".join(str(value) for value in config.values() if not isinstance(value, list | tuple))


def run(config: dict, sample: dict, seed: int) -> dict:
    seed_everything(seed)
    return TRANSFORMS.build(dict(config))(dict(sample))


def same(a: dict, b: dict) -> bool:
    return all(np.array_equal(a[key], b[key], equal_nan=key == "img") for key in KEYS)


def test_the_lists_above_are_complete() -> None:
    """A transform added to the package has to be added to a list here, or to the few that others test."""
    listed = {config["type"] for config in RANDOM + FIXED}
    elsewhere = {
        "LoadCube",
        "LoadLabels",
        "RandomReadWindow",
        "BandResample",
        "StandardizeScene",
        "PackTile",
        "MultiView",
        "PackViews",
        "PCAProject",
        "SceneChannels",
    }
    registered = {
        name
        for name in transforms.__all__
        if inspect.isclass(getattr(transforms, name)) and name in TRANSFORMS.module_dict
    }
    assert registered == listed | elsewhere
    assert set(transforms.__all__) - registered == {"PCAModel", "fit_pca"}


@pytest.mark.parametrize("config", RANDOM, ids=label)
def test_a_seed_decides(bands: int, config: dict) -> None:
    sample = make_sample(bands)
    outcomes = [run(config, sample, seed) for seed in range(8)]
    for seed in (0, 7):
        assert same(outcomes[seed], run(config, sample, seed))
    assert sum(not same(outcomes[0], other) for other in outcomes[1:]) >= 2


@pytest.mark.parametrize("config", [config for config in RANDOM if config["type"] not in ALWAYS], ids=label)
def test_probability(config: dict) -> None:
    sample = make_sample(32, nodata=False)
    seed_everything(0)
    never = TRANSFORMS.build({**config, "prob": 0.0})
    assert all(same(never(dict(sample)), sample) for _ in range(5))
    half = TRANSFORMS.build({**config, "prob": 0.5})
    changed = sum(not same(half(dict(sample)), sample) for _ in range(60))
    assert 15 <= changed <= 45


@pytest.mark.parametrize("config", RANDOM + FIXED, ids=label)
@pytest.mark.parametrize("dtype", ["int16", "uint16", "float32", "float64"])
def test_dtype_and_untouched_input(config: dict, dtype: str) -> None:
    sample = make_sample(4, dtype=dtype, nodata=dtype != "uint16")
    copies = {key: sample[key].copy() for key in KEYS}
    for seed in range(6):
        result = run(config, sample, seed)
        expected = np.dtype(dtype) if config["type"] in KEEP_DTYPE else np.float32
        assert result["img"].dtype == expected
        assert result["img"].ndim == 3
        assert result["img_shape"] == result["img"].shape[:2] == result["valid"].shape == result["gt_seg_map"].shape
        assert result["valid"].dtype == bool
        assert result["gt_seg_map"].dtype == np.int64
        assert (result["gt_seg_map"][~result["valid"]] == 255).all()
    for key, value in copies.items():
        np.testing.assert_array_equal(sample[key], value)


@pytest.mark.parametrize("config", RANDOM + FIXED, ids=label)
def test_wavelengths_in_step(bands: int, config: dict) -> None:
    config = {**config, "std": [2] * bands} if config["type"] == "Standardize" else config
    result = run(config, make_sample(bands), 0)
    assert len(result["wavelengths"]) == len(result["fwhm"]) == result["img"].shape[2]


@pytest.mark.parametrize("config", RANDOM + FIXED, ids=label)
def test_repr_shows_every_argument(config: dict) -> None:
    shown = repr(TRANSFORMS.build(dict(config)))
    assert shown.startswith(f"{config['type']}(")
    names = [*config, *inspect.signature(getattr(transforms, config["type"])).parameters]
    for name in set(names) - {"type"}:
        assert f"{name}=" in shown
    for name, value in config.items():
        if isinstance(value, str) and name != "type":
            assert f"{name}='{value}'" in shown
        elif isinstance(value, float | bool):
            assert f"{name}={value}" in shown


def test_repr_of_the_others(tmp_path: object) -> None:
    rng = np.random.default_rng(0)
    fit_pca([rng.random((20, 4))], 2, f"{tmp_path}/pca.npz")
    assert "pca.npz', num_components=1, whiten=True" in repr(
        transforms.PCAProject(f"{tmp_path}/pca.npz", num_components=1, whiten=True)
    )
    assert "num_views=(2,)" in repr(transforms.MultiView([[dict(type="CenterCrop", size=3)]], num_views=2))
    assert "CenterCrop(size=(3, 3))" in repr(transforms.MultiView([[dict(type="CenterCrop", size=3)]], num_views=2))
    assert repr(transforms.PackViews(meta_keys=["a"])) == "PackViews(meta_keys=('a',))"
    assert repr(transforms.PackTile(meta_keys=["a"])) == "PackTile(meta_keys=('a',))"
    assert repr(transforms.LoadCube()) == "LoadCube(cache_mb=0)"
    assert repr(transforms.LoadLabels()) == "LoadLabels()"
    assert repr(transforms.RandomReadWindow(3)) == "RandomReadWindow(size=(3, 3))"
    assert repr(transforms.BandResample(50)) == "BandResample(num_bands=50)"
    assert repr(transforms.StandardizeScene()) == "StandardizeScene()"


def test_generator_follows_the_global_seed_and_advances() -> None:
    seed_everything(3)
    first, second = generator().random(4), generator().random(4)
    seed_everything(3)
    np.testing.assert_array_equal(generator().random(4), first)
    assert not np.array_equal(first, second)
