"""What transforms declare, what of a pipeline a map is made behind, and what is refused."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from mmcv.transforms import BaseTransform
from samples import make_sample

from mmhsi.datasets import TileDataset, transforms
from mmhsi.datasets.replay import Replay, model_bands
from mmhsi.datasets.transforms import MinMaxScale, Standardize, fit_pca
from mmhsi.datasets.transforms.common import CubeTransform
from mmhsi.datasets.transforms.scope import OTHERS, declared_scope, value_steps
from mmhsi.errors import ConfigError, DataError
from mmhsi.io import HSICube, write_cube
from mmhsi.registry import TRANSFORMS, registered

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("scope")

SCALE = dict(type="ScaleReflectance", factor=0.5)
CENTRE = dict(type="Standardize", mean=3.0, std=2.0)
JITTER = dict(type="BandJitter")
MEASURED = dict(type="MinMaxScale")
PIXEL = [
    dict(type="BandResample", num_bands=7),
    dict(type="MinMaxScale", minimum=0, maximum=9000),
    dict(type="RemoveBadBands", indices=[1]),
    SCALE,
    dict(type="SelectBands", indices=[2, 0, 2]),
    dict(type="SpectralResample", wavelengths=[500, 600], fwhm=900, extrapolate=True),
    dict(type="SpectralResample", wavelengths=[900, 600]),
    CENTRE,
]


def kept(*pipeline: object) -> list[dict]:
    """Configs that are kept of a pipeline."""
    built = [TRANSFORMS.build(dict(step)) if isinstance(step, dict) else step for step in pipeline]
    return [step.config for step in value_steps("Here", pipeline, built)]


def own(name: str, transform: Callable[[object, dict], dict], base: type = CubeTransform, **attributes: object) -> type:
    """A transform of a user's, not registered."""
    return type(name, (base,), {"transform": transform, "__module__": "my_project", **attributes})


@pytest.fixture
def register() -> Callable[[type], type]:
    """Register a transform for one test."""
    names: list[str] = []

    def call(kind: type) -> type:
        names.append(kind.__name__)
        return TRANSFORMS.register_module()(kind)

    yield call
    for name in names:
        TRANSFORMS.module_dict.pop(name, None)


@pytest.mark.parametrize("name", [name for name in transforms.__all__ if name in TRANSFORMS.module_dict])
def test_each_of_mmhsi_declares_its_own(name: str) -> None:
    assert vars(getattr(transforms, name))["scope"] in ("pixel", "neighborhood", "image", "random")


@pytest.mark.parametrize("config", PIXEL, ids=lambda config: "-".join(map(str, config)))
def test_of_scope_pixel_a_part_is_a_part_of_the_whole(config: dict, bands: int) -> None:
    sample = make_sample(bands)
    step = TRANSFORMS.build(dict(config))
    assert declared_scope("Here", step).scope == "pixel"
    whole = step(dict(sample))["img"]
    part = {key: sample[key][2:6, 3:4] for key in ("img", "valid", "gt_seg_map")}
    np.testing.assert_allclose(step({**sample, **part})["img"], whole[2:6, 3:4], rtol=1e-5)


@pytest.mark.parametrize("name", OTHERS)
def test_those_of_the_sister_packages_exist_and_declare_nothing_themselves(name: str) -> None:
    package, _, kind = name.partition(".")
    modules = {"mmcv": "mmcv.transforms", "mmengine": "mmengine.dataset"}
    found = getattr(importlib.import_module(modules.get(package, f"{package}.datasets.transforms")), kind)
    assert not hasattr(found, "scope")
    assert declared_scope("Here", found) is OTHERS[name]


