"""Fit principal components to the training data of a config, for PCAProject."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmhsi.cli.command import run, tool_parser, whole, writes
from mmhsi.cli.options import config_argument, read_config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from mmhsi.datasets import SceneDataset


def before_pca(transforms: list[dict]) -> list[dict]:
    """The transforms whose output PCAProject is given."""
    names = [transform["type"] for transform in transforms]
    return transforms[: names.index("PCAProject")] if "PCAProject" in names else transforms


def scene_spectra(scene: SceneDataset) -> Iterator[NDArray]:
    """Valid pixels of a scene, row by row; memory that mapped values took is given back."""
    from mmhsi.io.memory import let_go
    from mmhsi.progress import watched

    for row in watched(range(len(scene.valid_pixels)), "reading rows"):
        yield scene.cube.data[row][scene.valid_pixels[row]]
        let_go(scene.cube.data)


def main() -> None:
    """Fit and write."""
    parser = tool_parser(__doc__, "mmhsi fit_pca configs/my_scene/cnn.py --components 15 --out pca.npz")
    config_argument(parser, "config file; transforms from PCAProject on are left out")
    parser.add_argument("--components", type=whole(1), required=True, help="number of components")
    parser.add_argument(
        "--out", type=writes("a fit", ".npz"), required=True, help=".npz to write, the file of PCAProject"
    )
    args = parser.parse_args()
    from mmengine.registry import DefaultScope

    from mmhsi.config_files import training_dataset
    from mmhsi.datasets import SceneDataset
    from mmhsi.datasets.transforms import fit_pca
    from mmhsi.progress import watched
    from mmhsi.registry import DATASETS

    cfg = training_dataset(read_config(args))
    key = "transforms" if cfg["type"] == "SceneDataset" else "pipeline"
    cfg[key] = before_pca(cfg.get(key, []))
    if key == "pipeline" and (not cfg[key] or cfg[key][-1]["type"] != "PackTile"):
        cfg[key] = [*cfg[key], dict(type="PackTile")]
    with DefaultScope.overwrite_default_scope("mmhsi"):
        dataset = DATASETS.build(cfg)
        if isinstance(dataset, SceneDataset):
            spectra = scene_spectra(dataset)
        else:
            samples = (dataset[index] for index in watched(range(len(dataset)), "reading tiles"))
            spectra = (sample["inputs"].numpy()[:, sample["valid"].numpy()].T for sample in samples)
        model = fit_pca(spectra, args.components, args.out)
    print(
        f"components: {args.out}, {args.components} of them, {100 * model.explained_variance_ratio.sum():.2f} % of "
        "the variance"
    )


if __name__ == "__main__":
    run(main)
