"""The whole chain on the simulated demo scene: pretrain, fine-tune, test, map."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from mmhsi.cli.command import run, tool_parser
from mmhsi.errors import ConfigError

PRETRAIN = "mmhsi::mae/mae_hsi-vit-tiny-p3_demo.py"
FINETUNE = "mmhsi::mae/mae-ft_hsi-vit-tiny-p3_demo_20-per-class.py"


def step(title: str, arguments: list[str], environment: dict[str, str]) -> None:
    """Run one command of the chain, its output shown, and stop where it fails."""
    print(f"\n== {title}\n$ mmhsi {' '.join(arguments)}", flush=True)
    start = time.monotonic()
    command = [sys.executable, "-m", "mmhsi", *arguments]
    done = subprocess.run(command, env=environment, check=False)  # noqa: S603, commands of ours
    if done.returncode:
        raise ConfigError(f"{arguments[0]} failed with exit status {done.returncode}; its message stands above")
    print(f"== {time.monotonic() - start:.0f} s", flush=True)


def main() -> None:
    """Run the chain and print what came out."""
    parser = tool_parser(__doc__, "mmhsi demo --out demo_out")
    parser.add_argument("--out", type=Path, default=Path("demo_out"), help="folder for everything (default: demo_out)")
    out = parser.parse_args().out.resolve()
    # Messages of import warnings in the libraries below are of no use here; threads: all cores, one process.
    environment = dict(os.environ, MMHSI_DATA=str(out / "data"), PYTHONWARNINGS="ignore")
    pretrained, checkpoint = out / "pretrain" / "epoch_8.pth", out / "finetune" / "epoch_100.pth"
    cube, labels = out / "data/demo/demo_cube.tif", out / "data/demo/demo_labels.tif"
    report, classes, picture = out / "report.json", out / "demo_map.tif", out / "demo_map.png"

    step("simulate a scene", ["make_demo_scene", "--out", str(cube.parent)], environment)
    step(
        "pretrain: masked autoencoding, without labels",
        ["train", PRETRAIN, "--work-dir", str(pretrained.parent)],
        environment,
    )
    step(
        "fine-tune on 20 pixels a class",
        [
            *["train", FINETUNE, "--work-dir", str(checkpoint.parent)],
            *["--cfg-options", f"model.backbone.init_cfg.checkpoint={pretrained}"],
        ],
        environment,
    )
    step(
        "test on all other labelled pixels",
        ["test", FINETUNE, str(checkpoint), "--work-dir", str(out / "test"), "--out", str(report)],
        environment,
    )
    step(
        "map of the whole scene",
        [
            *["predict", FINETUNE, str(checkpoint), str(cube), "--labels", str(labels)],
            *["--out", str(classes), "--png", str(picture)],
        ],
        environment,
    )
    result = json.loads(report.read_text())
    metrics = result["metrics"]
    print(f"\nOA {metrics['OA']:.2f} %   AA {metrics['AA']:.2f} %   Kappa {metrics['Kappa']:.2f} %")
    print(f"protocol: simulated scene; {result['protocol']}")
    for name, path in (("map", classes), ("picture", picture), ("report", report), ("weights", checkpoint)):
        print(f"{name:8} {path}")


if __name__ == "__main__":
    run(main)
