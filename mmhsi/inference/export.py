"""Trained models as files that run without this package: ONNX and torch.export."""

from __future__ import annotations

import io
import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.io.files import make_folder, put, writing
from mmhsi.models.classical import ClassicalClassifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from .window_model import WindowModel

SUFFIXES = (".onnx", ".pt2")
TOLERANCE = 1e-4
"""Largest difference of a probability from PyTorch's that a file may have."""


class ScoringModel(nn.Module):
    """Raw values in, class probabilities out: normalisation, network and softmax in one graph.

    Raises:
        ConfigError: If the model takes a second source, predicts values, or is a classical one.
    """

    def __init__(self, model: WindowModel) -> None:
        super().__init__()
        if getattr(model.preprocessor, "second_normaliser", None) is not None:
            raise ConfigError("the model takes two sources; only models of one source are exported")
        if model.spec.targets:
            raise ConfigError("the model predicts values; only models of classes are exported")
        if isinstance(model.network, ClassicalClassifier):
            raise ConfigError(
                "the model is classical, and learns from its samples when it is loaded; only networks are exported, as "
                "mmhsi classify --models cnn2d trains one"
            )
        self.network = model.network
        self.score = model

    def forward(self, values: Tensor) -> Tensor:
        """Class probabilities.

        Args:
            values: The bands that the model was trained on, in the units of the training, float32 (B, C, h, w).

        Returns:
            Of a pixel classifier those of the windows' centres (B, K), of a segmentor (B, K, h, w).
        """
        scores = self.score(self.network.data_preprocessor.normalise(values))
        return scores if self.score.by_pixel else scores.softmax(dim=1)


def metadata(model: WindowModel, window: tuple[int, int]) -> dict[str, str]:
    """What whoever runs the file has to know, as JSON by name.

    Args:
        model: What is exported.
        window: (height, width) in pixels.
    """
    spec = model.spec
    units = "what transforms make of the units of the training" if spec.transforms else "units of the training"
    known = dict(
        classes=model.classes,
        bands=spec.bands,
        file_bands=spec.file_bands,
        transforms=spec.transforms,
        wavelengths_nm=spec.model_wavelengths,
        window=list(window),
        input=f"float32 (batch, bands, rows, columns), {units}; pixels without data: the bands' means",
        output="probabilities (batch, classes)" if model.by_pixel else "probabilities (batch, classes, rows, columns)",
    )
    return {name: json.dumps(value) for name, value in known.items()}


@torch.no_grad()
def export_model(model: WindowModel, out: str | Path, window: tuple[int, int]) -> float:
    """Write a model to a file, for batches of any size, and compare what the file computes with PyTorch.

    Args:
        model: Trained model, on the CPU.
        out: ``.onnx``, or ``.pt2`` for torch.export.
        window: (h, w) of the windows in pixels.

    Returns:
        The largest difference of a probability over two batches of other sizes than the one that was traced.

    Raises:
        ConfigError: If the suffix is unknown, a package is missing, or the difference exceeds :data:`TOLERANCE`; then
            nothing is written.
    """
    out = Path(out)
    if out.suffix not in SUFFIXES:
        raise ConfigError(f"{out}: expected a name that ends in {' or '.join(SUFFIXES)}")
    scoring = ScoringModel(model).eval()
    generator = torch.Generator().manual_seed(0)
    mean, std = (getattr(model.preprocessor, name)[:, None, None] for name in ("mean", "std"))

    def batch(size: int) -> Tensor:
        return mean + std * torch.randn(size, len(mean), *window, generator=generator)

    samples = [batch(1), batch(5)]
    expected = [scoring(x) for x in samples]  # before tracing: it also reads, once, that the statistics are set
    program = torch.export.export(scoring, (batch(2),), dynamic_shapes=({0: torch.export.Dim("batch")},))
    temporary = out.with_name(f".{uuid.uuid4().hex[:12]}.{out.name}")
    try:
        with writing(out):
            make_folder(out.parent)
            save = _save_onnx if out.suffix == ".onnx" else _save_program
            run = save(program, temporary, metadata(model, window))
        difference = max(float((run(x) - y).abs().max()) for x, y in zip(samples, expected, strict=True))
        if not difference <= TOLERANCE:
            raise ConfigError(
                f"{out}: not written, the exported model's probabilities differ by {difference:.2g} from PyTorch's"
            )
        with writing(out):
            put(temporary, out)
    finally:
        temporary.unlink(missing_ok=True)
    return difference


def _save_program(
    program: torch.export.ExportedProgram, path: Path, meta: dict[str, str]
) -> Callable[[Tensor], Tensor]:
    content = io.BytesIO()  # torch's own writer ends the process where the disk is full
    torch.export.save(program, content, extra_files={f"{name}.json": value for name, value in meta.items()})
    path.write_bytes(content.getbuffer())
    return torch.export.load(path).module()


def _save_onnx(program: torch.export.ExportedProgram, path: Path, meta: dict[str, str]) -> Callable[[Tensor], Tensor]:
    try:
        import onnxruntime
        import onnxscript  # noqa: F401  torch needs it
    except ImportError as error:
        raise ConfigError(f"{error.name}: not installed; pip install 'mmhsi[export]'") from error
    made = torch.onnx.export(program, input_names=["values"], output_names=["probabilities"], verbose=False)
    if made is None:
        raise ConfigError("the installed torch exports no ONNX program")
    made.model.metadata_props.update(meta)
    made.save(path, external_data=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda x: torch.from_numpy(session.run(None, {"values": x.numpy()})[0])
