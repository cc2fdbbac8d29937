"""Packaging metadata of mmhsi; tool settings and the build backend stand in pyproject.toml."""

import os
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
CARRIED = ("configs", "tools", "model-index.yml")


def version() -> str:
    """Read the version without importing the package."""
    scope: dict[str, str] = {}
    exec((HERE / "mmhsi" / "version.py").read_text(), scope)
    return scope["__version__"]


def requirements(name: str) -> list[str]:
    """Read requirements/NAME.txt, following ``-r``."""
    found: list[str] = []
    for line in (HERE / "requirements" / f"{name}.txt").read_text().splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("-r "):
            found += requirements(Path(line[3:].strip()).stem)
        elif line:
            found.append(line)
    return found


class BuildWithMim(build_py):
    """Puts :data:`CARRIED` into ``mmhsi/.mim``, where mmengine looks: copies in a wheel, links if editable."""

    def run(self) -> None:
        """Build the package, then its ``.mim``."""
        super().run()
        mim = (HERE if self.editable_mode else Path(self.build_lib)) / "mmhsi" / ".mim"
        mim.mkdir(parents=True, exist_ok=True)
        for name in CARRIED:
            remove(mim / name)
            if self.editable_mode:
                link(HERE / name, mim / name)
            elif (HERE / name).is_dir():
                shutil.copytree(HERE / name, mim / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(HERE / name, mim / name)


def link(target: Path, path: Path) -> None:
    """Link to a file or folder; without the right to, as is usual on Windows, by what needs none there."""
    try:
        path.symlink_to(os.path.relpath(target, path.parent), target_is_directory=target.is_dir())
    except OSError:
        if target.is_dir():
            from _winapi import CreateJunction

            CreateJunction(str(target), str(path))
        else:
            os.link(target, path)


def remove(path: Path) -> None:
    """Remove what an earlier build left; of a link never what it leads to."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        try:
            path.rmdir()  # a junction
        except OSError:
            shutil.rmtree(path)


setup(
    name="mmhsi",
    version=version(),
    description="Hyperspectral imagery for OpenMMLab: backbones, self-supervised pretraining, segmentation, maps",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=find_packages(include=["mmhsi", "mmhsi.*"]),
    package_data={
        "mmhsi": ["py.typed"],
        "mmhsi.datasets.splits": ["published.json"],
        "mmhsi.models.weights": ["carried/*.pth"],
        "mmhsi.estimator": ["templates/*.j2"],
        "mmhsi.visualization": ["templates/*.j2", "templates/*.js"],
    },
    cmdclass={"build_py": BuildWithMim},
    entry_points={"console_scripts": ["mmhsi = mmhsi.__main__:main"]},
    python_requires=">=3.10",
    install_requires=requirements("runtime"),
    extras_require={
        name: requirements(name)
        for name in (
            *("arrays", "zarr", "parquet", "dask", "export", "hub", "lora", "mask2former"),
            *("tests", "docs", "tracking", "dev"),
        )
    },
    classifiers=[
        "Intended Audience :: Science/Research",
        *(f"Programming Language :: Python :: 3.{minor}" for minor in (10, 11, 12, 13)),
        "Topic :: Scientific/Engineering :: GIS",
        "Topic :: Scientific/Engineering :: Image Recognition",
    ],
)
