"""Show what the CLS tokens attend to in the last layer: patches, and for two streams wavelengths too."""

from mmhsi.cli.command import WrittenPicture, run, tool_parser, whole
from mmhsi.cli.inputs import ReadModel
from mmhsi.cli.options import config_argument, read_config


def main() -> None:
    """Compute and draw."""
    parser = tool_parser(
        __doc__, "mmhsi show_attention configs/my_scene/vit.py runs/ft/epoch_100.pth --out attention.png"
    )
    config_argument(parser, "config of pretraining or fine-tuning; its training data is shown")
    parser.add_argument("checkpoint", type=ReadModel, help="checkpoint file")
    parser.add_argument("--out", type=WrittenPicture, required=True, help="PNG, one row an image")
    parser.add_argument("--prefix", default="backbone.", help="where the backbone is in it (default: %(default)s)")
    parser.add_argument("--images", type=whole(1), default=4, help="how many, spread over the data (default: 4)")
    parser.add_argument("--size", type=whole(1), help="side of a scene's windows in pixels (default: the config's)")
    parser.add_argument("--device", help="torch device (default: a GPU where there is one)")
    args = parser.parse_args()
    import numpy as np
    from torch.utils.data import Subset

    from mmhsi.inference.feature_extractor import FeatureExtractor
    from mmhsi.models.attention import cls_attention
    from mmhsi.models.layers.spectral_embed import group_centres
    from mmhsi.visualization import false_colour
    from mmhsi.visualization.feature_figures import save_attention_figure

    extractor = FeatureExtractor(read_config(args), args.checkpoint, args.prefix, args.device)
    changes = {"window": args.size} if args.size else {}
    dataset = extractor.dataset("train_dataloader", **changes)
    chosen = np.unique(np.linspace(0, len(dataset) - 1, args.images).astype(int)).tolist()
    wavelengths = dataset.spec.model_wavelengths
    pictures, spatial, spectral = [], [], []
    for batch, _ in extractor.batches(Subset(dataset, chosen), 1):
        maps = cls_attention(extractor.backbone, batch["inputs"])
        image = batch["inputs"][0].permute(1, 2, 0).float().cpu().numpy()
        pictures.append(false_colour(image, wavelengths, bands=dataset.spec.picture_bands))
        spatial.append(maps["spatial"][0].cpu().numpy())
        if "spectral" in maps:
            spectral.append(maps["spectral"][0].cpu().numpy())
    centres = None
    if spectral and wavelengths is not None:
        width = -(-len(wavelengths) // spectral[0].shape[1])
        centres = np.asarray(group_centres(wavelengths, width)).tolist()
    save_attention_figure(args.out, pictures, spatial, spectral or None, centres)
    print(f"picture: {args.out}")


if __name__ == "__main__":
    run(main)
