"""What the commands that take a config share: their options, and the config that these make."""

from __future__ import annotations

import ast
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.config import Config, DictAction

from mmhsi.arguments import nearest
from mmhsi.cli.freed_memory import lasting_objects
from mmhsi.errors import ConfigError
from mmhsi.io.files import reason

from .inputs import ReadConfig

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence


def config_argument(parser: argparse.ArgumentParser, help: str = "config file", optional: bool = False) -> None:
    """Add a config, which :func:`read_config` reads, and ``--dataset``.

    Args:
        parser: Changed in place.
        help: What the config is.
        optional: Whether it may be left out.
    """
    parser.add_argument("config", type=ReadConfig, nargs="?" if optional else None, help=help)
    dataset_argument(parser)


def dataset_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--dataset``, which :func:`read_config` reads.

    Args:
        parser: Changed in place.
    """
    parser.add_argument("--dataset", metavar="NAME", help="data of a config that is written for several")


def read_config(args: argparse.Namespace) -> Config:
    """Read ``args.config`` as :func:`read_unchecked` does, and check its keys, types and sections.

    Args:
        args: Parsed, see :func:`config_argument`.

    Raises:
        ConfigError: As there, or if a key, type or section of the config or of the options is mistyped.
    """
    with lasting_objects():
        from mmhsi.engine import check_config
        from mmhsi.engine.quiet_logging import hush_models

        if not getattr(args, "verbose", False):
            hush_models()
        cfg = read_unchecked(args)
        check_config(cfg)
    return cfg


def read_unchecked(args: argparse.Namespace) -> Config:
    """Read ``args.config`` with the data that ``args.dataset`` names and the keys that ``args.cfg_options`` sets.

    Of what it is checked against nothing is imported, neither models nor torch.

    Args:
        args: Parsed, see :func:`config_argument`.

    Raises:
        ConfigError: If there are no such data, the config does not let one choose, or a section of the options is
            mistyped.
    """
    from mmhsi.config_files import DATASET, chosen_dataset, load_config

    if args.dataset:
        os.environ[DATASET] = args.dataset
    cfg = load_config(args.config)
    if args.dataset and chosen_dataset(cfg) is None:
        raise ConfigError(f"--dataset {args.dataset}: {args.config} has data of its own, it is not written for several")
    if getattr(args, "cfg_options", None):
        override(cfg, args.cfg_options)
    return cfg


class Overrides(DictAction):
    """mmengine's ``KEY=VALUE`` pairs, and lists of dicts as Python writes them; what is none is one line."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        option_string: str | None = None,
    ) -> None:
        """Add the pairs to those of the namespace; arguments are argparse's."""
        for pair in values or ():
            key, equals, _ = str(pair).partition("=")
            if not equals or not all(key.split(".")):
                raise ConfigError(f"{option_string} {pair}: expected KEY=VALUE, such as train_cfg.max_epochs=100")
            try:
                super().__call__(parser, namespace, [pair], option_string)
            except AssertionError as error:
                raise ConfigError(f"{option_string} {pair}: {error}") from None

    @staticmethod
    def _parse_iterable(val: str) -> object:
        """A value; mmengine takes a list of dicts apart at every comma."""
        if val.startswith(("[", "(", "{")) and "{" in val:
            with suppress(ValueError, SyntaxError):
                return ast.literal_eval(val)
        return DictAction._parse_iterable(val)


def cfg_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--cfg-options``, which :func:`read_config` applies.

    Args:
        parser: Changed in place.
    """
    parser.add_argument("--cfg-options", nargs="+", action=Overrides, help="override config keys: a.b=1 c.d='[1,2]'")


def override(cfg: Config, options: dict[str, object]) -> None:
    """Set keys of a config.

    Args:
        cfg: Changed in place.
        options: Values by dotted key.

    Raises:
        ConfigError: If there is no such section, or a key leads nowhere.
    """
    from mmhsi.engine.config_sections import SECTIONS

    for key in options:
        section, _, rest = key.partition(".")
        if section not in cfg and section not in SECTIONS:
            known = [*_keys_named(key.rpartition(".")[2], cfg.to_dict())]
            names = known or [f"{name}.{rest}" if rest else name for name in (*cfg, *SECTIONS)]
            raise ConfigError(f"--cfg-options {key}: no section is named {section!r}{nearest(key, names)}")
        _check_places(key, cfg)
    try:
        cfg.merge_from_dict(options)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ConfigError(f"--cfg-options {' '.join(options)}: {reason(error)}") from None


def _check_places(key: str, cfg: Config) -> None:
    """Check that a key names entries of lists by numbers that they have."""
    value: object = cfg.to_dict()
    passed: list[str] = []
    for step in key.split("."):
        if isinstance(value, list | tuple):
            if not (step.isascii() and step.isdigit() and int(step) < len(value)):
                numbers = f"0 to {len(value) - 1}" if value else "none, it is empty"
                raise ConfigError(f"--cfg-options {key}: {'.'.join(passed)} has no entry {step!r}; expected {numbers}")
            value = value[int(step)]
        else:
            value = value.get(step) if isinstance(value, dict) else None
        passed.append(step)


def _keys_named(name: str, value: object, where: str = "") -> Iterator[str]:
    """Dotted keys of a config that end in a name."""
    for key, inner in value.items() if isinstance(value, dict) else ():
        if key == name:
            yield f"{where}{key}"
        yield from _keys_named(name, inner, f"{where}{key}.")


def runner_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that mmseg's and mmpretrain's users know, and ``--seed``.

    Args:
        parser: Changed in place.
    """
    parser.add_argument("--work-dir", help="where everything is written (default: work_dirs/CONFIG or CONFIG_DATASET)")
    parser.add_argument("--seed", type=int, help="seed of the run and of the splits of its data")
    cfg_options(parser)
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0)


def runner_config(args: argparse.Namespace) -> Config:
    """Read ``args.config`` and apply the options of :func:`runner_options`."""
    from mmhsi.config_files import run_name
    from mmhsi.engine import set_seed

    from .work_dir import check_config_place

    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    cfg = read_config(args)
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or cfg.get("work_dir") or str(Path("work_dirs") / run_name(cfg))
    check_config_place(Path(cfg.work_dir) / Path(cfg.filename).name)
    if args.seed is not None:
        set_seed(cfg, args.seed)
    return cfg


def report_to(cfg: Config, path: str) -> None:
    """Have the config's test write its report to a JSON file.

    It holds metrics of every class and the confusion matrix, or metrics of every target.

    Args:
        cfg: Changed in place.
        path: JSON file.

    Raises:
        ConfigError: If the config has no test data, or no ``LandCoverMetric`` or ``ValueMetric``, which writes it.
    """
    from mmhsi.config_files import reporting_metric

    metric = reporting_metric(cfg)
    if metric is None:
        raise ConfigError(
            f"report {path}: {cfg.filename} has no LandCoverMetric or ValueMetric in test_evaluator, which writes it"
        )
    metric["out_file"] = path
