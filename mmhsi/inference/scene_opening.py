"""A scene opened for a model: what the model takes is there, and what is doubtful about it is said."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mmhsi.carried_config import check_carried_config
from mmhsi.datasets.replay import Replay
from mmhsi.datasets.scene import open_second
from mmhsi.errors import DataError
from mmhsi.io import CubeOptions
from mmhsi.io.readers.opening import open_reader
from mmhsi.io.value_origins import mixed_up
from mmhsi.models.protocols import finer_source
from mmhsi.registry import CHANNELS, TRANSFORMS

from .checks import choose_scene_bands, doubtful_scale, doubtful_wavelengths, matching_transform, warn, warn_of_no_place
from .scene_rows import SceneRows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmhsi.io import CubeInfo
    from mmhsi.spec import InputSpec

    from .window_model import WindowModel


@dataclass(frozen=True)
class SceneRequest:
    """A scene, and how it is opened: the arguments of :meth:`mmhsi.inference.SceneInferencer.open_scene`.

    Attributes:
        scene: Its file.
        key: Its variable.
        second: File of the second source.
        second_key: Its variable.
        scale: Factor to the units of the training.
        match_wavelengths: Whether bands are resampled.
        axes: Of the scene's array.
        image_options: What is not as in training.
        second_axes: Of the second source's array.
    """

    scene: str | Path
    key: str | None = None
    second: str | Path | None = None
    second_key: str | None = None
    scale: float | None = None
    match_wavelengths: bool = False
    axes: str | None = None
    image_options: Mapping[str, object] | None = None
    second_axes: str | None = None


def cube_options(spec: InputSpec, given: Mapping[str, object] | None = None) -> CubeOptions:
    """How scenes are opened: as in training, but for what is given.

    Args:
        spec: What the model was trained on.
        given: Options by name.
    """
    return CubeOptions.of({**spec.image_options, **(given or {})})


def open_for_model(model: WindowModel, request: SceneRequest) -> SceneRows:
    """Open a scene; the caller closes it.

    Args:
        model: Whose scene it is to be.
        request: The scene.

    Raises:
        ConfigError: As :meth:`mmhsi.inference.SceneInferencer.open_scene`.
        DataError: Likewise.
    """
    scene, second, spec = request.scene, request.second, model.spec
    preprocessor = model.preprocessor
    joined = getattr(preprocessor, "second_normaliser", None) is not None
    wants_second = joined or spec.second_in_transforms
    if wants_second != (second is not None):
        raise DataError(f"{scene}: the model takes {'two sources; give --second' if wants_second else 'one source'}")
    with ExitStack() as opened:
        options = cube_options(spec, request.image_options)
        reader = opened.enter_context(open_reader(scene, request.key, 3, request.axes, options))
        other = None
        if second is not None:
            opening = open_second(Path(second), request.second_key, reader.info, axes=request.second_axes)
            other = opened.enter_context(opening)
            count = preprocessor.second_normaliser.num_bands if joined else spec.second_bands
            if other.info.shape[2] != count:
                raise DataError(
                    f"{second}: has {other.info.shape[2]} bands, the model takes {count} of a second source"
                )
            finer = finer_source(getattr(model.network, "backbone", None))
            scale = other.info.shape[0] // reader.info.shape[0]
            if finer is not None and scale != finer[1]:
                raise DataError(
                    f"{second}: is {scale} x finer than {scene}, the model takes what is {finer[1]} x finer"
                )
        wrong = None if request.scale is not None else mixed_up(spec.values, reader.info.values)
        if wrong:
            raise DataError(f"{scene}: {wrong}")
        bands, replay = _bands_and_transforms(model, reader.info, request)
        rows = SceneRows(reader, bands, replay, preprocessor, spec.wavelengths, other)
        warn_of_no_place(reader.info, scene)
        rows.look = partial(doubtful_scale, rows, spec.values)
        opened.pop_all()
    return rows


def _bands_and_transforms(model: WindowModel, info: CubeInfo, request: SceneRequest) -> tuple[list[int], Replay]:
    """Which bands are read, and what becomes of them before they are normalised."""
    spec, scale = model.spec, request.scale
    transforms: list[dict] = [] if scale in (None, 1) else [dict(type="ScaleReflectance", factor=scale)]
    if request.match_wavelengths:
        bands = [int(band) for band in info.good_bands.nonzero()[0]]
        transforms.append(matching_transform(info, spec.wavelengths))
    else:
        bands = choose_scene_bands(info, spec)
        doubt = doubtful_wavelengths(info, bands, spec.wavelengths)
        if doubt:
            warn(doubt)
    # Before they are built: they came with the weights.
    carried = list(spec.transforms)
    check_carried_config(carried, f"{model.source}: its transforms", (TRANSFORMS, CHANNELS), files="file")
    return bands, Replay([*transforms, *carried], model.source)
