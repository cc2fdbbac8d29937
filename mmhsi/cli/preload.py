"""What every run of a table imports: for the process that the runs are forked from."""

from .console import show_own_warnings

show_own_warnings()

from mmhsi import datasets, engine, evaluation, models, visualization  # noqa: E402, F401
