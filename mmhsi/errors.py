"""Errors that users can mend, each one actionable line.

Every class takes one message string, so that mmengine's registries can re-raise it with their own prefix. The tools
print the message and exit with status 2; ``--debug`` shows the traceback.
"""


class MMHSIError(Exception):
    """Base of everything that mmhsi raises on bad input."""


class ConfigError(MMHSIError):
    """A config key has a value that cannot work."""


class DataError(MMHSIError):
    """A file can be read, but its content is not what was declared or needed."""


class FileFormatError(DataError):
    """A file is missing, damaged, or of a format that mmhsi does not read."""
