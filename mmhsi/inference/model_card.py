"""What a model that is handed on says of itself: a page to be completed by whoever publishes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmhsi.datasets.catalogue import CATALOGUE
from mmhsi.version import __version__

if TYPE_CHECKING:
    from mmhsi.spec import InputSpec

ASKED = "*to be filled in*"
"""Stands where only the person who publishes knows."""


def model_card(name: str, spec: InputSpec, kept: dict) -> str:
    """A model card in Markdown: what the file itself knows, and blanks for the rest.

    Args:
        name: Of the published file.
        spec: What the model was trained on.
        kept: Of its metadata, ``epoch``, ``iter`` and ``seed``, as far as they are there.
    """
    scene = next((info for info in CATALOGUE.values() if info.title == spec.scene), None)
    source = [f"- Scene: {spec.scene or ASKED}"]
    source += [f"- Source: {(scene and scene.citation) or ASKED}", f"- Licence: {(scene and scene.license) or ASKED}"]
    if scene and scene.caveat:
        source.append(f"- To know: {scene.caveat}")
    trained = ", ".join(f"{key} {kept[key]}" for key in ("epoch", "iter", "seed") if kept.get(key) is not None)
    lines = [
        f"# {name}",
        "",
        f"`mmhsi predict {name} SCENE --out map.tif` maps a scene with it.",
        "",
        "## Data",
        "",
        *source,
        f"- Bands: {_bands(spec)}",
        f"- {_answers(spec)}",
        f"- Training pixels: {spec.protocol or ASKED}",
        "",
        "## Training",
        "",
        f"- mmhsi {__version__}{f', {trained}' if trained else ''}; config and commit: {ASKED}",
        f"- Weights it began with, and their licence: {ASKED}",
        "",
        "## What it is worth",
        "",
        f"Figures with their protocol (`mmhsi test … --out report.json`), seeds and spread: {ASKED}",
        "",
        "## Limits",
        "",
        "- It knows these classes and no others: what is none of them is given the nearest." if spec.classes else None,
        "- Scenes of other sensors, seasons, places or units than those above were not tested.",
        f"- Not good for: {ASKED}",
        "",
        "## Licence of the weights",
        "",
        ASKED,
    ]
    return "\n".join(line for line in lines if line is not None) + "\n"


def _bands(spec: InputSpec) -> str:
    parts = [f"{len(spec.bands)} of the file's {spec.file_bands}"]
    if spec.wavelengths:
        parts.append(f"{min(spec.wavelengths):.0f} to {max(spec.wavelengths):.0f} nm")
    if spec.second_bands:
        parts.append(f"and {spec.second_bands} of a second source")
    if spec.window:
        parts.append(f"windows of {spec.window[0]} x {spec.window[1]} pixels")
    if spec.transforms:
        parts.append("after " + ", ".join(str(step.get("type")) for step in spec.transforms))
    return ", ".join(parts)


def _answers(spec: InputSpec) -> str:
    if not spec.targets:
        return f"Classes: {', '.join(spec.classes)}"
    return "Values: " + ", ".join(f"{one['name']} ({one.get('unit') or '1'})" for one in spec.targets)
