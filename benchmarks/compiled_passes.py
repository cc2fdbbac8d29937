"""What ``mmhsi predict --compile`` makes of a network's passes, beside those of PyTorch as they come."""

from functools import partial
from typing import Any

import torch
from scene_inference import LINEAR, inferencer, pixel_model, segment_model
from side_by_side import Bench, Comparison, Measure, main

NETWORKS: dict[str, tuple[str, dict[str, Any], int]] = {
    "cnn2d-rows": ("CNN2D, rows at once", dict(type="CNN2D"), 256),
    "hsi-vit-p3": ("HSIViT tiny, patch 3", dict(type="HSIViT", arch="tiny", img_size=9, patch_size=3), 256),
    "hsi-vit-p1": ("HSIViT tiny, patch 1", dict(type="HSIViT", arch="tiny", img_size=9, patch_size=1), 256),
    "imae": ("IMAE tiny, pixels embedded before", dict(type="IMAEViT", arch="tiny"), 128),
}


def passes(name: str, bench: Bench) -> tuple[Measure, Measure]:
    """Compiled passes of a classifier of pixels, eight symmetries, and those of the same that are not."""
    _, backbone, channels = NETWORKS[name]
    bands, many = bench.size(48, 8), bench.size(256, 4)

    def of(compiled: bool) -> Measure:
        config = dict(pixel_model(backbone, channels, bands), tta=True)
        model = inferencer(bench.folder, config, bands, 6, 9, many, str(bench.device), compile=compiled).model
        torch.manual_seed(0)
        if model.takes_rows((9, 9)):
            image = torch.randn(1, bench.size(88, 20), bench.size(188, 30), bands, device=bench.device)
            return bench.seconds(torch.inference_mode()(partial(model.predict_rows, image.permute(0, 3, 1, 2), (9, 9))))
        windows = torch.randn(many, 9, 9, bands, device=bench.device).permute(0, 3, 1, 2)
        if model.embeds_pixels:
            width = model.embed_pixels(windows[0].permute(1, 2, 0)).shape[2]
            windows = torch.randn(many, 9, 9, width, device=bench.device).permute(0, 3, 1, 2)
            return bench.seconds(torch.inference_mode()(partial(model.of_embedded, windows)))
        return bench.seconds(torch.inference_mode()(partial(model, windows)))

    return of(True), of(False)


def tiles(bench: Bench) -> tuple[Measure, Measure]:
    """Likewise of a segmentor."""
    model = segment_model(dict(type="HSIViT", arch="tiny", img_size=64, patch_size=8), [128], 32, 20, **LINEAR)

    def of(compiled: bool) -> Measure:
        found = inferencer(bench.folder, model, 32, 20, 64, 16, str(bench.device), compile=compiled).model
        windows = torch.randn(bench.size(16, 2), 64, 64, 32, device=bench.device).permute(0, 3, 1, 2)
        return bench.seconds(torch.inference_mode()(partial(found, windows)))

    return of(True), of(False)


COMPARISONS = [
    *(
        Comparison(
            f"compiled-{name}",
            f"{what}: windows of 9×9×48 with 8 symmetries, compiled beside as they come",
            partial(passes, name),
            "≤ 1",
        )
        for name, (what, *_) in NETWORKS.items()
    ),
    Comparison("compiled-tiles", "HSIViT tiny, linear head: windows of 64×64×32, likewise", tiles, "≤ 1"),
]

if __name__ == "__main__":
    main({"compiled_passes": COMPARISONS})
