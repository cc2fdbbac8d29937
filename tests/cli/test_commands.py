"""The commands: grouped, each with an example that parses, and documented as they are."""

import shlex
import subprocess
import sys

import pytest
from scripts import load_script

from mmhsi.cli.commands import find_tools, grouped, overview, parser_of

TOOLS = sorted(find_tools())


@pytest.mark.parametrize("name", TOOLS)
def test_the_example_of_a_command_parses(name):
    parser, _ = parser_of(name)
    example = (parser.epilog or "").partition("\n")[2].strip()
    words = shlex.split(example.removeprefix('eval "$(').removesuffix(')"'))
    assert words[:2] == ["mmhsi", name]
    _, args = parser_of(name, words[2:])
    assert args is not None


@pytest.mark.parametrize("name", TOOLS)
def test_one_name_for_one_thing(name):
    """Old spellings and synonyms of the options that several commands share."""
    parser, _ = parser_of(name)
    options = {string for action in parser._actions for string in action.option_strings}
    assert not options & {
        "--output",
        "--confusion",
        "--field",
        "--classes-key",
        "--label-map",
        "--gpu",
        "--random-state",
    }
    assert {"--debug", "--verbose"} <= options
    assert "out" not in {action.dest for action in parser._actions if not action.option_strings}


def test_every_command_is_in_the_overview_once_with_what_it_does():
    lines = overview().splitlines()
    for name in TOOLS:
        (line,) = (line for line in lines if line.split()[:1] == [name])
        assert len(line.split()) > 3
    assert sorted(name for names in grouped(find_tools()).values() for name in names) == TOOLS


@pytest.mark.parametrize("page", ["how_it_works.md", "datasets.md"])
def test_the_documentation_has_the_tables_of_commands_and_data(repository, page):
    written = load_script("docs/write_tables.py").written(page)
    assert (repository / "docs" / page).read_text() == written, "run: python docs/write_tables.py"


def test_a_wrong_option_is_refused():
    with pytest.raises(SystemExit):
        parser_of("test", ["config.py", "weights.pth", "--nonsense"])


@pytest.mark.skipif(sys.platform == "win32", reason="there is no bash")
def test_bash_completes_commands_and_options(run_tool, capsys, tmp_path):
    assert run_tool("completion", "bash") == 0
    script = tmp_path / "completion.sh"
    script.write_text(capsys.readouterr().out)
    asked = f'''source {script}
        COMP_WORDS=(mmhsi pred); COMP_CWORD=1; _mmhsi; echo "${{COMPREPLY[*]}}"
        COMP_WORDS=(mmhsi predict --unc); COMP_CWORD=2; _mmhsi; echo "${{COMPREPLY[*]}}"'''
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["predict", "--uncertainty"]
