"""Products of sensors, one sensor a file: which container, which variables, which tags."""

from mmhsi.io.products import (  # noqa: F401, they register themselves
    aviris,
    desis,
    emit,
    enmap,
    gaofen5,
    hyperion,
    neon,
    pace,
    prisma,
    tanager,
)
from mmhsi.io.products.base import Detector, Hdf5Product, Layer, Product, ProductCube, register_product
from mmhsi.io.products.finding import find_product, open_product
from mmhsi.io.products.hdf5 import Content, DataSet
from mmhsi.io.products.reader import ProductReader

__all__ = [
    "Content",
    "DataSet",
    "Detector",
    "Hdf5Product",
    "Layer",
    "Product",
    "ProductCube",
    "ProductReader",
    "find_product",
    "open_product",
    "register_product",
]
