"""mmengine's visualizer for images of many bands."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from mmengine.dist import master_only
from mmengine.visualization import Visualizer
from PIL import Image

from mmhsi.errors import ConfigError, DataError
from mmhsi.io.false_colour import false_colour
from mmhsi.registry import VISUALIZERS
from mmhsi.spec import InputSpec

from .map_figure import map_figure_png
from .meaning import class_palette
from .png import save_png

if TYPE_CHECKING:
    import os

    from mmengine.structures import BaseDataElement


@VISUALIZERS.register_module()
class HSIVisualizer(Visualizer):
    """Draws class maps beside the false colour of their image, for every backend of mmengine (files, TensorBoard, W&B).

    Class names, colours and wavelengths are those of the data set, which mmengine's loops put into ``dataset_meta``.

    Args:
        name: mmengine's.
        vis_backends: Configs of mmengine's backends.
        save_dir: Folder of the backends; the runner gives it.
        bands: 0-based bands to show as red, green and blue. Default: by wavelength, else those of the data set.
        percentiles: What becomes black and what becomes full colour. Default 2 and 98.
    """

    def __init__(
        self,
        name: str = "visualizer",
        vis_backends: list[dict] | None = None,
        save_dir: str | None = None,
        bands: tuple[int, int, int] | None = None,
        percentiles: tuple[float, float] = (2, 98),
    ) -> None:
        super().__init__(name, vis_backends=vis_backends, save_dir=save_dir)
        self.bands = bands
        self.percentiles = percentiles

    def picture(
        self, image: npt.NDArray[np.number], valid: npt.NDArray[np.bool_] | None = None
    ) -> npt.NDArray[np.uint8]:
        """Show an image of any number of bands.

        Args:
            image: (H, W, C) in any unit. uint8 of three bands is taken for a picture and stays as it is.
            valid: False where there are no data, (H, W) bool.

        Returns:
            RGB picture, (H, W, 3) uint8.

        Raises:
            ConfigError: If ``bands`` are not in the image.
            DataError: If the shapes do not fit together.
        """
        if image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3:
            return image.astype(np.uint8, copy=False)
        spec = InputSpec.of_metainfo(self.dataset_meta)
        wavelengths = None if spec is None else spec.model_wavelengths
        bands = self.bands or (None if spec is None else spec.picture_bands)
        if self.bands or (wavelengths is not None and len(wavelengths) != image.shape[-1]):
            wavelengths = None  # bands were asked for, or the pipeline changed them
        if self.bands is None and bands is not None and max(bands) >= image.shape[-1]:
            bands = None
        return false_colour(image, wavelengths, bands=bands, valid=valid, percentiles=self.percentiles)

    @master_only
    def add_datasample(
        self,
        name: str,
        image: npt.NDArray[np.number],
        data_sample: BaseDataElement | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        step: int = 0,
        valid: npt.NDArray[np.bool_] | None = None,
        out_file: str | os.PathLike[str] | None = None,
    ) -> None:
        """Draw false colour, ground truth, prediction and errors, as far as the sample has them.

        Args:
            name: Under which the backends keep the picture.
            image: (H, W, C), raw values.
            data_sample: mmseg's sample, with ``gt_sem_seg`` and ``pred_sem_seg``; they may be finer than the image.
            draw_gt: Whether ground truth and errors are drawn.
            draw_pred: Whether the prediction is drawn.
            show: Whether to open a window, in place of the backends.
            wait_time: Seconds that it stays; 0 means until it is closed.
            step: Number for the backends.
            valid: False where the image has no data, (H, W) bool.
            out_file: PNG to write, in place of the backends.

        Raises:
            ConfigError: If the data set names no classes.
            DataError: If the shapes do not fit together.
        """
        picture = self.picture(image, valid)
        prediction = _labels(data_sample, "pred_sem_seg") if draw_pred else None
        truth = _labels(data_sample, "gt_sem_seg") if draw_gt else None
        if prediction is not None or truth is not None:
            picture = self._draw_maps(picture, prediction, truth, name)
        if show:
            self.show(picture, win_name=name, wait_time=wait_time)
        elif out_file is not None:
            save_png(out_file, picture)
        else:
            self.add_image(name, picture, step)

    def _draw_maps(
        self,
        picture: npt.NDArray[np.uint8],
        prediction: npt.NDArray[np.integer] | None,
        truth: npt.NDArray[np.integer] | None,
        title: str,
    ) -> npt.NDArray[np.uint8]:
        """The figure as pixels."""
        meta = self.dataset_meta or {}
        classes = meta.get("classes")
        if not classes:
            raise ConfigError("HSIVisualizer: the data set names no classes, so that no map can be drawn")
        palette = [tuple(colour) for colour in meta.get("palette") or class_palette(classes)]
        shown = prediction if prediction is not None else truth
        assert shown is not None
        factors = {a / b for a, b in zip(shown.shape, picture.shape[:2], strict=True)}
        factor = int(max(factors))
        if len(factors) != 1 or factor < 1 or factors != {factor}:
            raise DataError(
                f"HSIVisualizer: a map of {shown.shape} pixels does not fit an image of {picture.shape[:2]}"
            )
        picture = picture.repeat(factor, 0).repeat(factor, 1)
        content = map_figure_png(picture, prediction, classes, palette, truth, title)
        return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def _labels(sample: BaseDataElement | None, key: str) -> npt.NDArray[np.integer] | None:
    """Class ids (H, W) of a sample, if it has them."""
    if sample is None or key not in sample:
        return None
    return sample.get(key).data.squeeze(0).cpu().numpy()
