"""A model at a glance: a line of text, a page of a notebook."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import counted

if TYPE_CHECKING:
    from .scene_inferencer import SceneInferencer


def summary(model: SceneInferencer) -> str:
    """What a model is and takes, on one line."""
    return f"SceneInferencer({', '.join(_facts(model))})"


def notebook_page(model: SceneInferencer) -> str:
    """The same as HTML, with the classes in their colours, and how they were split."""
    spec = model.spec
    classes = "".join(
        f'<span style="white-space:nowrap;margin-right:1em"><span style="display:inline-block;width:.9em;height:.9em;'
        f'background:rgb{tuple(colour)};border:1px solid #888"></span> {html.escape(name)}</span> '
        for name, colour in zip(model.classes, model.model.palette, strict=True)
    )
    lines = [html.escape(", ".join(_facts(model))), html.escape(f"scenes pass through it by {model.way}")]
    if spec.protocol:
        lines.append(html.escape(f"trained on {spec.scene or 'a scene'}: {spec.protocol}"))
    return f"<p>{'<br>'.join(lines)}</p><p>{classes}</p>"


def _facts(model: SceneInferencer) -> list[str]:
    network, spec = model.model.network, model.spec
    backbone = getattr(network, "backbone", network)
    weights = sum(parameter.numel() for parameter in network.parameters())
    facts = [type(backbone).__name__]
    if weights:
        facts.append(counted(weights, "weight"))
    facts.append(counted(len(spec.bands), "band"))
    if spec.wavelengths is not None and len(spec.wavelengths):
        facts[-1] += f" of {np.min(spec.wavelengths):.0f} to {np.max(spec.wavelengths):.0f} nm"
    return [*facts, counted(len(model.classes), "class", "classes"), str(model.model.device)]
