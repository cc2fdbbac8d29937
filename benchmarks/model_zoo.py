"""Print the model zoo from model-index.yml and the metafiles; with --write make metafiles and docs/model_zoo.md anew.

A metafile's models are the configs of its folder, each on its data (or its default) or on those of its results, which
are those of benchmarks/tables and, where these have none, of benchmarks/results.json. Parameters and operations are
counted where a model is new, or with --measure, for which the data have to be there (MMHSI_DATA).
"""

import os
from pathlib import Path
from unittest import mock

import yaml
from experiments.index_files import read_index, read_metafile
from experiments.record import known
from experiments.table import read_config, step_name

from mmhsi.cli.command import run, tool_parser
from mmhsi.errors import DataError

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/model_zoo.md"
TASKS = {
    "PixelClassifier": "Pixel classification",
    "ClassicalClassifier": "Pixel classification",
    "PixelRegressor": "Regression",
    "TileRegressor": "Regression",
    "ClassicalRegressor": "Regression",
    "EncoderDecoder": "Semantic segmentation",
    "Mask2Former": "Semantic segmentation",
    "PresenceClassifier": "Classes of tiles",
}
"""Models that are run as a whole, with their heads; others by their encoder."""
PROTOCOLS = {
    "20-per-class": "20 random pixels a class",
    "5-per-class": "5 random pixels a class",
    "disjoint": "disjoint blocks",
    "values": "disjoint blocks",
    "tile-values": "half of the tiles train",
    "hyperview": "four fifths of the fields train",
    "halves": "left half trains, right half tests",
    "halves-fine": "left half trains, right half tests, at the labels' resolution",
    "c2seg-wuhan": "80 % of the tiles train",
}
HEADER = """# Model zoo

*For those who look for a config and what it costs.*

Printed by `python benchmarks/model_zoo.py` from the `metafile.yml` of every folder of configs. A row is a run's name:
that of the config, and of the data where the config [is written for several](training.md#one-config-several-data):
the default's, or those of which there are results. Parameters are those of the whole model that a config builds,
decoder and teacher included, fixed position tables too; GFLOPs those of a forward pass of one training window or tile
through backbone and head, in pretraining through the backbone with nothing hidden, two operations for every
multiply-add. Results are in per cent, mean ± sample standard deviation over n runs; where there is no figure, it was
not measured, or the paper has none on this data. Where a paper, or its public code, counts parameters, its number
stands last; why LO-SST's cannot be met: [models](models.md), why SS-MAE's is not: [its
page](../configs/ss_mae/README.md). What protocols mean: [splits](splits.md); more figures: [results](results.md). We
publish [one small encoder](../configs/mixed/README.md#model-card).
"""


def metafiles() -> list[Path]:
    """Those that the index names, in its order."""
    return [ROOT / path for path in read_index(ROOT / "model-index.yml")]


