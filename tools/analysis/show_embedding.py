"""Show how far the classes lie apart in a network's features, before and after training, by t-SNE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmhsi.cli.command import WrittenPicture, run, tool_parser, whole
from mmhsi.cli.inputs import ReadModel
from mmhsi.cli.options import config_argument, read_config

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch.utils.data import Dataset

    from mmhsi.inference.feature_extractor import FeatureExtractor, FeatureSet


def drawn_features(extractor: FeatureExtractor, dataset: Dataset, count: int, seed: int) -> FeatureSet:
    """Features of some places with a label: of a scene's pixels, which have one each, no others are computed."""
    import numpy as np
    from torch.utils.data import Subset

    from mmhsi.datasets import SceneDataset

    def drawn(there: int) -> NDArray[np.integer]:
        return np.sort(np.random.default_rng(seed).choice(there, min(count, there), replace=False))

    if isinstance(dataset, SceneDataset):
        return extractor.labelled(Subset(dataset, drawn(len(dataset)).tolist()))
    found = extractor.labelled(dataset)
    chosen = drawn(len(found.labels))
    return found._replace(features=found.features[chosen], labels=found.labels[chosen], tiles=None)


def main() -> None:
    """Extract, lay out and draw."""
    parser = tool_parser(__doc__, "mmhsi show_embedding configs/my_scene/vit.py runs/ft/epoch_100.pth --out apart.png")
    config_argument(parser, "config of fine-tuning, which has labelled test data")
    parser.add_argument("checkpoint", type=ReadModel, help="checkpoint of pretraining or fine-tuning")
    parser.add_argument("--out", type=WrittenPicture, required=True, help="PNG")
    parser.add_argument("--prefix", default="backbone.", help="where the backbone is in it (default: %(default)s)")
    parser.add_argument("--count", type=whole(1), default=1500, help="pixels that are shown, at most (default: 1500)")
    parser.add_argument("--seed", type=int, default=0, help="of all that is random (default: 0)")
    parser.add_argument("--device", help="torch device (default: a GPU where there is one)")
    args = parser.parse_args()
    import torch

    from mmhsi.engine import set_seed
    from mmhsi.inference.feature_extractor import FeatureExtractor
    from mmhsi.progress import begin
    from mmhsi.visualization import class_palette
    from mmhsi.visualization.embedding import save_embedding_figure

    features = {}
    for caption, checkpoint in (("before training", None), ("after training", args.checkpoint)):
        cfg = read_config(args)
        set_seed(cfg, args.seed)
        torch.manual_seed(args.seed)
        extractor = FeatureExtractor(cfg, checkpoint, args.prefix, args.device)
        dataset = extractor.dataset("test_dataloader")
        shown = drawn_features(extractor, dataset, args.count, args.seed)
        features[caption], labels, spec = shown.features, shown.labels, dataset.spec
        del extractor, dataset  # a scene takes memory, and the next one comes
    palette = spec.palette or class_palette(spec.classes)
    begin("laying out by t-SNE")
    shares = save_embedding_figure(args.out, features, labels, spec.classes, palette, args.seed)
    for caption, share in shares.items():
        print(f"{caption}: {100 * share:.1f} % of 10 neighbours are of the same class")
    print(f"picture: {args.out}")


if __name__ == "__main__":
    run(main)
