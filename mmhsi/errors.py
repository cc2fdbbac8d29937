"""Errors that a user can mend: each is one actionable line.

The tools print the message alone and exit with status 2; with ``--debug`` they show the traceback.
"""


def one_line(text: str) -> str:
    """Text on one line that a terminal can show, whatever a file's name or content has put into it.

    Args:
        text: Any text.
    """
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def counted(number: int, one: str, many: str = "") -> str:
    """A number and what it counts, such as ``'1 band'``.

    Args:
        number: 0 or more.
        one: What it is.
        many: What several are. Default: ``one`` with an s.

    Example:
        >>> counted(1, "class", "classes"), counted(2000, "step")
        ('1 class', '2,000 steps')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


class MMHSIError(Exception):
    """Base of everything that mmhsi raises on bad input."""

    def __str__(self) -> str:
        """The message, on one line."""
        return one_line(super().__str__())


class ConfigError(MMHSIError):
    """A config key has a value that cannot work."""


class DataError(MMHSIError):
    """A file can be read, but its content is not what was declared or needed."""


class FileFormatError(DataError):
    """A file is missing, damaged, or of a format that mmhsi does not read."""


class TrainingError(MMHSIError):
    """A run cannot go on, though its config and files could be read."""


class DataWarning(UserWarning):
    """A file can be used, but what it says of itself was doubtful, and how it was understood."""
