"""Unlabelled scenes of any number of bands, as pretraining takes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mmhsi.errors import ConfigError, DataError
from mmhsi.io import CubeInfo, CubeOptions
from mmhsi.io.readers.opening import open_reader
from mmhsi.io.value_origins import shared_origin
from mmhsi.registry import DATASETS
from mmhsi.spec import InputSpec

from .bands import choose_bands, nanometres
from .catalogue import SceneInfo, scene_info
from .replay import model_bands
from .seeded_dataset import SeededDataset
from .statistics import BandStatistics, cube_statistics, pipeline_statistics, require_data
from .transforms.loading import RandomReadWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray


@DATASETS.register_module()
class CorpusDataset(SeededDataset):
    """A folder of scenes of different sensors; a sample is what the pipeline reads from one of them.

    Band counts may differ from scene to scene: a pipeline with ``StandardizeScene`` and ``BandResample`` (or
    ``SpectralResample``, where wavelengths are known) brings them to one.

    Args:
        scene: Entry of the catalogue of form ``'corpus'``, or a description of one as a
            :class:`mmhsi.datasets.SceneInfo` or a dict of its fields; None for a folder of one's own.
        data_root: Folder that every path is relative to. Default: ``data``.
        image_dir: Without ``scene``: the folder, searched with its subfolders; or a single file.
        suffixes: File suffixes that count as scenes. Default: GeoTIFF, ENVI headers, ``.mat``, ``.npy``,
            HDF5 and netCDF.
        image_key: Variable of ``.mat`` and HDF5 files; None for the only 3-D one.
        image_axes: Its axes where the files do not name them, such as ``"y x band"`` (:func:`mmhsi.io.open_cube`).
        image_options: How they are opened beside that (:class:`mmhsi.io.CubeOptions`), as ``dict(mask=["cloud"])``.
        num_bands: Bands that every scene must have. Default None: they may differ.
        samples_per_scene: How often a scene occurs in an epoch, each time with its own random window. Default 64.
        pipeline: Transforms.
        lazy_init: mmengine's flag.

    Raises:
        ConfigError: If a key is missing or contradicts another.
        DataError: If there is no scene, one cannot be read, a band of one is empty, or has another number of bands.
    """

    def __init__(
        self,
        scene: str | SceneInfo | Mapping[str, object] | None = None,
        data_root: str = "data",
        image_dir: str | None = None,
        suffixes: Sequence[str] = (".tif", ".tiff", ".hdr", ".mat", ".npy", ".h5", ".hdf5", ".he5", ".nc"),
        image_key: str | None = None,
        image_axes: str | None = None,
        image_options: Mapping[str, object] | None = None,
        num_bands: int | None = None,
        samples_per_scene: int = 64,
        pipeline: Sequence[dict | Callable] = (),
        lazy_init: bool = False,
    ) -> None:
        if (scene is None) == (image_dir is None):
            raise ConfigError("CorpusDataset: give either scene or image_dir")
        if samples_per_scene < 1:
            raise ConfigError(f"CorpusDataset: samples_per_scene={samples_per_scene} given, expected at least 1")
        root = Path(data_root)
        title = str(image_dir)
        if image_dir is not None:
            folder = root / image_dir
            inside = [folder] if folder.is_file() else folder.rglob("*")
            self.files = sorted(path for path in inside if path.suffix.lower() in suffixes)
            if not self.files:
                raise DataError(f"{folder}: holds no scene ({', '.join(suffixes)})")
        else:
            info = scene_info(scene)
            if info.form != "corpus":
                raise ConfigError(f"CorpusDataset: {info.title} is of form {info.form!r}, expected 'corpus'")
            self.files = [root / part.image for part in info.corpus]
            image_key, title = image_key or info.image_key, info.title
        self.image_key = image_key
        self.image_axes = image_axes
        self.image_options = CubeOptions.of(image_options).under(root)
        self.num_bands = num_bands
        self.samples_per_scene = samples_per_scene
        self.title = title
        super().__init__(pipeline, lazy_init)

    def load_data_list(self) -> list[dict]:
        """Read every scene once for its header and the statistics of its bands."""
        self._require_size()
        entries: list[dict] = []
        read: list[tuple[CubeInfo, list[int]]] = []
        for path in self.files:
            with open_reader(path, self.image_key, 3, self.image_axes, self.image_options) as reader:
                header = reader.info
                bands = choose_bands(header, None)
                if self.num_bands not in (None, len(bands)):
                    raise DataError(
                        f"{path}: {len(bands)} bands, num_bands={self.num_bands} is expected of every scene"
                    )
                cube = reader.read(bands=bands)
            require_data(cube)
            read.append((header, bands))
            statistics = cube_statistics(cube.data, cube.valid())
            entry = dict(
                img_path=str(path),
                img_key=self.image_key,
                img_axes=self.image_axes,
                img_options=self.image_options,
                bands=bands,
                file_bands=header.shape[2],
                tile_shape=header.shape[:2],
                scene_mean=statistics.mean,
                scene_std=statistics.std,
            )
            entries += [entry] * self.samples_per_scene
        self._spec = self._describe(read)
        return entries

    def _require_size(self) -> None:
        """Name all scenes that are smaller than the windows that the pipeline cuts, before any is read."""
        windows = [step.size for step in self.pipeline.transforms if isinstance(step, RandomReadWindow)]
        if not windows:
            return
        height, width = (max(sides) for sides in zip(*windows, strict=True))
        small = []
        for path in self.files:
            with open_reader(path, self.image_key, 3, self.image_axes, self.image_options) as reader:
                rows, columns = reader.info.shape[:2]
            if rows < height or columns < width:
                small.append(f"{path.name} ({rows} x {columns})")
        if small:
            listed = ", ".join(small[:8]) + (f" and {len(small) - 8} more" if len(small) > 8 else "")
            raise DataError(
                f"{self.title}: {len(small)} of {len(self.files)} scenes are smaller than the windows of {height} x "
                f"{width} pixels: {listed}; give RandomReadWindow a smaller size or leave them out"
            )

    def _describe(self, read: list[tuple[CubeInfo, list[int]]]) -> InputSpec:
        """What a model trained on this is given, of scenes with these headers of which these bands are read."""
        centres = [None if header.wavelengths is None else header.wavelengths[bands] for header, bands in read]
        seen = [
            model_bands("CorpusDataset", self.value_steps, header, bands, nm)
            for (header, bands), nm in zip(read, centres, strict=True)
        ]
        counts = sorted({count for count, _ in seen})
        if len(counts) > 1:
            raise DataError(
                f"{self.title}: its scenes give {counts[0]} to {counts[-1]} bands; bring them to one number in the "
                "pipeline (BandResample, SpectralResample)"
            )
        same = len({(header.shape[2], *bands) for header, bands in read}) == 1
        return InputSpec(
            classes=(),
            scene=self.title,
            protocol="unlabelled scenes",
            image_options=self.image_options.recipe(),
            values=shared_origin(header for header, _ in read),
            bands=tuple(read[0][1]) if same else (),
            file_bands=read[0][0].shape[2] if same else 0,
            wavelengths=_common(centres) if same else None,
            transforms=tuple(step.config for step in self.value_steps),
            num_bands=counts[0],
            model_wavelengths=_common([nm for _, nm in seen]),
        )

    def band_statistics(self) -> BandStatistics:
        """Mean and standard deviation of every band that the pipeline gives, over 8 samples a scene."""
        self.full_init()
        step = max(1, self.samples_per_scene // 8)
        statistics = pipeline_statistics(self.prepare_data, range(0, len(self), step))
        assert statistics is not None  # there is at least one scene
        return statistics


def _common(centres: Sequence[NDArray[np.float64] | None]) -> tuple[float, ...] | None:
    """Wavelengths that all scenes have; None where they differ or are unknown."""
    listed = {nanometres(nm) for nm in centres}
    return listed.pop() if len(listed) == 1 else None
