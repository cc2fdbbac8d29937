"""Draw README's picture of the Houston crop, and write what the one command printed for it below the picture.

The crop is read from the folder that MMHSI_SHARED_DATA names (default: ../shared/data). It takes four to six minutes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("MMHSI_SHARED_DATA", ROOT / "../shared/data"))
PICTURE = ROOT / "docs/images/houston_map.jpg"
BEGIN, END = "<!-- hero: written by docs/write_hero.py -->\n", "<!-- end of hero -->\n"
COMMAND = "mmhsi classify houston.mat labels.tif --key hyprImg --second houston.mat --second-key rgbImg --out map.tif"
SHOWN = 2
"""Candidates whose lines stand in README, and the last."""
SIZE = 512
"""Pixels a side of every panel: those of the aerial picture."""


def make_inputs(folder: Path) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The crop, and the labels of the training pixels of a published split.

    Args:
        folder: For ``houston.mat`` and ``labels.tif``.

    Returns:
        All labels, ids 0 to K-1 (H, W), below 0 where there is none; those that are given, 1 to K (H, W), 0 for none;
        flat indices of the test pixels.
    """
    import rasterio

    from mmhsi.datasets import SceneDataset

    dataset = SceneDataset("houston2018_crop", data_root=DATA, window=1, subset="labeled")
    truth = np.asarray(dataset.labels, dtype=np.int64)
    with np.load(DATA / "splits/houston2018_crop_fewshot20_seed0.npz") as split:
        train, test = split["train"], split["test"]
    given = np.zeros_like(truth)
    given.flat[train] = truth.flat[train] + 1
    shutil.copy(DATA / "houston2018_crop/houston_dataset.mat", folder / "houston.mat")
    height, width = given.shape
    with rasterio.open(folder / "labels.tif", "w", "GTiff", width, height, 1, dtype="uint8") as file:
        file.write(given.astype(np.uint8), 1)
    return truth, given, test


def classify(folder: Path) -> str:
    """Run the command in a folder as anybody would, and give what it printed, errors and all."""
    environment = dict(os.environ, PYTHONPATH=str(ROOT), PYTHONWARNINGS="ignore")
    words = [sys.executable, "-m", *COMMAND.split()]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    return (done.stderr + done.stdout).replace(f"{folder}/", "")


def draw(folder: Path, given: npt.NDArray[np.int64], names: list[str]) -> None:
    """Aerial picture, labels, map and doubt side by side."""
    import rasterio

    from mmhsi.io import open_cube, read_class_map
    from mmhsi.visualization.class_map import colourise
    from mmhsi.visualization.map_figure import legend_entries
    from mmhsi.visualization.meaning import class_palette
    from mmhsi.visualization.style import INK, SMALL, new_figure, picture_axes

    warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)

    with open_cube(folder / "houston.mat", "rgbImg") as reader:
        aerial = reader.read().data.astype(np.uint8)
    found = read_class_map(folder / "map.tif")
    with rasterio.open(folder / "map.doubt.tif") as file:
        doubt = file.read(1)
    palette = class_palette(names)
    finer = np.ones((SIZE // given.shape[0],) * 2, np.uint8)
    points = np.kron(np.where(given > 0, given - 1, 255).astype(np.uint8), finer)
    dots = aerial // 3 + 150  # pale, so that single pixels stand out
    dots[points < 255] = colourise(points, palette)[points < 255]

    figure = new_figure(11.2, 3.35)
    panels = figure.subplots(1, 4)
    shown = (
        ("An aerial picture of the scene", aerial),
        (f"{int((given > 0).sum())} labelled pixels", dots),
        ("The map", colourise(found.classes, palette)),
        ("Its doubt: dark is sure", doubt),
    )
    for axes, (caption, picture) in zip(panels, shown, strict=True):
        axes.imshow(picture, cmap="magma", interpolation="antialiased" if picture is aerial else "nearest")
        picture_axes(axes, caption)
    from matplotlib.patches import Patch

    entries = legend_entries(found.classes, None, names, palette)
    handles = [Patch(facecolor=[part / 255 for part in colour], label=name) for name, colour in entries]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles), fontsize=SMALL, frameon=False, labelcolor=INK,
        handlelength=1.2, columnspacing=1.2,
    )  # fmt: skip
    figure.savefig(PICTURE, dpi=110, pil_kwargs=dict(quality=88))


def shortened(printed: str) -> str:
    """What was printed, without most candidates and how far the map was."""
    lines = [line for line in printed.rstrip().split("\n") if "% of the rows" not in line]
    tried = [index for index, line in enumerate(lines) if "% of held-out pixels" in line]
    left_out = len(tried) - SHOWN - 1
    lines[tried[SHOWN] : tried[-1]] = [f"            … ({left_out} further candidates)"]
    return "\n".join(lines)


def block(printed: str, right: float, tested: int) -> str:
    """What stands in README."""
    command = COMMAND.replace(" --second houston", " \\\n    --second houston")
    return f"""{BEGIN}
![The Houston crop: aerial picture, labels, map and doubt](docs/images/{PICTURE.name})

*A stadium in Houston: 128 x 128 pixels of 48 bands, an aerial picture four times as fine, 20 labelled pixels a class.
`labels.tif` holds their class numbers on the cube's grid and 0 elsewhere; points or polygons drawn in QGIS do as well.
One command, on two CPU cores with other work beside it:*

<!-- not run: needs the Houston crop, and four minutes -->
```shell
{command}
```

<!-- not run: printed by the command -->
```text
{shortened(printed)}
```

*It is right on {right:.1f} % of the {tested:,} other labelled pixels, which it never saw.*

{END}"""


def main() -> None:
    """Run, draw, write."""
    from mmhsi.io import read_class_map

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        truth, given, test = make_inputs(folder)
        printed = classify(folder)
        print(printed)
        names = [f"class {label}" for label in range(1, int(given.max()) + 1)]
        draw(folder, given, names)
        found = read_class_map(folder / "map.tif").classes
        right = 100 * float((found.flat[test] == truth.flat[test]).mean())
    page = ROOT / "README.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    page.write_text(before + block(printed, right, len(test)) + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
