"""Show frozen features as colours: their first three principal components, beside the false colour."""

import argparse

from mmhsi.cli.command import WrittenPicture, run, tool_parser, whole
from mmhsi.cli.inputs import ReadModel
from mmhsi.cli.options import config_argument, read_config

MOST_PIXELS = 1000
"""Of a scene's side, in the picture."""


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


def main() -> None:
    """Extract and draw."""
    args = parse_args()
    import numpy as np
    from torch.utils.data import Subset

    from mmhsi.datasets import SceneDataset
    from mmhsi.inference.feature_extractor import FeatureExtractor
    from mmhsi.visualization import false_colour
    from mmhsi.visualization.feature_figures import principal_colours, save_feature_figure

    extractor = FeatureExtractor(read_config(args), args.checkpoint, args.prefix, args.device)
    if extractor.cfg.train_dataloader.dataset.type == "SceneDataset":
        scene = extractor.dataset("train_dataloader", subset="all", split=None, stride=1)
        assert isinstance(scene, SceneDataset)
        height, width = scene.valid_pixels.shape
        step = -(-max(height, width) // MOST_PIXELS)
        rows, columns = np.divmod(scene.pixels, width)
        chosen = np.flatnonzero((rows % step == 0) & (columns % step == 0))
        batches = extractor.batches(Subset(scene, chosen.tolist()), 512)
        centres = [maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2] for _, maps in batches]
        features = np.concatenate([centre.cpu().numpy() for centre in centres])
        valid = scene.valid_pixels[::step, ::step]
        colours = np.zeros((*valid.shape, 3), np.uint8)
        colours[rows[chosen] // step, columns[chosen] // step] = principal_colours(features)
        spec = scene.spec
        shown = scene.cube.data[::step, ::step]
        picture = false_colour(shown, spec.model_wavelengths, bands=spec.picture_bands, valid=valid)
        save_feature_figure(args.out, [(picture, colours)], spec.scene or "")
        print(f"picture: {args.out}" + (f", one in {step} rows and columns" if step > 1 else ""))
        return
    dataset = extractor.dataset("train_dataloader")
    chosen = np.unique(np.linspace(0, len(dataset) - 1, args.tiles).astype(int)).tolist()
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
    save_feature_figure(args.out, pairs)
    print(f"picture: {args.out}")


if __name__ == "__main__":
    run(main)
