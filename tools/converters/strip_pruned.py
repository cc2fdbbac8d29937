"""Remove pruned layers from a checkpoint, for deployment."""

import argparse
import os
import uuid
from pathlib import Path

from mmhsi.utils.cli import run


def parse_args() -> argparse.Namespace:
    """Options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", help="checkpoint of a training with LayerPruningHook")
    parser.add_argument("out", help="file for the weights that are left; optimiser and schedules are not kept")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser.parse_args()


def main() -> None:
    """Strip, save, and say how to build the smaller model."""
    args = parse_args()
    import torch

    from mmhsi.errors import ConfigError
    from mmhsi.io.files import writing
    from mmhsi.models.pruning import stage_flags, strip_out_indices, strip_state_dict
    from mmhsi.models.utils import read_checkpoint

    checkpoint = read_checkpoint(args.checkpoint)
    flags = stage_flags(checkpoint["state_dict"])
    if not any(flag.any() for flag in flags.values()):
        raise ConfigError(f"checkpoint {args.checkpoint}: no layer is pruned; was it trained with LayerPruningHook?")
    state, kept = strip_state_dict(checkpoint["state_dict"])
    out = Path(args.out)
    temporary = out.with_name(f".{out.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        with writing(out):
            out.parent.mkdir(parents=True, exist_ok=True)
            torch.save({"meta": {**checkpoint.get("meta", {}), "kept_layers": kept}, "state_dict": state}, temporary)
            os.replace(temporary, out)
    finally:
        temporary.unlink(missing_ok=True)

    pruned = [flag for flag_list in flags.values() for flag in flag_list.tolist()]
    equal = []
    for index in range(len(pruned)):
        try:
            equal.append(f"{index} -> {strip_out_indices([index], pruned)[0]}")
        except ConfigError:
            equal.append(f"{index} -> none")
    for path, indices in kept.items():
        print(f"{path}: {len(indices)} of {len(flags[path])} layers are left, formerly {', '.join(map(str, indices))}")
    print(f"out_indices: {', '.join(equal)}")
    print(f"{out}: build the backbone with as many layers in arch, and these out_indices")


if __name__ == "__main__":
    run(main)