def test_what_is_kept_of_a_pipeline() -> None:
    steps = [dict(type="LoadCube"), SCALE, JITTER, dict(type="RandomFlip", prob=0.5), dict(type="CenterCrop", size=4)]
    assert kept(*steps, CENTRE, dict(type="Pad", size=8), MEASURED, dict(type="PackTile")) == [SCALE, CENTRE, MEASURED]
    assert kept(dict(type="mmseg.RandomCrop", crop_size=(4, 4)), dict(type="mmseg.PackSegInputs")) == []
    normalise = dict(type="Normalize", mean=[1.0], std=[2.0], to_rgb=False)
    assert kept(normalise) == [normalise]  # mmcv's
    assert kept(dict(type="Resize", size=8)) == [dict(type="Resize", size=8)]


def test_containers_are_looked_into() -> None:
    views = [[JITTER, SCALE, dict(type="CenterCrop", size=4)], [SCALE]]
    assert kept(dict(type="MultiView", transforms=views, num_views=2)) == [SCALE]
    apart = dict(type="MultiView", transforms=[[SCALE], [CENTRE]], num_views=[1, 2])
    assert kept(apart) == [apart]
    assert kept(dict(type="RandomApply", transforms=[SCALE, JITTER], prob=0.5)) == []
    assert kept(dict(type="RandomApply", transforms=SCALE, prob=1.0)) == [SCALE]
    assert kept(dict(type="RandomChoice", transforms=[[SCALE, JITTER], [SCALE]])) == [SCALE]
    assert kept(dict(type="RandomChoice", transforms=[[SCALE], [CENTRE]])) == []
    assert kept(dict(type="Compose", transforms=[SCALE, dict(type="Compose", transforms=[CENTRE])])) == [SCALE, CENTRE]


def test_transforms_given_as_objects_are_written_down() -> None:
    written = dict(type="Standardize", mean=(1.0, 2.0), std=2.0)
    assert kept(Standardize(mean=np.array([1, 2]), std=2)) == [written]
    assert kept(dict(type=Standardize, mean=(1.0, 2.0), std=2.0)) == [written]
    views = transforms.MultiView([[Standardize(1.0, 2.0)], [Standardize(1.0, 2.0), transforms.BandJitter()]], 1)
    assert kept(views) == [dict(type="Standardize", mean=1.0, std=2.0)]


def test_plain_data_alone_is_kept(register: Callable) -> None:
    register(own("Own", lambda self, results: results, base=BaseTransform, scope="pixel", __init__=_anything))
    path = Path("a/b")
    given = dict(type="Own", table=np.array([[1.5]]), file=path, one=np.float32(2), nested=dict(a=(1, None)))
    assert kept(given) == [dict(type="Own", table=[[1.5]], file="a/b", one=2.0, nested=dict(a=(1, None)))]
    with pytest.raises(ConfigError, match="Here: by of Own is a builtin_function_or_method, which a checkpoint cannot"):
        kept(dict(type="Own", by=len))
    with pytest.raises(ConfigError, match=r"Here: transform Own: 'a/b\.csv' is no word; names of files"):
        kept(dict(type="Own", table="a/b.csv"))
    with pytest.raises(ConfigError, match=r"transform Own changes values; give it as dict\(type='Own', …\)"):
        kept(TRANSFORMS.get("Own")(table=1))
    hidden = own("Hidden", lambda self, results: results, scope="pixel")
    with pytest.raises(ConfigError, match=r"transform Hidden changes values and is not in mmhsi\.registry\.TRANSFORMS"):
        kept(hidden())


def _anything(self: object, **arguments: object) -> None:
    """A constructor that takes all."""


def identity(results: dict) -> dict:
    """A step that is a function."""
    return results