def measure(config: str, dataset: str | None) -> dict:
    """Parameters and operations of a config's model, for which the training data are read.

    Raises:
        DataError: If they are not there.
    """
    import torch
    from mmengine.registry import DefaultScope
    from torch.utils.flop_counter import FlopCounterMode

    from mmhsi.config_files import DATASET, load_config, read_window
    from mmhsi.engine import resolve_from_data
    from mmhsi.models.complexity import count_stored
    from mmhsi.registry import MODELS
    from mmhsi.spec import InputSpec

    with mock.patch.dict(os.environ, {DATASET: dataset} if dataset else {}):
        cfg = load_config(ROOT / config)
    for part in (cfg.model, cfg.model.backbone):
        part.pop("init_cfg", None)
    spec = InputSpec.of_metainfo(getattr(resolve_from_data(cfg), "metainfo", None))
    assert spec is not None
    window = read_window(cfg) or spec.window
    assert window is not None
    if spec.sensors:  # counted for the one of most bands
        sensor = max(spec.sensors, key=lambda each: each["num_bands"])
        cfg.model.backbone.update(in_channels=sensor["num_bands"], wavelengths=list(sensor["wavelengths"]))
    if cfg.model.type in (
        "ClassicalClassifier",
        "ClassicalRegressor",
    ):  # keeps its samples, and has neither weights nor layers
        shape = (spec.num_bands, *window)
        return {"Training Data": spec.scene, "Input": " x ".join(map(str, shape)), "Parameters": 0, "FLOPs": 0}
    divisor = (cfg.model.get("data_preprocessor") or {}).get("size_divisor", 1)
    sides = (-(-side // divisor) * divisor for side in window)
    shape = (cfg.model.backbone.in_channels, *sides)
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
        "Training Data": f"{len(spec.sensors)} scenes" if spec.sensors else spec.scene,
        "Input": " x ".join(map(str, shape)),
        "Parameters": count_stored(model),
        "FLOPs": counter.get_total_flops(),
    }


def model_of(collection: str, config: str, measured: dict, known: dict[str, dict], again: bool) -> dict:
    """A metafile's entry for a config on some data."""
    name = step_name(config, measured.get("dataset"))
    kept = known.get(name, {})
    metadata = kept.get("Metadata")
    if metadata is None or again:
        try:
            metadata = measure(config, measured.get("dataset"))
        except (DataError, OSError):
            if metadata is None:
                raise
            print(f"{name}: its data are not there, what was measured before is kept")
    entry = {"Name": name, "In Collection": collection, "Config": config, "Metadata": metadata}
    if "Weights" in kept:
        entry["Weights"] = kept["Weights"]
    task = TASKS.get(read_config(config, measured.get("dataset")).model.type)
    if task is not None:
        protocol = PROTOCOLS.get(name.split("_")[-1], "published split")
        result = {"Task": task, "Dataset": metadata["Training Data"], "Protocol": protocol}
        result["Metrics"] = measured.get("metrics", {})
        named = {"Spread": "spread", "Runs": "runs", "Paper": "paper"}
        entry["Results"] = [result | {key: measured[value] for key, value in named.items() if value in measured}]
    return entry


def metafile(path: Path, results: list[dict], again: bool = False) -> str:
    """Text of a metafile: its collection as it is, its models anew, with what is known of them."""
    content = read_metafile(path)
    known = {model["Name"]: model for model in content["Models"]}
    collection = content["Collections"][0]["Name"]
    lines = [yaml.safe_dump({"Collections": content["Collections"]}, sort_keys=False, allow_unicode=True, width=120)]
    lines.append("Models:\n")
    for file in sorted(path.parent.glob("*.py")):
        config = str(file.relative_to(ROOT))
        for measured in [entry for entry in results if entry["config"] == config] or [{}]:
            model = model_of(collection, config, measured, known, again)
            line = yaml.safe_dump(model, sort_keys=False, allow_unicode=True, default_flow_style=True, width=10**6)
            lines.append(f"- {line}")
    return "".join(lines)


def figures(result: dict) -> str:
    """Metrics with spread and number of runs."""
    spread = result.get("Spread", {})
    texts = [
        f"{name} {round(value, 2)}" + (f" ± {round(spread[name], 2)}" if name in spread else "")
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
            cells += [", ".join(f"{name} {value:,}" for name, value in result.get("Paper", {}).items())]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write or print."""
    parser = tool_parser(__doc__)
    parser.add_argument("--write", action="store_true", help="bring metafiles and page up to date with the configs")
    parser.add_argument("--measure", action="store_true", help="with --write: count all parameters and operations anew")
    args = parser.parse_args()
    if args.write:
        results = known()
        for path in metafiles():
            path.write_text(metafile(path, results, args.measure))
    text = "\n".join([HEADER, *(section(read_metafile(path)) for path in metafiles())])
    if args.write:
        PAGE.write_text(text)
    else:
        print(text, end="")


if __name__ == "__main__":
    run(main)
