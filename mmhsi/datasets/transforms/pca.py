"""Principal components: fitted once from a stream of spectra, kept in a file, applied in a pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mmhsi.arguments import is_whole
from mmhsi.datasets.fitted import FittedArrays, Moments, principal_axes, true_spread
from mmhsi.errors import ConfigError, DataError
from mmhsi.io.files import existing_file, reading, replacing
from mmhsi.registry import TRANSFORMS

from .common import BAND_KEYS, CubeTransform, source

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class PCAModel(FittedArrays):
    """A fitted projection.

    Attributes:
        mean: Mean spectrum, float64 (C,).
        components: Unit vectors, most variance first, float64 (k, C). The largest entry of each is positive, so that a
            fit does not depend on the linear algebra library's choice of sign.
        explained_variance: Variance along each, float64 (k,), of n − 1 degrees of freedom.
        explained_variance_ratio: Its share of the variance of all bands, float64 (k,).
    """

    mean: NDArray[np.float64]
    components: NDArray[np.float64]
    explained_variance: NDArray[np.float64]
    explained_variance_ratio: NDArray[np.float64]

    noun: ClassVar[str] = "a fitted PCA"

    def is_consistent(self) -> bool:
        """Whether the arrays' shapes fit together."""
        kept = self.explained_variance.shape
        return self.components.shape == (*kept, *self.mean.shape) and self.components.ndim == 2

    def save(self, file: str | PathLike[str]) -> None:
        """Write an ``.npz`` file that :meth:`load` and :class:`PCAProject` read; it appears complete or not at all.

        Args:
            file: Ends with ``.npz``; its folder is made if missing.

        Raises:
            ConfigError: If the name does not end with ``.npz``.
            DataError: If the file cannot be written.
        """
        if Path(file).suffix != ".npz":
            raise ConfigError(f"{fspath(file)}: a fitted PCA is kept in an .npz file")
        with replacing(file) as temporary, temporary.open("wb") as archive:
            np.savez(archive, **vars(self))

    @classmethod
    def load(cls, file: str | PathLike[str]) -> PCAModel:
        """Read what :meth:`save` wrote.

        Args:
            file: ``.npz`` file.

        Raises:
            FileFormatError: If the file is missing or is no such file.
        """
        existing_file(file, "the .npz file of a fitted PCA")
        with reading(file, "not a fitted PCA"), np.load(file, allow_pickle=False) as arrays:
            return cls.of(arrays, fspath(file))


def fit_pca(spectra: Iterable[NDArray], num_components: int, file: str | PathLike[str] | None = None) -> PCAModel:
    """Fit principal components, one part of the data in memory at a time.

    The scatter matrix of :class:`mmhsi.datasets.fitted.Moments` is decomposed.

    Args:
        spectra: Parts (n, C) of any real dtype, valid pixels alone, such as ``cube.data[cube.valid()]`` of each tile.
        num_components: Components k to keep, at most C.
        file: Where to save the fit; None not to.

    Returns:
        The fit.

    Raises:
        ConfigError: If ``num_components`` is not from 1 to C.
        DataError: If a part has another shape or holds NaN, or fewer spectra than components come.
    """
    if not is_whole(num_components) or num_components < 1:
        raise ConfigError(f"fit_pca: num_components={num_components!r} given, expected a whole number of at least 1")
    moments = Moments()
    for part in spectra:
        values = np.asarray(part, dtype=np.float64)
        if values.ndim != 2 or (moments.count and values.shape[1] != len(moments.mean)):
            expected = f"(n, {len(moments.mean)})" if moments.count else "(n, C)"
            raise DataError(f"fit_pca: a part has shape {values.shape}, expected {expected}")
        if not np.isfinite(values).all():
            raise DataError("fit_pca: a part holds NaN or infinity; give valid pixels alone")
        moments.update(values)
    count, bands = moments.count, len(moments.mean)
    if count and num_components > bands:
        raise ConfigError(f"fit_pca: num_components={num_components} given, the spectra have {bands} bands")
    if count < max(2, num_components):
        raise DataError(f"fit_pca: {count} spectra came, {num_components} components need {max(2, num_components)}")
    variances, axes = principal_axes(moments.scatter / (count - 1), num_components)
    total_variance = variances.sum()
    model = PCAModel(
        mean=moments.mean,
        components=axes.T,
        explained_variance=variances[:num_components],
        explained_variance_ratio=variances[:num_components] / (total_variance if total_variance > 0 else 1.0),
    )
    if file is not None:
        model.save(file)
    return model