@pytest.mark.parametrize(
    ("step", "name"),
    [
        (identity, "identity"),
        (lambda results: results, "<lambda>"),
        (own("Own", lambda self, results: results)(), "my_project.Own"),
        (own("Own", lambda self, results: results, scope="pixels")(), "my_project.Own"),
        (dict(type="mmseg.PhotoMetricDistortion"), "mmseg.PhotoMetricDistortion"),
        (dict(type="RandomApply", transforms=[dict(type="mmseg.CLAHE")]), "mmseg.CLAHE"),
        (dict(type="MultiView", transforms=[[SCALE], [dict(type="mmseg.CLAHE")]], num_views=1), "mmseg.CLAHE"),
        (dict(type="LoadImageFromFile"), "mmcv.LoadImageFromFile"),
    ],
)
def test_who_declares_nothing_is_refused_when_the_dataset_is_built(tmp_path: Path, step: object, name: str) -> None:
    write_cube(tmp_path / "a.tif", HSICube(np.ones((8, 8, 3), np.int16)))
    pipeline = [dict(type="LoadCube"), step, dict(type="PackTile")]
    with pytest.raises(ConfigError) as caught:
        TileDataset(dict(image="a.tif"), data_root=str(tmp_path), with_labels=False, pipeline=pipeline, lazy_init=True)
    line = str(caught.value)
    assert line.startswith(f"TileDataset: transform {name} declares no scope; set scope = 'pixel' on its class")
    assert "\n" not in line


@pytest.fixture
def tiles(tmp_path: Path) -> Callable[..., TileDataset]:
    """Build a dataset of one tile of 6 bands, band 1 flagged bad."""
    nm = np.array([450.0, 500, 550, 600, 650, 700])
    data = np.random.default_rng(0).integers(1, 900, (9, 8, 6)).astype(np.int16)
    cube = HSICube(data, wavelengths=nm, good_bands=np.array([True, False, True, True, True, True]))
    write_cube(tmp_path / "a.tif", cube)

    def build(*steps: object) -> TileDataset:
        pipeline = [dict(type="LoadCube"), *steps, dict(type="PackTile")]
        return TileDataset(dict(image="a.tif"), data_root=str(tmp_path), with_labels=False, pipeline=pipeline)

    return build


def test_bands_that_the_model_sees(tiles: Callable[..., TileDataset], tmp_path: Path) -> None:
    spec = tiles().spec
    assert (spec.num_bands, spec.bands, spec.file_bands) == (5, (0, 2, 3, 4, 5), 6)
    assert spec.wavelengths == spec.model_wavelengths == (450.0, 550.0, 600.0, 650.0, 700.0)
    fit_pca([np.random.default_rng(0).random((30, 2))], 1, tmp_path / "pca.npz")
    select, project = dict(type="SelectBands", indices=[3, 0]), dict(type="PCAProject", file=tmp_path / "pca.npz")
    for steps, expected in (
        ((JITTER, select), (2, (650.0, 450.0))),
        ((select, dict(type="BandResample", num_bands=3)), (3, (650.0, 550.0, 450.0))),
        ((dict(type="SpectralResample", wavelengths=[500, 460]), MEASURED), (2, (500.0, 460.0))),
        ((select, project), (1, None)),
        ((dict(type="Resize", size=400), select), (2, (650.0, 450.0))),
    ):
        data = tiles(*steps)
        assert (data.spec.num_bands, data.spec.model_wavelengths) == expected
        assert len(data[0]["inputs"]) == data.spec.num_bands
        assert data.spec.wavelengths == spec.wavelengths


def test_a_fitted_state_needs_no_file(tiles: Callable[..., TileDataset], tmp_path: Path) -> None:
    spectra = np.random.default_rng(0).normal(500, 100, (60, 5)).astype(np.float32)
    fit_pca([spectra], 4, tmp_path / "pca.npz")
    data = tiles(dict(type="PCAProject", file=str(tmp_path / "pca.npz"), num_components=3, whiten=True))
    expected = data[0]["inputs"].permute(1, 2, 0).numpy()
    (config,) = data.spec.transforms
    assert "file" not in config
    (tmp_path / "pca.npz").unlink()
    cube = HSICube(tiles()[0]["inputs"].permute(1, 2, 0).numpy())
    np.testing.assert_array_equal(Replay([config], "Here")(cube).data, expected)
    assert Replay([config], "Here").transforms == (config,)


