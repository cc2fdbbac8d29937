"""What every run of a table imports: for the process that the runs are forked from."""

from .command import quiet_imports

quiet_imports()

from mmhsi import datasets, engine, evaluation, models, visualization  # noqa: E402, F401
