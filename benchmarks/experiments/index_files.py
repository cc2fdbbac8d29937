"""Files of results and metafiles, checked on reading: people write them too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from mmhsi.errors import DataError
from mmhsi.evaluation.leaderboard import wrong_figure
from mmhsi.io.files import existing_file, reason
from mmhsi.io.json_file import is_number, read_json

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES = 1 << 22
_RESULT_KEYS = {"config", "dataset", "metrics", "spread", "runs", "paper"}


def read_results(path: Path) -> list[dict[str, Any]]:
    """Read benchmarks/results.json.

    Returns:
        Its entries: ``config``, and where it has them ``dataset``, ``metrics``, ``spread``, ``runs`` and ``paper``.

    Raises:
        DataError: It is no such file.
    """
    entries = read_json(path, "a file of results")
    if not isinstance(entries, list):
        raise DataError(f"{path}: holds a {type(entries).__name__}, expected a list of results")
    for number, entry in enumerate(entries, 1):
        if wrong := _wrong_result(entry):
            raise DataError(f"{path}: result {number}: {wrong}")
    names = [(entry["config"], entry.get("dataset")) for entry in entries]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DataError(f"{path}: has two results of {twice[0]} on {twice[1] or 'its data'}")
    return entries


def _wrong_result(entry: object) -> str | None:
    """What is wrong with an entry, None if nothing is."""
    if not isinstance(entry, dict):
        return f"is a {type(entry).__name__}, expected an object"
    if unknown := sorted(set(entry) - _RESULT_KEYS):
        return f"has {unknown[0]!r}, expected some of {', '.join(sorted(_RESULT_KEYS))}"
    if not isinstance(entry.get("config"), str) or not isinstance(entry.get("dataset", ""), str):
        return "config and dataset have to be texts"
    for name in ("metrics", "spread", "paper"):
        figures = entry.get(name, {})
        if not isinstance(figures, dict) or not all(map(is_number, figures.values())):
            return f"{name} has to be numbers by their names"
        if wrong := next(filter(None, (wrong_figure(*figure) for figure in figures.items())), None):
            return f"{name}: {wrong}"
    if set(entry.get("spread", {})) - set(entry.get("metrics", {})):
        return "has a spread of what it has no metrics of"
    return _wrong_runs("runs", entry.get("runs"), entry.get("metrics"))


def _wrong_runs(name: str, runs: object, metrics: object) -> str | None:
    """What is wrong with the number of runs that figures rest on, None if nothing is."""
    good = (runs is None and not metrics) or (type(runs) is int and runs >= 1)
    return None if good else f"{name} is {runs!r}, expected the number of runs that the metrics rest on"


def read_metafile(path: Path) -> dict[str, Any]:
    """Read a metafile.yml: one collection and its models.

    Raises:
        DataError: It is no such file.
    """
    content = _yaml(path, "a metafile")
    collections = content.get("Collections")
    collections = collections if isinstance(collections, list) else []
    named = len(collections) == 1 and isinstance(collections[0], dict)
    if not named or not isinstance(collections[0].get("Name"), str):
        raise DataError(f"{path}: Collections has to be a list of one, which has a Name")
    paper = collections[0].get("Paper")
    readme = collections[0].get("README")
    if not isinstance(paper, dict) or not all(isinstance(text, str) for text in (paper.get("Title"), readme)):
        raise DataError(f"{path}: its collection needs a Paper with a Title, and a README")
    models = content.get("Models")
    models = [] if models is None else models
    if not isinstance(models, list):
        raise DataError(f"{path}: Models has to be a list")
    for number, model in enumerate(models, 1):
        if wrong := _wrong_model(model):
            raise DataError(f"{path}: model {number}: {wrong}")
    return {**content, "Models": models}


def _wrong_model(model: object) -> str | None:
    """What is wrong with a metafile's model, None if nothing is."""
    if not isinstance(model, dict) or not isinstance(model.get("Name"), str):
        return "has no Name"
    metadata = model.get("Metadata")
    if not isinstance(metadata, dict):
        return f"{model['Name']} has no Metadata"
    for name in ("Training Data", "Input"):
        if not isinstance(metadata.get(name), str):
            return f"{model['Name']}: Metadata: {name} has to be a text"
    for name in ("Parameters", "FLOPs"):
        if type(metadata.get(name)) is not int or metadata[name] < 0:
            return f"{model['Name']}: Metadata: {name} has to be a whole number"
    results = model.get("Results") or []
    if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
        return f"{model['Name']}: Results has to be a list"
    figures = [result.get(name, {}) for result in results for name in ("Metrics", "Spread", "Paper")]
    if not all(isinstance(part, dict) and all(map(is_number, part.values())) for part in figures):
        return f"{model['Name']}: Metrics, Spread and Paper have to be numbers by their names"
    wrong = next(filter(None, (_wrong_runs("Runs", each.get("Runs"), each.get("Metrics")) for each in results)), None)
    return None if wrong is None else f"{model['Name']}: {wrong}"


def read_index(path: Path) -> list[str]:
    """Read model-index.yml: the metafiles, relative to its folder.

    Raises:
        DataError: It is no such file.
    """
    names = _yaml(path, "an index of metafiles").get("Import")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(f"{path}: Import has to be a list of metafiles")
    return names


def _yaml(path: Path, expected: str) -> dict[str, Any]:
    file = existing_file(path, expected)
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise ValueError(f"{file.stat().st_size} bytes")
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise DataError(f"{file}: not {expected} ({reason(error)})") from error
    if not isinstance(content, dict):
        raise DataError(f"{file}: holds a {type(content).__name__}, expected {expected}")
    return content