def test_a_wrong_declaration_is_found(tiles: Callable[..., TileDataset], register: Callable) -> None:
    def over_the_image(self: object, results: dict) -> dict:
        results["img"] = results["img"] - results["img"].mean(axis=(0, 1))
        return results

    def cropped(self: object, results: dict) -> dict:
        results["img"] = results["img"][1:]
        return results

    def failing(self: object, results: dict) -> dict:
        return dict(results, img=results["img"] * results["gt_seg_map"])

    register(own("OverTheImage", over_the_image, scope="pixel"))
    register(own("Cropped", cropped, scope="pixel"))
    register(own("Failing", failing, scope="pixel"))
    register(own("Nothing", lambda self, results: None, scope="image"))
    for name, message in (
        ("OverTheImage", "declares scope 'pixel', but gives a pixel other values when the image is a part of it"),
        ("Cropped", r"Cropped \(scope 'pixel'\) made an image of \(7, 8, 5\) of one of \(8, 8\) pixels"),
        ("Failing", r"fails on an image of \(8, 8, 5\) with the keys of a scene \(img, .*\): KeyError: 'gt_seg_map'"),
        ("Nothing", r"Nothing \(scope 'image'\) made no image of one of \(8, 8\) pixels"),
    ):
        with pytest.raises(ConfigError, match=f"TileDataset: .*{message}"):
            tiles(dict(type=name))
    with pytest.raises(DataError, match=r"a\.tif: has bands 0 to 4, SelectBands names band 5"):
        tiles(dict(type="SelectBands", indices=[5]))


def test_projections_of_values_far_from_those_of_the_fit_are_no_wrong_declaration(tmp_path: Path) -> None:
    """Rounding depends on how many pixels there are."""
    rng = np.random.default_rng(0)
    fit_pca([rng.normal(9000, 0.01, (500, 200))], 40, tmp_path / "pca.npz")
    step = dict(type="PCAProject", file=str(tmp_path / "pca.npz"), whiten=True)
    cube = HSICube(np.ones((1, 1, 200), np.uint16))
    assert model_bands("Here", Replay([step], "Here").steps, cube, range(200), None) == (40, None)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (MEASURED, r"Here: MinMaxScale \(scope 'image'\) depends on all pixels"),
        (JITTER, r"Here: BandJitter \(scope 'random'\) draws numbers"),
        (dict(type="RandomApply", transforms=[SCALE], prob=1.0), r"Here: RandomApply \(scope 'random'\)"),
        (dict(type="MultiView", transforms=[[SCALE]], num_views=1), r"Here: MultiView \(scope 'image'\)"),
        (dict(type="mmseg.CLAHE"), "Here: transform mmseg.CLAHE declares no scope"),
        (dict(type="Nonsense"), "Here: transform Nonsense is not registered"),
        (dict(type="os.system", command="true"), "Here: transform os.system is not registered"),
        (dict(type="BandResample"), "Here: transform BandResample: .*num_bands"),
        (MinMaxScale(), r"Here: MinMaxScale \(scope 'image'\)"),
        (identity, "Here: transform identity declares no scope"),
    ],
)
def test_what_a_scene_is_not_given(step: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Replay([SCALE, step], "Here")


def test_a_scene_in_parts() -> None:
    cube = HSICube(np.random.default_rng(0).integers(1, 900, (6, 5, 4)).astype(np.int16), nodata=7)
    replay = Replay([SCALE, MinMaxScale(minimum=0, maximum=10)], "Here")
    np.testing.assert_allclose(replay(cube).data, cube.data * 0.05, rtol=1e-6)
    assert Replay([], "Here")(cube) is cube


def test_names_are_found_without_importing_what_they_say() -> None:
    for name in ("SelectBands", "mmhsi.SelectBands"):
        assert registered(TRANSFORMS, name) is transforms.SelectBands
    assert registered(TRANSFORMS, "RandomFlip") is transforms.RandomFlip
    assert registered(TRANSFORMS, "mmengine.RandomFlip").__module__ == "mmcv.transforms.processing"
    assert inspect.isclass(registered(TRANSFORMS, "mmseg.RandomCrop"))
    for name in ("mmhsi.RandomApply", "mmseg.Nothing", "subprocess.run", "nobody.Nothing", "", "os"):
        assert registered(TRANSFORMS, name) is None
