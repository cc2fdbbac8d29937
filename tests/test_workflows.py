"""What continuous integration runs are the Makefile's targets, here and on other systems."""

import re

import pytest
import yaml


@pytest.mark.parametrize("path", [".ci/run", ".github/workflows/ci.yml"])
def test_every_target_is_there(repository, path):
    text = (repository / path).read_text()
    targets = set(re.findall(r"^(\w+):", (repository / "Makefile").read_text(), re.MULTILINE))
    called = set(re.findall(r"\bmake (\w+)", text))
    assert called
    assert called <= targets


def test_both_check_the_same(repository):
    jobs = yaml.safe_load((repository / ".github/workflows/ci.yml").read_text())["jobs"]
    commands = [step.get("run", "") for job in jobs.values() for step in job["steps"]]
    called = {word for command in commands for word in re.findall(r"^make (\w+)", command)}
    assert called == {"lint", "unit", "slow", "docs"}  # test is lint and unit
    makefile = (repository / "Makefile").read_text()
    assert "\ntest: lint unit\n" in makefile
    pythons = [entry["python"] for entry in jobs["tests"]["strategy"]["matrix"]["include"]]
    assert pythons == ["3.10", "3.11", "3.12", "3.13"]
    for folder in re.findall(r"tests/\w+", jobs["windows"]["steps"][-1]["run"]):
        assert (repository / folder).is_dir()
