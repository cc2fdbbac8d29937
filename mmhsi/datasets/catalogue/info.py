"""What is recorded about a public data set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from mmhsi.errors import ConfigError, one_line
from mmhsi.io import CubeOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RGB = tuple[int, int, int]
Form = Literal["scene", "two-source scene", "big scene", "tiles", "corpus"]


@dataclass(frozen=True)
class ArchiveMember:
    """A file that an archive brings.

    Attributes:
        name: Where it lies after extraction, relative to the archive's own folder.
        sha256: Published checksum, None if there is none.
    """

    name: str
    sha256: str | None = None


@dataclass(frozen=True)
class RemoteFile:
    """A file as its publisher offers it.

    Attributes:
        name: Where it is put, relative to the data root. An archive is extracted into the folder that holds it.
        url: Where it is to be had without an account or a form; None if nowhere.
        md5: Published checksum, None if there is none.
        sha256: Likewise.
        size: Published size in bytes, None if there is none.
        members: Files that an archive brings; empty for a plain file.
    """

    name: str
    url: str | None = None
    md5: str | None = None
    sha256: str | None = None
    size: int | None = None
    members: tuple[ArchiveMember, ...] = ()


@dataclass(frozen=True)
class TileSubset:
    """One part of a set of tiles; the keys are those of :class:`mmhsi.datasets.TileDataset`.

    Attributes:
        name: Such as ``'train'``.
        split_file: csv with columns ``image`` and ``mask``; beside ``image_dir`` a plain list, one file name a line.
        image_dir: Folder of the images: of those that ``split_file`` lists, or of all.
        label_dir: Folder of the label maps, of their images' names.
        tiles: Number of tiles as published, None if unknown.
        suffix: File suffix in ``image_dir``, which may begin with folders, as ``'/*.tif'``.
        listed_as: What the names in a plain list end with in place of ``suffix``; None where they are the files' own.
    """

    name: str
    split_file: str | None = None
    image_dir: str | None = None
    label_dir: str | None = None
    tiles: int | None = None
    suffix: str = ".tif"
    listed_as: str | None = None


@dataclass(frozen=True)
class CorpusScene:
    """One unlabelled scene of a corpus.

    Attributes:
        image: Cube's file, relative to the data root.
        shape: (H, W, C).
    """

    image: str
    shape: tuple[int, int, int]


@dataclass(frozen=True)
class SceneInfo:
    """What is public about a data set. Facts that could not be confirmed are None, or named in ``caveat``.

    Attributes:
        title: Name as the literature writes it.
        image: Cube's file, relative to the data root; the set's folder for tiles and corpora.
        image_key: Variable of a ``.mat`` or HDF5 file, None elsewhere.
        image_axes: Its axes where the file does not name them, such as ``"y x band"``.
        image_options: How the cube is opened beside that, such as ``dict(mask=("cloud",))``
            (:class:`mmhsi.io.CubeOptions`).
        labels: Label map's file, or a vector file of points, lines and polygons (GeoPackage, shapefile, FlatGeobuf,
            GeoJSON, CSV of points); None if there is none.
        labels_key: Its variable.
        labels_axes: Its axes.
        label_field: Of a vector file: field of the classes, names or ids.
        label_layer: Its layer, where it has several.
        label_touched: Whether its polygons hold every pixel that they touch, not those alone whose centres they hold.
        values: File of values to be predicted: a float raster of a band a target, or a vector file of points, lines and
            polygons with a field of numbers a target; None if there is none.
        values_key: Its variable.
        values_axes: Its axes.
        targets: Names of the values: the fields of a vector file, the bands of a raster in their order.
        units: Their units, as UDUNITS spells them, such as ``"%"`` or ``"g/kg"``; left out, pure numbers.
        classes: Class names; of a vector file those that occur may be left unsaid.
        label_ids: Id of each class in the label map.
        ignore_ids: Ids that mean "no label".
        ignore_others: Whether ids that neither list names mean "no label" too.
        same_ids: Further ids that mean a class, each with that class's own: (id, id of the class).
        palette: Colour of each class, (red, green, blue) from 0 to 255 or ``"#rrggbb"``, in their order or by their
            names; None for the default palette.
        shape: (H, W, C) as published, of each tile for tiles; None if it may vary.
        wavelengths: Centres of the file's bands in nm where the file does not carry them.
        wavelengths_nominal: Whether they only spread the sensor's published range evenly.
        rgb_bands: 0-based bands for a false-colour picture where wavelengths are unknown.
        citation: Where it comes from.
        form: How the data lie on disk.
        sensor: Instrument.
        bad_bands: 0-based bands of the file as published that hold no usable measurement.
        value_scale: What the stored values are divided by to give reflectance, None if unknown or not reflectance.
        label_scale: Label pixels per cube pixel along each axis.
        label_majority: With ``label_scale`` above 1: a block of label_scale² label pixels gives its most frequent
            id to the cube's pixel if that id has at least this many of them and is a class; else none.
        label_threshold: Where the label map holds abundances, one band a class: least abundance of the largest one
            that gives the pixel its class, numbered from 1; pixels below it have no label. None for class numbers.
        min_class_pixels: Classes with fewer pixels on the cube's grid are dropped.
        second_image: File of a second, co-registered source; may be that of the cube.
        second_key: Its variable.
        second_axes: Its axes.
        second_shape: Its (H, W, C).
        second_scale: Its pixels per cube pixel along each axis.
        split_files: Files of the published split, relative to the data root.
        split_rule: How training and test data are told apart where a rule is published.
        subsets: Parts of a set of tiles.
        corpus: Scenes of a corpus.
        files: What is to be fetched; empty where there are too many files to list.
        license: Terms as the publisher states them; empty if not found.
        homepage: Publisher's page.
        obtain: How to get the files where they cannot be fetched.
        caveat: What a user should know, and what could not be confirmed.
    """

    title: str
    image: str
    image_key: str | None = None
    labels: str | None = None
    labels_key: str | None = None
    classes: tuple[str, ...] = ()
    label_ids: tuple[int, ...] = ()
    ignore_ids: tuple[int, ...] = (0,)
    ignore_others: bool = False
    same_ids: tuple[tuple[int, int], ...] = ()
    palette: Sequence[Sequence[int] | str] | Mapping[str, Sequence[int] | str] | None = None
    shape: tuple[int, int, int] | None = None
    wavelengths: tuple[float, ...] | None = None
    wavelengths_nominal: bool = False
    rgb_bands: RGB | None = None
    citation: str = ""
    form: Form = "scene"
    sensor: str = ""
    bad_bands: tuple[int, ...] = ()
    value_scale: float | None = None
    label_scale: int = 1
    label_majority: int | None = None
    min_class_pixels: int = 0
    second_image: str | None = None
    second_key: str | None = None
    second_shape: tuple[int, int, int] | None = None
    second_scale: int = 1
    split_files: tuple[str, ...] = ()
    split_rule: str = ""
    image_axes: str | None = None
    label_threshold: float | None = None
    image_options: CubeOptions = field(default_factory=CubeOptions)
    labels_axes: str | None = None
    label_field: str = "class"
    label_layer: str | None = None
    label_touched: bool = False
    values: str | None = None
    values_key: str | None = None
    values_axes: str | None = None
    targets: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    second_axes: str | None = None
    subsets: tuple[TileSubset, ...] = ()
    corpus: tuple[CorpusScene, ...] = ()
    files: tuple[RemoteFile, ...] = ()
    license: str = ""
    homepage: str = ""
    obtain: str = ""
    caveat: str = ""

    def __post_init__(self) -> None:
        """Names are printed, and put into files that others print."""
        if isinstance(self.title, str):
            object.__setattr__(self, "title", one_line(self.title))
        if isinstance(self.classes, list | tuple):
            names = tuple(one_line(name) if isinstance(name, str) else name for name in self.classes)
            object.__setattr__(self, "classes", names)
            if any(names.count(name) > 1 or not str(name).strip() for name in names):  # reports go by names
                raise ConfigError(f"{self.title}: classes={list(names)[:20]}; each class needs a name of its own")
