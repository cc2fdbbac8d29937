"""Print the overview of few-label results, or write it into docs/results.md.

A row is a config, a column a scene and protocol; OA in per cent, mean ± sample standard deviation over all its splits.
"""

from __future__ import annotations

from pathlib import Path

from experiments.record import known
from experiments.table import ROOT

from mmhsi.cli.command import run, tool_parser
from mmhsi.errors import ConfigError
from mmhsi.io.files import write_whole

PAGE = ROOT / "docs/results.md"
BEGIN, END = "<!-- overview: begin -->\n", "<!-- overview: end -->\n"
SCENES = {
    "houston2018-crop-rgb": "Houston crop, HSI + RGB",
    "houston2018-crop": "Houston crop",
    "salinas-a": "Salinas-A",
    "enmap-potsdam-scene": "EnMAP Potsdam",
}
PROTOCOLS = {"20-per-class": ("20 a class", 5), "5-per-class": ("5 a class", 5), "disjoint": ("disjoint", 8)}
"""Names, and the splits of each: figures of fewer rest on other splits, and stand in the model zoo."""


def figure(entry: dict | None) -> str:
    """One cell.

    Args:
        entry: What is known of a config; None for nothing measured.
    """
    if entry is None:
        return ""
    spread = entry.get("spread", {}).get("OA")
    beside = "" if spread is None else f" ± {spread:.1f}"
    return f"{entry['metrics']['OA']:.1f}{beside}"


def overview(entries: list[dict]) -> str:
    """A Markdown table a scene, the best of the disjoint column first."""
    splits = {f"{scene}_{protocol}": count for scene in SCENES for protocol, (_, count) in PROTOCOLS.items()}
    measured = {
        (entry["config"], data): entry
        for entry in entries
        if (data := entry.get("dataset")) in splits
        and "OA" in entry.get("metrics", {})
        and entry["runs"] >= splits[data]
    }
    tables = []
    for scene, title in SCENES.items():
        protocols = {f"{scene}_{protocol}": f"{name} ({count})" for protocol, (name, count) in PROTOCOLS.items()}
        columns = [column for column in protocols if any(column == dataset for _, dataset in measured)]
        configs = {config for config, dataset in measured if dataset in columns}
        order = {
            config: [-measured[config, name]["metrics"]["OA"] if (config, name) in measured else 0 for name in columns]
            for config in configs
        }
        names = [protocols[column] for column in columns]
        lines = [f"| {title}, OA | {' | '.join(names)} |", "| --- |" + " --- |" * len(columns)]
        for config in sorted(configs, key=lambda config: (order[config][::-1], config)):
            cells = [figure(measured.get((config, name))) for name in columns]
            lines.append(f"| {Path(config).with_suffix('').relative_to('configs')} | {' | '.join(cells)} |")
        tables.append("\n".join(lines) + "\n")
    return "\n".join(tables)


def main() -> None:
    """Write or print."""
    parser = tool_parser(__doc__, "python benchmarks/overview.py --write")
    parser.add_argument("--write", action="store_true", help="write docs/results.md")
    args = parser.parse_args()
    table = overview(known())
    if not args.write:
        print(table, end="")
        return
    text = PAGE.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ConfigError(f"{PAGE}: expected one {BEGIN.strip()} and one {END.strip()}")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    write_whole(PAGE, before + BEGIN + "\n" + table + "\n" + END + after)


if __name__ == "__main__":
    run(main)
