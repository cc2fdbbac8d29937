"""Classify many scenes on a cluster of Dask: a scene is a task, a worker keeps its model, Dask retries and waits."""

import argparse
import sys
from pathlib import Path

from mmhsi.cli.command import AXES_HELP, run, tool_parser

CONFIGS = (".py", ".json", ".yaml", ".yml")
"""What configs end with, and checkpoints do not."""


def parse_args() -> argparse.Namespace:
    """Options."""
    parser = tool_parser(
        __doc__, "mmhsi dask_predict model.pth --list scenes.txt --out-dir maps --scheduler tcp://10.0.0.1:8786"
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="[CONFIG] CHECKPOINT SCENE",
        help="config file of the training, none for a published checkpoint; checkpoint file; scenes",
    )
    parser.add_argument("--out-dir", required=True, help="folder for the maps, which all workers see")
    parser.add_argument("--list", help="text file of further scenes, one a line")
    parser.add_argument("--stac", help="STAC item or collection of items whose files are further scenes")
    parser.add_argument("--scheduler", help="address of a running cluster (default: one of this machine)")
    parser.add_argument("--workers", type=int, default=2, help="processes of a cluster of this machine (default: 2)")
    parser.add_argument("--retries", type=int, default=1, help="of a scene that fails (default: 1)")
    parser.add_argument("--key", help="variable of a .mat or HDF5 file")
    parser.add_argument("--axes", help=AXES_HELP)
    parser.add_argument("--scale", type=float, default=1.0, help="factor to the units of the training (default: 1)")
    parser.add_argument("--match-wavelengths", action="store_true", help="resample the bands to those of the training")
    parser.add_argument("--device", help="torch device (default: a GPU where there is one)")
    parser.add_argument("--amp", action="store_true", help="run the model in half precision")
    parser.add_argument("--batch-size", type=int, help="windows at a time (default: 512 pixels, 16 tiles)")
    args = parser.parse_intermixed_args()
    args.config = args.files.pop(0) if args.files[0].lower().endswith(CONFIGS) else None
    if not args.files:
        parser.error("no checkpoint is named")
    args.checkpoint, *args.scenes = args.files
    return args


def main() -> None:
    """Hand out the scenes, and write the summary of all."""
    args = parse_args()
    from mmhsi.errors import ConfigError, one_line
    from mmhsi.inference.many_scenes import listed_scenes, map_names, predict_task, stac_scenes
    from mmhsi.inference.scene_summary import write_summary
    from mmhsi.io.files import make_folder

    try:
        from distributed import Client, LocalCluster, as_completed
    except ImportError as error:
        raise ConfigError("dask_predict needs Dask; pip install 'mmhsi[dask]'") from error
    scenes = [*args.scenes, *(listed_scenes(args.list) if args.list else ())]
    scenes += stac_scenes(args.stac) if args.stac else ()
    scenes = [str(Path(scene).absolute()) for scene in scenes]  # workers have other current folders
    names, folder = map_names(scenes), Path(args.out_dir).absolute()
    make_folder(folder)
    config = None if args.config is None else str(Path(args.config).absolute())
    model = (config, str(Path(args.checkpoint).absolute()), args.device, args.batch_size, None, None, args.amp)
    options = {name: getattr(args, name) for name in ("key", "axes", "scale", "match_wavelengths")}
    local = args.scheduler is None
    cluster = LocalCluster(args.workers, threads_per_worker=1, dashboard_address=None) if local else args.scheduler
    failed, written = [], 0
    with Client(cluster) as client:
        futures = {
            client.submit(
                predict_task, model, scene, names[scene], str(folder), options, retries=args.retries, pure=False
            ): scene
            for scene in scenes
        }
        for future in as_completed(futures):
            scene = futures.pop(future)  # and with it what the scheduler keeps
            error = future.exception()
            if error is not None:
                failed.append((scene, one_line(str(error))))
                continue
            record, there = future.result()
            written += not there
            if not there:
                print(f"map: {folder / record.map}", flush=True)
    if local:
        cluster.close()
    for path in write_summary(folder, names.values()):
        print(f"summary: {path}")
    print(f"{written} maps written, {len(scenes) - written - len(failed)} were there, {len(failed)} scenes failed")
    for scene, what in failed:
        print(f"failed: {scene}: {what}", file=sys.stderr)
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    run(main)
