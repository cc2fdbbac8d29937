"""Splits: which labelled pixels of a scene, or which tiles of a list, train and which test."""

from .disjoint import DisjointSplit
from .few_shot import FewShotSplit
from .fraction import FractionSplit
from .leakage import assert_disjoint, leakage, leaking
from .maps import MapSplit
from .pairs import PairSplit
from .published import PublishedSplit
from .split import Split, SplitRule, apply_split, check_split
from .split_file import FileSplit, save_split
from .tiles import TileSplit, split_tiles

__all__ = [
    "DisjointSplit",
    "FewShotSplit",
    "FileSplit",
    "FractionSplit",
    "MapSplit",
    "PairSplit",
    "PublishedSplit",
    "Split",
    "SplitRule",
    "TileSplit",
    "apply_split",
    "assert_disjoint",
    "check_split",
    "leakage",
    "leaking",
    "save_split",
    "split_tiles",
]
