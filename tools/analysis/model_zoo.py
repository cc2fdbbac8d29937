"""Print the model zoo from model-index.yml and the metafiles; with --measure bring the metafiles up to date first.

Measuring adds configs that a metafile lacks and counts parameters and operations; results are written by hand.
"""

from pathlib import Path

import yaml

from mmhsi.cli.command import run, tool_parser

ROOT = Path(__file__).resolve().parents[2]
TASKS = {
    "PixelClassifier": "Pixel classification",
    "EncoderDecoder": "Semantic segmentation",
    "Mask2Former": "Semantic segmentation",
}
PROTOCOLS = {
    "20-per-class": "20 random pixels a class",
    "5-per-class": "5 random pixels a class",
    "disjoint": "disjoint blocks",
    "halves": "left half trains, right half tests",
    "halves-fine": "left half trains, right half tests, at the labels' resolution",
    "c2seg-wuhan": "80 % of the tiles train",
}
HEADER = """# Model zoo

Printed by `python tools/analysis/model_zoo.py` from the `metafile.yml` of every folder of configs. Parameters are those
of the whole model that a config builds, decoder and teacher included, fixed position tables too; GFLOPs those of a
forward pass of one training window or tile through backbone and head, in pretraining through the backbone with nothing
hidden, two operations for every multiply-add. Results are in per cent, mean ± standard deviation over n runs (the
sample's; the population's for MAE and the comparison models); where there is no figure, it was not measured, or the
paper has none on this data. What protocols mean: [splits](splits.md); more figures: [results](results.md). No weights
are published.
"""


def metafiles() -> list[Path]:
    """Those that the index names, in its order."""
    return [ROOT / path for path in yaml.safe_load((ROOT / "model-index.yml").read_text())["Import"]]


def measure(config: str) -> dict:
    """Parameters and operations of a config's model."""
    import torch
    from mmengine.config import Config
    from mmengine.registry import DefaultScope
    from torch.utils.flop_counter import FlopCounterMode

    from mmhsi.datasets import scene_info
    from mmhsi.engine.configs import training_window
    from mmhsi.models.complexity import count_stored
    from mmhsi.registry import MODELS

    cfg = Config.fromfile(ROOT / config)
    for part in (cfg.model, cfg.model.backbone):
        part.pop("init_cfg", None)
    info = scene_info(cfg.train_dataloader.dataset.scene)
    shape = (cfg.model.backbone.in_channels, *(training_window(cfg) or info.shape[:2]))
    # Shapes are enough, unless the model needs values while it is built, or also while it runs.
    for built_on, run_on in (("meta", "meta"), ("cpu", "meta"), ("cpu", "cpu")):
        try:
            with DefaultScope.overwrite_default_scope("mmhsi"), torch.no_grad(), torch.device(built_on):
                model = MODELS.build(cfg.model).to(run_on).eval()
            encoder = model.student.backbone if cfg.model.type == "DINOv2" else model.backbone
            with FlopCounterMode(display=False) as counter, torch.no_grad(), torch.device(run_on):
                images = torch.zeros(1, *shape)
                model(images, mode="tensor") if cfg.model.type in TASKS else encoder(images)
            break
        except (NotImplementedError, RuntimeError):
            if run_on == "cpu":
                raise
    return {
        "Training Data": info.title,
        "Input": " x ".join(map(str, shape)),
        "Parameters": count_stored(model),
        "FLOPs": counter.get_total_flops(),
    }


def unmeasured(config: str, metadata: dict) -> list[dict]:
    """The entry for results that are still to be filled in; none for pretraining."""
    from mmengine.config import Config

    task = TASKS.get(Config.fromfile(ROOT / config).model.type)
    if task is None:
        return []
    protocol = PROTOCOLS.get(Path(config).stem.split("_")[-1], "published split")
    return [{"Task": task, "Dataset": metadata["Training Data"], "Protocol": protocol, "Metrics": {}}]


def update(path: Path) -> None:
    """Bring a metafile up to date; results that are there stay."""
    content = yaml.safe_load(path.read_text())
    known = {model["Name"]: model for model in content.get("Models") or []}
    models = []
    for file in sorted(path.parent.glob("*.py")):
        config = str(file.relative_to(ROOT))
        metadata = measure(config)
        results = known.get(file.stem, {}).get("Results") or unmeasured(config, metadata)
        entry = {"Name": file.stem, "In Collection": content["Collections"][0]["Name"], "Config": config}
        models.append({**entry, "Metadata": metadata, **({"Results": results} if results else {})})
    content["Models"] = models
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120))


def figures(result: dict) -> str:
    """Metrics with spread and number of runs."""
    spread = result.get("Spread", {})
    texts = [
        f"{name} {value}" + (f" ± {spread[name]}" if name in spread else "")
        for name, value in result["Metrics"].items()
    ]
    return ", ".join(texts) + (f" (n = {result['Runs']})" if texts else "not measured")


def section(content: dict) -> str:
    """Markdown of one method."""
    collection = content["Collections"][0]
    lines = [
        f"## {collection['Name']}",
        "",
        f"{collection['Paper']['Title']}. [Configs](../{collection['README']})",
        "",
    ]
    lines += [
        "| config | data, protocol | input | parameters | GFLOPs | here | paper |",
        "| --- | --- | --- | ---: | ---: | --- | --- |",
    ]
    for model in content["Models"]:
        metadata = model["Metadata"]
        for result in model.get("Results") or [{}]:
            protocol = result.get("Protocol", "without labels")
            cells = [f"`{model['Name']}`", f"{metadata['Training Data']}, {protocol}"]
            cells += [metadata["Input"].replace(" x ", "x")]
            cells += [f"{metadata['Parameters']:,}", f"{metadata['FLOPs'] / 1e9:.3f}"]
            cells += [figures(result) if result else "pretraining"]
            cells += [", ".join(f"{name} {value}" for name, value in result.get("Paper", {}).items())]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and print."""
    parser = tool_parser(__doc__)
    parser.add_argument("--measure", action="store_true", help="bring parameters, operations and configs up to date")
    parser.add_argument("--out", help="Markdown file (default: print it)")
    args = parser.parse_args()
    if args.measure:
        for path in metafiles():
            update(path)
    text = "\n".join([HEADER, *(section(yaml.safe_load(path.read_text())) for path in metafiles())])
    if args.out:
        Path(args.out).write_text(text)
    else:
        print(text, end="")


if __name__ == "__main__":
    run(main)
