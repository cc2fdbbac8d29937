"""Print what lets a shell complete the commands and their options."""

from mmhsi.cli.command import run, tool_parser

SCRIPT = """\
_mmhsi() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" options=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{tools}" -- "$word")); return
  fi
  case "${{COMP_WORDS[1]}}" in
{cases}
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word"));;
    *) COMPREPLY=($(compgen -f -- "$word"));;
  esac
}}
complete -o filenames -F _mmhsi mmhsi"""


def main() -> None:
    """Ask every command for its options, and write the shell's function."""
    parser = tool_parser(__doc__, 'eval "$(mmhsi completion bash)"')
    parser.add_argument("shell", choices=["bash", "zsh"], help="yours; the line belongs into ~/.bashrc or ~/.zshrc")
    args = parser.parse_args()
    from mmhsi.cli.commands import find_tools, parser_of

    tools = [name for name in find_tools() if name != "completion"]
    cases = []
    for name in tools:
        found, _ = parser_of(name)
        options = [string for action in found._actions for string in action.option_strings if string[:2] == "--"]
        cases.append(f'    {name}) options="{" ".join(options)}";;')
    if args.shell == "zsh":
        print("autoload -U +X bashcompinit && bashcompinit")
    print(SCRIPT.format(tools=" ".join(find_tools()), cases="\n".join(cases)))


if __name__ == "__main__":
    run(main)
