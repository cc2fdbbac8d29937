"""Show frozen features as colours: their first three principal components, beside the false colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmhsi.cli.command import WrittenPicture, run, tool_parser, whole
from mmhsi.cli.inputs import ReadModel
from mmhsi.cli.options import config_argument, read_config

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch.utils.data import Dataset

    from mmhsi.inference.feature_extractor import FeatureExtractor

MOST_PIXELS = 630
"""Of a scene's side: as many as the picture has for it."""
FITTED_TO = 20_000
"""Pixels, at most, whose features the components are fitted to; of all others three scores are kept."""


def parse_args() -> argparse.Namespace:
    """Options."""
    parser = tool_parser(
        __doc__, "mmhsi show_features configs/my_scene/vit.py runs/ft/epoch_100.pth --out features.png"
    )
    config_argument(parser, "config of pretraining or fine-tuning; its training data is shown")
    parser.add_argument("checkpoint", type=ReadModel, help="checkpoint file")
    parser.add_argument(
        "--out",
        type=WrittenPicture,
        required=True,
        help="PNG: for a scene one picture above the other, for tiles columns",
    )
    parser.add_argument("--prefix", default="backbone.", help="where the backbone is in it (default: %(default)s)")
    parser.add_argument("--tiles", type=whole(1), default=8, help="how many tiles, spread over the data (default: 8)")
    parser.add_argument("--device", help="torch device (default: a GPU where there is one)")
    return parser.parse_args()


def scene_pictures(extractor: FeatureExtractor) -> tuple[NDArray, NDArray, int, str]:
    """False colour and features of a scene, (h, w, 3) each, every how many-th row and column they show, its name.

    Raises:
        DataError: None of these pixels holds data.
    """
    import numpy as np
    from torch.utils.data import Subset

    from mmhsi.errors import DataError
    from mmhsi.io.memory import let_go
    from mmhsi.visualization import false_colour, rgb_band_indices
    from mmhsi.visualization.feature_figures import PrincipalColours

    scene = extractor.dataset("train_dataloader", subset="all", split=None, stride=1)
    step = -(-max(scene.valid_pixels.shape) // MOST_PIXELS)
    valid = scene.valid_pixels[::step, ::step]
    rows, columns = np.nonzero(valid)
    if not len(rows):
        raise DataError(f"{scene.cube.name}: holds no data in one of {step} rows and columns")
    scene.pixels = np.ravel_multi_index((rows * step, columns * step), scene.valid_pixels.shape)

    def centres(samples: Dataset) -> Iterator[NDArray]:
        for _, maps in extractor.batches(samples, 512):
            yield maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2].contiguous().cpu().numpy()

    some = np.unique(np.linspace(0, len(scene) - 1, FITTED_TO).astype(int))
    components = PrincipalColours(np.concatenate([*centres(Subset(scene, some.tolist()))]))
    colours = np.zeros((*valid.shape, 3), np.uint8)
    colours[rows, columns] = components.shown(np.concatenate([*map(components.scores, centres(scene))]))

    data, spec = scene.cube.data, scene.spec
    bands = list(rgb_band_indices(data.shape[2], spec.model_wavelengths, bands=spec.picture_bands))
    shown = np.empty((*valid.shape, 3), data.dtype)
    for place, row in enumerate(range(0, len(data), step)):
        shown[place] = data[row, ::step, bands].T  # indexing puts the bands first
        let_go(data)
    return false_colour(shown, bands=(0, 1, 2), valid=valid), colours, step, spec.scene or ""


def tile_pictures(extractor: FeatureExtractor, count: int) -> list[tuple[NDArray, NDArray]]:
    """False colour (H, W, 3) and features (h, w, 3) of some tiles, spread over the data."""
    import numpy as np
    from torch.utils.data import Subset

    from mmhsi.visualization import false_colour
    from mmhsi.visualization.feature_figures import principal_colours

    dataset = extractor.dataset("train_dataloader")
    chosen = np.unique(np.linspace(0, len(dataset) - 1, count).astype(int)).tolist()
    spec = dataset.spec
    pictures, maps = [], []
    for batch, last in extractor.batches(Subset(dataset, chosen), 1):
        pictures.append(
            false_colour(
                batch["inputs"][0].permute(1, 2, 0).cpu().numpy(), spec.model_wavelengths, bands=spec.picture_bands
            )
        )
        maps.append(last[0].permute(1, 2, 0).cpu().numpy())
    colours = principal_colours(np.concatenate([tokens.reshape(-1, tokens.shape[2]) for tokens in maps]))
    sizes = np.cumsum([0] + [tokens.shape[0] * tokens.shape[1] for tokens in maps])
    pairs = []
    for picture, tokens, start in zip(pictures, maps, sizes[:-1], strict=True):
        shown = colours[start : start + tokens.shape[0] * tokens.shape[1]].reshape(*tokens.shape[:2], 3)
        pairs.append((picture, shown))
    return pairs


def main() -> None:
    """Extract and draw."""
    args = parse_args()
    from mmhsi.inference.feature_extractor import FeatureExtractor
    from mmhsi.visualization.feature_figures import save_feature_figure

    extractor = FeatureExtractor(read_config(args), args.checkpoint, args.prefix, args.device)
    step = 1
    if extractor.cfg.train_dataloader.dataset.type == "SceneDataset":
        picture, colours, step, title = scene_pictures(extractor)
        save_feature_figure(args.out, [(picture, colours)], title)
    else:
        save_feature_figure(args.out, tile_pictures(extractor, args.tiles))
    print(f"picture: {args.out}" + (f", one in {step} rows and columns" if step > 1 else ""))


if __name__ == "__main__":
    run(main)
