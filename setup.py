"""Packaging metadata of mmhsi; tool settings and the build backend stand in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent


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


setup(
    name="mmhsi",
    version=version(),
    description="Hyperspectral imagery for OpenMMLab: backbones, self-supervised pretraining, segmentation, maps",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=find_packages(include=["mmhsi", "mmhsi.*"]),
    package_data={
        "mmhsi": [
            "py.typed",
            "datasets/splits/published.json",
            *(f".mim/{pattern}" for pattern in ("model-index.yml", "configs/**/*.*", "tools/**/*.*")),
        ]
    },
    exclude_package_data={"mmhsi": [".mim/**/*.pyc"]},
    entry_points={"console_scripts": ["mmhsi = mmhsi.__main__:main"]},
    python_requires=">=3.10",
    install_requires=requirements("runtime"),
    extras_require={name: requirements(name) for name in ("export", "mask2former", "tests", "docs", "tracking", "dev")},
    classifiers=[
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: GIS",
        "Topic :: Scientific/Engineering :: Image Recognition",
    ],
)
