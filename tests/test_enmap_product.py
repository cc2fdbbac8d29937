"""From EnMAP's product as it is downloaded to a map: Potsdam's scene, written with the true metadata's structure."""

from pathlib import Path

import numpy as np
import product_layouts
import pytest
import rasterio
from affine import Affine

from mmhsi.io import open_cube

ROOT = Path(__file__).parents[1]
NODATA = -32768
VNIR = 91
CONFIG = """
_base_ = [
    "{root}/configs/_base_/models/pixel_cnn1d.py",
    "{root}/configs/_base_/datasets/scene_20-per-class.py",
    "{root}/configs/_base_/schedules/adamw_scratch_100e.py",
    "{root}/configs/_base_/default_runtime.py",
]
scene = dict(
    image="{product}",
    image_options=dict(mask=["cloud", "shadow"]),
    labels="labels.tif",
    classes=["roof", "pavement", "low vegetation", "tree", "soil", "water"],
    label_ids=[1, 2, 3, 4, 5, 6],
)
split = dict(type="FewShotSplit", per_class=20)
train_dataloader = dict(dataset=dict(scene=scene, data_root="{folder}", split=split))
test_dataloader = dict(dataset=dict(scene=scene, data_root="{folder}", split=split))
train_cfg = dict(max_epochs=2)
"""


@pytest.fixture(scope="module", name="potsdam")
def potsdam_fixture(shared_data, tmp_path_factory):
    """The product's folder, the mosaic it was written from (200, 330, 224), and the centres."""
    folder = tmp_path_factory.mktemp("potsdam")
    source = shared_data / "enmap_potsdam"
    with rasterio.open(source / "enmap_landcover_unstyled.tif") as labels:
        height, width, transform = labels.height, labels.width, labels.transform
        ids = labels.read(1).astype(np.uint8)
    mosaic = np.full((height, width, 224), NODATA, np.int16)
    for tile in sorted((source / "images").glob("*.tif")):
        column, row = (int(word) for word in tile.stem.split("_")[-2:])
        with rasterio.open(tile) as image:
            assert image.transform.c == transform.c + 30 * column
            mosaic[row : row + image.height, column : column + image.width] = image.read().transpose(1, 2, 0)
            tags = [image.tags(band) for band in image.indexes]
    nm, fwhm = (np.array([float(tag[name]) for tag in tags]) for name in ("wavelength", "fwhm"))
    empty = tuple(band for band, tag in enumerate(tags) if tag["bbl"] == "0")
    cloud = np.zeros((height, width))
    cloud[10:14, 140:150] = 1
    product = product_layouts.enmap(
        folder,
        mosaic,
        nm,
        list(range(1, VNIR + 1)),
        fwhm=fwhm,
        transform=Affine(*transform[:6]),
        empty=empty,
        layers={"CLOUD": cloud, "CLOUDSHADOW": np.zeros_like(cloud)},
    )
    product_layouts.raster(folder / "labels.tif", ids[..., np.newaxis], None, transform)
    return product, mosaic, nm, cloud


def test_the_product_is_the_mosaic(potsdam):
    product, mosaic, nm, _ = potsdam
    with open_cube(product) as reader:
        info, cube = reader.info, reader.read((0, 100, 64, 100))
    assert info.shape == mosaic.shape
    order = np.argsort(nm, kind="stable")
    stored = mosaic[:64, 100:200][..., order]
    expected = np.where(stored == NODATA, np.nan, stored * 1e-4)
    np.testing.assert_allclose(cube.data, expected.astype(np.float32), rtol=1e-6)
    bad = info.wavelengths[~info.good_bands]
    # of the overlap the VNIR bands, and six empty ones around water vapour
    assert sorted(bad) == sorted([*nm[:VNIR][nm[:VNIR] >= nm[VNIR]], *nm[(nm > 1330) & (nm < 1410)][:6]])
    assert (np.diff(info.wavelengths) >= 0).all()
    assert (info.crs.to_epsg(), info.transform.c, info.transform.f) == (32633, 362175, 5809965)


def test_from_the_product_to_a_map(potsdam, run_tool, tmp_path):
    product, mosaic, _, cloud = potsdam
    config = tmp_path / "potsdam.py"
    config.write_text(CONFIG.format(root=ROOT, product=product.name, folder=product.parent))
    assert run_tool("train", config, "--work-dir", tmp_path / "run") == 0
    out = tmp_path / "map.tif"
    assert run_tool("predict", config, tmp_path / "run" / "epoch_2.pth", product, "--out", out) == 0
    with rasterio.open(out) as file:
        classes = file.read(1)
        assert file.crs.to_epsg() == 32633
        assert file.shape == (200, 330)
    covered = (mosaic[..., 20] != NODATA) & (cloud == 0)
    # as in training, clouds are no data
    np.testing.assert_array_equal(classes != 255, covered)