@TRANSFORMS.register_module()
class PCAProject(CubeTransform):
    """Replace the bands by principal components that :func:`fit_pca` fitted.

    Required keys: ``img`` (H, W, C).

    Modified keys: ``img`` (H, W, k) float32; ``wavelengths`` and ``fwhm`` become None where they exist: a component has
    no wavelength.

    Args:
        file: The ``.npz`` file of the fit; or None.
        num_components: Components to keep of those in the file; None (default) for all.
        whiten: Whether each component is divided by its standard deviation. Default False.
        model: Instead of a file: the fit, or its arrays by name, as a checkpoint keeps them.

    Raises:
        ConfigError: If not exactly one of file and model is given, the fit holds fewer components, or one without
            variance is to be whitened.
        FileFormatError: If the file is missing, or it or the model is no fitted PCA.
    """

    scope = "pixel"

    def __init__(
        self,
        file: str | PathLike[str] | None = None,
        num_components: int | None = None,
        whiten: bool = False,
        model: PCAModel | Mapping[str, ArrayLike] | None = None,
    ) -> None:
        if (file is None) == (model is None):
            raise ConfigError("PCAProject: give either file or model")
        self.file = None if file is None else fspath(file)
        self.model = model
        self._source = self.file or "model of PCAProject"
        if isinstance(model, Mapping):
            model = PCAModel.of(model, self._source)
        elif model is None:
            model = PCAModel.load(self._source)
        kept = len(model.components)
        if num_components is not None and not (is_whole(num_components) and 1 <= num_components <= kept):
            raise ConfigError(f"PCAProject: num_components={num_components!r} given, {self._source} holds 1 to {kept}")
        self.num_components = num_components
        self.whiten = whiten
        variance = model.explained_variance[:num_components]
        spread = true_spread(np.sqrt(variance), np.linalg.norm(model.mean))
        if whiten and (spread**2 <= variance[0] * np.finfo(np.float64).eps * len(model.mean)).any():
            raise ConfigError(f"PCAProject: a component of {self._source} has no variance to whiten; keep fewer")
        matrix = model.components[:num_components].T / (np.sqrt(variance) if whiten else 1.0)  # (C, k)
        self._matrix = matrix.astype(np.float32)
        self._mean = model.mean.astype(np.float32)
        self._fit = model

    def fitted(self, arguments: dict) -> dict:
        """Give the arrays of the components that are kept in place of their file.

        The arguments are as for :meth:`CubeTransform.fitted`.
        """
        count = self.num_components
        model = {name: values if name == "mean" else values[:count] for name, values in self._fit.lists().items()}
        return dict(model=model, whiten=self.whiten)

    def transform(self, results: dict) -> dict:
        """Project.

        Raises:
            DataError: If the image has another number of bands than the fit.
        """
        height, width, bands = results["img"].shape
        if bands != len(self._mean):
            raise DataError(
                f"{source(results)}: has {bands} bands, the PCA of {self._source} was fitted on {len(self._mean)}"
            )
        spectra = results["img"].reshape(-1, bands).astype(np.float32)
        spectra -= self._mean  # before the product: float32 would lose small variances beside a large mean
        results["img"] = (spectra @ self._matrix).reshape(height, width, -1)
        for key in BAND_KEYS:
            if key in results:
                results[key] = None
        return results
