"""Splits: which labelled pixels of a scene, or which tiles of a list, train and which test."""

from .disjoint import DisjointSplit
from .few_shot import FewShotSplit
from .fraction import FractionSplit
from .leakage import assert_disjoint, leakage, leaking
from .maps import MapSplit
from .pairs import PairSplit
from .polygon_folds import PolygonFoldSplit
from .polygons import on_both_sides, polygons_of
from .published import PublishedSplit
from .split import PolygonRule, Split, SplitRule, apply_split, check_split
from .split_file import FileSplit, save_split
from .tiles import TileSplit, split_tiles

__all__ = [
    "DisjointSplit",
    "FewShotSplit",
    "FileSplit",
    "FractionSplit",
    "MapSplit",
    "PairSplit",
    "PolygonFoldSplit",
    "PolygonRule",
    "PublishedSplit",
    "Split",
    "SplitRule",
    "TileSplit",
    "apply_split",
    "assert_disjoint",
    "check_split",
    "leakage",
    "leaking",
    "on_both_sides",
    "polygons_of",
    "save_split",
    "split_tiles",
]
