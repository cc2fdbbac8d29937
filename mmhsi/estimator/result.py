"""A map in memory, with what it was made of."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmhsi.inference.stac import copy_item
from mmhsi.io import open_cube, read_class_map, read_cube
from mmhsi.io.arrays import to_xarray
from mmhsi.io.files import replacing
from mmhsi.io.output import sidecar
from mmhsi.io.styles import is_own_style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class SceneResult:
    """What a classifier says of a scene; what is asked for is read from its files.

    Attributes:
        files: GeoTIFFs by the name of :meth:`save`'s arguments: ``out``, ``probabilities`` and ``uncertainty``.
        names: Class names.
        keep: Temporary folder that has to last as long as the result.
    """

    files: Mapping[str, Path]
    names: list[str]
    keep: Any = None

    @cached_property
    def classes(self) -> NDArray[np.uint8]:
        """Class indices, uint8 (H, W); 255 where there is no data."""
        return read_class_map(self.files["out"]).classes

    @cached_property
    def probabilities(self) -> NDArray[np.float32]:
        """Calibrated probabilities, float32 (H, W, K); NaN where there is no data."""
        return read_cube(self.files["probabilities"]).data

    @cached_property
    def doubt(self) -> NDArray[np.float32]:
        """Their entropy as a share of the largest possible, float32 (H, W)."""
        return read_cube(self.files["uncertainty"]).data[..., 0]

    def save(self, out: str | Path, probabilities: str | Path | None = None, doubt: str | Path | None = None) -> None:
        """Copy the GeoTIFFs, with place, colours and names, the style and the STAC item, to where they shall stay.

        Args:
            out: File of the map.
            probabilities: File of the probabilities. Default: not kept.
            doubt: File of the doubt. Default: not kept.

        Raises:
            DataError: If a file cannot be written.
        """
        kept: dict[str, Path] = {}
        for name, given in (("out", out), ("probabilities", probabilities), ("uncertainty", doubt)):
            if given is None:
                continue
            path, source = Path(given), self.files[name]
            kept["classes" if name == "out" else name] = path
            if path.resolve() == source.resolve():
                continue
            pairs = [(source, path), (sidecar(source), sidecar(path))]
            if name == "out" and is_own_style(style := path.with_suffix(".qml")):
                pairs.append((source.with_suffix(".qml"), style))
            for old, new in pairs:
                if old.exists():
                    with replacing(new) as temporary:
                        shutil.copyfile(old, temporary)
        if kept["classes"].resolve() != self.files["out"].resolve():
            copy_item(self.files["out"], kept)

    def to_xarray(self) -> Any:
        """A ``Dataset`` of ``classes`` (y, x), ``probabilities`` (y, x, band) and ``doubt`` with their place.

        ``classes`` counts from 0 as ``names``, 255 where there is no data; ``class_name`` names the bands.

        Raises:
            ConfigError: xarray is not installed.
        """
        with open_cube(self.files["uncertainty"]) as reader:
            place = (reader.info.crs, reader.info.transform)
        names = dict(class_name=np.array(self.names))
        shares = to_xarray(self.probabilities, *place, names, math.nan, "probabilities")
        classes, doubt = to_xarray(self.classes, *place, nodata=255), to_xarray(self.doubt, *place, nodata=math.nan)
        return shares.to_dataset().assign(classes=classes, doubt=doubt)

    def _repr_html_(self) -> str:
        import base64
        import io
        from html import escape

        content = io.BytesIO()
        self.plot().savefig(content, format="png", dpi=90)
        picture = base64.b64encode(content.getvalue()).decode()
        height, width = self.classes.shape
        text = f"map of {height} x {width} pixels, {len(self.names)} classes: {', '.join(self.names)}"
        return f'<p>{escape(text)}</p><img alt="map and doubt" src="data:image/png;base64,{picture}">'

    def plot(self) -> Figure:
        """Map and doubt side by side, with a legend."""
        from matplotlib.patches import Patch

        from mmhsi.visualization import class_palette
        from mmhsi.visualization.class_map import colourise
        from mmhsi.visualization.map_figure import NO_DATA, legend_entries
        from mmhsi.visualization.style import INK, SMALL, new_figure, picture_axes

        palette = class_palette(self.names)
        figure = new_figure(9, 4.5)
        left, right = figure.subplots(1, 2)
        left.imshow(colourise(self.classes, palette, ignored=NO_DATA), interpolation="nearest")
        shown = right.imshow(self.doubt, vmin=0, vmax=1, cmap="magma", interpolation="nearest")
        figure.colorbar(shown, ax=right, shrink=0.8)
        entries = legend_entries(self.classes, None, self.names, palette)
        handles = [
            Patch(facecolor=(red / 255, green / 255, blue / 255), label=name) for name, (red, green, blue) in entries
        ]
        figure.legend(
            handles=handles, loc="outside lower center", ncols=5, fontsize=SMALL, frameon=False, labelcolor=INK
        )
        for axes, caption in ((left, "map"), (right, "doubt")):
            picture_axes(axes, caption)
        return figure
