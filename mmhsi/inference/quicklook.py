"""A map beside its scene as a small picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mmhsi.io import CubeOptions, read_class_map
from mmhsi.io.readers.opening import open_reader
from mmhsi.visualization import save_map_figure
from mmhsi.visualization.mapped_scene import mapped_scene, read_truth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmhsi.spec import InputSpec
    from mmhsi.visualization.palette import RGB


def save_quicklook(
    path: str | Path,
    scene: str | Path,
    class_map: str | Path,
    spec: InputSpec,
    palette: Sequence[RGB],
    key: str | None = None,
    labels: str | Path | None = None,
    labels_key: str | None = None,
    axes: str | None = None,
    labels_axes: str | None = None,
    label_field: str = "class",
    label_layer: str | None = None,
    options: CubeOptions | None = None,
) -> None:
    """Draw false colour, ground truth if given, and map side by side, with a legend.

    Args:
        path: File to write, ``.png``.
        scene: The scene.
        class_map: Its map.
        spec: What the model was trained on.
        palette: Colours of the classes.
        key: Variable of the scene's ``.mat`` file.
        labels: Vector file, or label map with the ids of the training data, of the scene's size or finer by a whole
            factor.
        labels_key: Its variable.
        axes: Axes of the scene's array where its file does not name them.
        labels_axes: Axes of the label map, likewise.
        label_field: Field of the classes of a vector file.
        label_layer: Its layer, where it has several.
        options: How the scene is opened. Default: as :class:`mmhsi.io.CubeOptions` has it.

    Raises:
        DataError: If a file cannot be read or written, or the label map has an unknown id or another size.
    """
    with open_reader(scene, key, 3, axes, options) as reader:
        info = reader.info
        ids = spec.label_ids or None, spec.ignore_ids
        truth = None
        if labels is not None:
            truth = read_truth(labels, info, spec.classes, *ids, labels_key, labels_axes, label_field, label_layer)
        bands = spec.rgb_bands if info.wavelengths is None else None
        shown = mapped_scene(reader, read_class_map(class_map), truth, bands)
    save_map_figure(
        path,
        false_colour=shown.picture,
        class_map=shown.classes,
        class_names=spec.classes,
        palette=palette,
        ground_truth=shown.truth,
        title=Path(scene).name,
        frame=shown.frame,
    )
