"""Checkpoints."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from evil import Evil
from fuzz.case import Case
from fuzz.entries import MODEL_META, write_model
from fuzz.files import cut, damaged

if TYPE_CHECKING:
    from collections.abc import Callable


def checkpoint(name: str, edit: Callable[[Path], object], refused: bool | None = True, **options: object) -> Case:
    """A valid checkpoint that is then damaged."""
    build = damaged(lambda folder: write_model(folder / "hostile.pth"), edit)
    return Case(f"checkpoint: {name}", build, refused, ("predict_checkpoint",), **options)


def content(name: str, change: Callable[[dict], object], refused: bool | None = True, **options: object) -> Case:
    """A checkpoint that holds something else; what `change` gives, if anything, takes its place."""

    def edit(path: Path) -> None:
        whole = torch.load(path, weights_only=True)
        instead = change(whole)
        torch.save(whole if instead is None else instead, path)

    return checkpoint(name, edit, refused, **options)


def meta(name: str, refused: bool | None = True, megabytes: int = 192, **values: object) -> Case:
    """A checkpoint whose facts about the data are wrong; None drops one."""
    facts = {key: value for key, value in {**MODEL_META, **values}.items() if value is not None}
    return content(name, lambda whole: whole["meta"].update(dataset_meta=facts), refused, megabytes=megabytes)


def bomb(path: Path) -> None:
    """Every tensor's bytes packed and 256 MB longer."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            with archive.open(name, "w") as member:
                member.write(data)
                for _ in range(256 if "/data/0" in name else 0):
                    member.write(bytes(1 << 20))


def _fill(whole: dict, value: float) -> None:
    for tensor in whole["state_dict"].values():
        if tensor.is_floating_point():
            tensor.fill_(value)


PCA = ("mean", "components", "explained_variance", "explained_variance_ratio")
CASES = [
    checkpoint("valid", lambda path: None, False),
    *[
        checkpoint(f"cut after {share} of 4", lambda path, share=share: cut(path, path.stat().st_size * share // 4))
        for share in (0, 1, 3)
    ],
    checkpoint("a pickle that runs code", lambda path: path.write_bytes(pickle.dumps(Evil(Path("/tmp/unpickled"))))),
    checkpoint("an empty archive", lambda path: zipfile.ZipFile(path, "w").close()),
    checkpoint("packed, unpacks to 256 MB", bomb),
    content("a list", lambda whole: [1, 2]),
    content("a tensor", lambda whole: torch.zeros(3)),
    content("an empty dict", lambda whole: dict(state_dict={})),
    content(
        "weights that are words", lambda whole: whole["state_dict"].update(dict.fromkeys(whole["state_dict"], "a"))
    ),
    content("weights in a list", lambda whole: whole.update(state_dict=[1])),
    content("names that are numbers", lambda whole: whole["state_dict"].update({5: torch.zeros(1)})),
    content(
        "weights of another shape", lambda whole: whole["state_dict"].update({"backbone.conv.weight": torch.zeros(3)})
    ),
    content(
        "a weight of 4 TB that is one number repeated",
        lambda whole: whole["state_dict"].update({"backbone.conv.weight": torch.zeros(1).expand(10**6, 10**6)}),
    ),
    content("complex weights", lambda whole: whole["state_dict"].update({"head.fc.bias": torch.zeros(3) * 1j}), None),
    content("NaN in the weights", lambda whole: _fill(whole, float("nan")), None),
    content("meta is a list", lambda whole: whole.update(meta=[1])),
    content("meta is nothing", lambda whole: whole.update(meta=None)),
    content("facts are a word", lambda whole: whole["meta"].update(dataset_meta="abc")),
    meta("classes are a number", classes=5),
    meta("classes are numbers", None, classes=[1, 2, 3]),
    meta("fewer classes than weights", classes=["a"], label_ids=[1]),
    meta("a class name of two lines", None, classes=["a\nb", "c", "d"]),
    meta("no bands", bands=None),
    meta("bands are a word", bands="all"),
    meta("band 99", bands=[0, 1, 2, 99]),
    meta("a band too few", bands=[0, 1, 2], wavelengths=[450.0, 550.0, 650.0], num_bands=3),
    meta("a newer version", input_spec=99),
    meta("an unknown fact", colour="red"),
    meta("no count of bands", file_bands=None),
    meta("window of words", window=["a", "b"]),
    meta("window 0", window=[0, 0]),
    meta("window of 10^6", megabytes=1200, window=[10**6, 10**6]),
    meta("no window", window=None),
    meta("colours of words", palette=["red", "green", "blue"]),
    meta("a colour too few", palette=[[0, 0, 0]]),
    meta("wavelengths of words", None, wavelengths=["a"] * 4),
    meta("transforms that do not exist", transforms=[dict(type="Nonsense")]),
    meta("transforms without arguments", transforms=[dict(type="BandResample")]),
    meta("transforms of words", transforms="abc"),
    meta("transforms that name a function", transforms=[dict(type="os.mkdir", path="ran")]),
    meta("a PCA of words", transforms=[dict(type="PCAProject", model=dict(mean="abc"))]),
    meta("a PCA without shape", transforms=[dict(type="PCAProject", model=dict.fromkeys(PCA, 1.0))]),
]
