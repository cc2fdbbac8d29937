"""The recipes of environments name files and extras that exist."""

import re

import yaml

from mmhsi.cli.commands import find_tools


def test_conda_environment(repository):
    recipe = yaml.safe_load((repository / "conda/environment.yml").read_text())
    assert recipe["channels"] == ["conda-forge"]
    python, pip, words = recipe["dependencies"]
    assert pip == "pip"
    assert f"Python :: {python.partition('=')[2].split('.')[0]}" in (repository / "setup.py").read_text()
    for word in words["pip"]:
        flag, path = word.split()
        assert flag in ("-c", "-e")
        assert (repository / "conda" / path).exists()


def test_docker_image(repository):
    text = (repository / "docker/Dockerfile").read_text()
    (constraints, extras) = re.search(r"pip install .*-c (\S+) -e '\.\[(.+)\]'", text).groups()
    assert (repository / constraints).is_file()
    assert all((repository / f"requirements/{extra}.txt").is_file() for extra in extras.split(","))
    (command,) = re.findall(r'^CMD \["mmhsi", "(.+?)"', text, re.M)
    assert command in find_tools()
    ignored = (repository / ".dockerignore").read_text().split()
    assert not {"mmhsi", "configs", "tools", "requirements", "setup.py"} & set(ignored)
