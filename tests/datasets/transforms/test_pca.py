"""Principal components against scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from samples import make_sample
from sklearn.decomposition import PCA

from mmhsi.datasets.transforms import PCAModel, PCAProject, fit_pca
from mmhsi.errors import ConfigError, DataError, FileFormatError

if TYPE_CHECKING:
    from pathlib import Path


def spectra(bands: int, count: int = 500) -> np.ndarray:
    """Correlated bands far from zero, with clearly different variances."""
    rng = np.random.default_rng(bands)
    sources = rng.normal(size=(count, 4)) * [400.0, 150.0, 50.0, 20.0]
    return 3000 + sources @ rng.normal(size=(4, bands)) + rng.normal(size=(count, bands))


def parts(values: np.ndarray) -> list[np.ndarray]:
    return [values[:1], values[1:1], values[1:170], values[170:]]


def test_fit_equals_scikit_learn(bands: int) -> None:
    values = spectra(bands)
    model, reference = fit_pca(iter(parts(values)), 3), PCA(3, svd_solver="full").fit(values)
    np.testing.assert_allclose(model.mean, reference.mean_, rtol=1e-10)
    np.testing.assert_allclose(model.explained_variance, reference.explained_variance_, rtol=1e-8)
    np.testing.assert_allclose(model.explained_variance_ratio, reference.explained_variance_ratio_, rtol=1e-8)
    signs = np.sign((model.components * reference.components_).sum(axis=1))
    np.testing.assert_allclose(model.components, reference.components_ * signs[:, None], atol=1e-7)
    assert all(row[np.abs(row).argmax()] > 0 for row in model.components)


def test_integers_and_parts_do_not_matter() -> None:
    values = spectra(32).astype(np.int16)
    model, whole = fit_pca(parts(values), 5), fit_pca([values.astype(np.float64)], 5)
    np.testing.assert_allclose(model.components, whole.components, atol=1e-6)
    np.testing.assert_allclose(model.explained_variance, np.linalg.eigvalsh(np.cov(values.T))[::-1][:5], rtol=1e-8)


@pytest.mark.parametrize("whiten", [False, True])
def test_project_equals_scikit_learn(tmp_path: Path, bands: int, whiten: bool) -> None:
    values = spectra(bands)
    model = fit_pca([values], 4, tmp_path / "pca.npz")
    sample = make_sample(bands, nodata=False)
    result = PCAProject(tmp_path / "pca.npz", num_components=2, whiten=whiten)(dict(sample))
    reference = PCA(2, svd_solver="full", whiten=whiten).fit(values)
    signs = np.sign((model.components[:2] * reference.components_).sum(axis=1))
    expected = reference.transform(sample["img"].reshape(-1, bands).astype(float)) * signs
    scale = np.abs(expected).max()
    np.testing.assert_allclose(result["img"], expected.reshape(9, 11, 2), rtol=1e-4, atol=1e-5 * scale)
    assert result["img"].dtype == np.float32
    assert result["wavelengths"] is None
    assert result["fwhm"] is None


def test_file_keeps_the_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = fit_pca([spectra(32)], 3, tmp_path / "pca.npz")
    with monkeypatch.context() as patch:  # a save that fails leaves it and nothing else
        patch.setattr(np, "savez", lambda file, **arrays: file.write(b"half") and file.seek(-9))
        with pytest.raises(DataError, match=r"pca\.npz: cannot write"):
            fit_pca([spectra(4)], 1, tmp_path / "pca.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["pca.npz"]
    loaded = PCAModel.load(tmp_path / "pca.npz")
    for name in ("mean", "components", "explained_variance", "explained_variance_ratio"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(model, name))


def test_labels_and_validity_stay(tmp_path: Path) -> None:
    fit_pca([spectra(4)], 2, tmp_path / "pca.npz")
    sample = make_sample(4)
    result = PCAProject(str(tmp_path / "pca.npz"))(dict(sample))
    assert result["gt_seg_map"] is sample["gt_seg_map"]
    assert result["valid"] is sample["valid"]


def test_another_number_of_bands_names_both_files(tmp_path: Path) -> None:
    fit_pca([spectra(4)], 2, tmp_path / "pca.npz")
    with pytest.raises(DataError, match=r"folder/tile\.tif: has 32 bands, the PCA of .*pca\.npz was fitted on 4"):
        PCAProject(tmp_path / "pca.npz")(make_sample(32))


@pytest.mark.parametrize(
    ("data", "count", "error", "message"),
    [
        ([spectra(4)], 0, ConfigError, "num_components=0"),
        ([spectra(4)], 1.5, ConfigError, "num_components=1.5"),
        ([spectra(4)], 5, ConfigError, "num_components=5 given, the spectra have 4 bands"),
        ([], 1, DataError, "0 spectra came"),
        ([spectra(4)[:2]], 3, DataError, "2 spectra came, 3 components need 3"),
        ([spectra(4), spectra(32)], 1, DataError, r"shape \(500, 32\), expected \(n, 4\)"),
        ([spectra(4)[0]], 1, DataError, r"shape \(4,\), expected \(n, C\)"),
        ([np.full((3, 4), np.nan)], 1, DataError, "NaN"),
    ],
)
def test_what_cannot_be_fitted(data: list, count: float, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        fit_pca(data, count)


def test_files_that_are_no_fit(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"pca\.npy: a fitted PCA is kept in an \.npz"):
        fit_pca([spectra(4)], 1, tmp_path / "pca.npy")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot write"):
        fit_pca([spectra(4)], 1, tmp_path / "file" / "pca.npz")
    with pytest.raises(FileFormatError, match="no such file"):
        PCAProject(tmp_path / "absent.npz")
    (tmp_path / "text.npz").write_text("text")
    with pytest.raises(FileFormatError, match=r"text\.npz: not a fitted PCA"):
        PCAProject(tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", mean=np.zeros(4))
    with pytest.raises(FileFormatError, match="no array 'components'"):
        PCAProject(tmp_path / "other.npz")
    shapes = dict(explained_variance=np.ones(2), explained_variance_ratio=np.ones(2))
    np.savez(tmp_path / "torn.npz", mean=np.zeros(4), components=np.ones((2, 5)), **shapes)
    with pytest.raises(FileFormatError, match="contradict"):
        PCAProject(tmp_path / "torn.npz")


def test_what_the_file_cannot_give(tmp_path: Path) -> None:
    fit_pca([spectra(4)], 2, tmp_path / "pca.npz")
    for wrong in (0, 3, 1.0):
        with pytest.raises(ConfigError, match=f"num_components={wrong} given, .*holds 1 to 2"):
            PCAProject(tmp_path / "pca.npz", num_components=wrong)
    flat = spectra(4)
    flat[:, 3] = 7
    flat[:, 2] = 7
    fit_pca([flat], 4, tmp_path / "flat.npz")
    with pytest.raises(ConfigError, match="no variance to whiten"):
        PCAProject(tmp_path / "flat.npz", whiten=True)
    PCAProject(tmp_path / "flat.npz", num_components=2, whiten=True)
    fit_pca([np.full((1001, 2), 0.1)], 1, tmp_path / "rounding.npz")
    with pytest.raises(ConfigError, match="no variance to whiten"):
        PCAProject(tmp_path / "rounding.npz", whiten=True)
