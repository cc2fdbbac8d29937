"""Channels of a pixel's surroundings in place of its bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.arguments import check_sizes
from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import CHANNELS, TRANSFORMS

from ..channels import Basis, ChannelGroup, Views
from .common import BAND_KEYS, CubeTransform, source, valid_mask
from .keeping import Kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import ArrayLike, NDArray

WITH_SECOND = ("emp", "ms", "nemp", "texture", "words")
WITHOUT_SECOND = ("spectra", "emp", "ms", "nemp", "words")
BUDGET = 1 << 28
"""Bytes that one band of rows may take on the way."""
FITTED_ROWS = 64
"""Rows at a time that families are fitted to."""

SceneParts = tuple["NDArray", "NDArray[np.bool_]", "NDArray | None", int]
"""Image (H, W, C), pixels that hold data (H, W), second source (H · s, W · s, C2) or None, and s."""


@TRANSFORMS.register_module()
class SceneChannels(CubeTransform):
    """Replace the bands by channels of a pixel's surroundings: families of :mod:`mmhsi.datasets.channels`.

    Scaling, principal components and words are fitted once, to a whole scene or to tiles, without labels (:meth:`fit`,
    which :class:`mmhsi.datasets.SceneDataset` and :class:`mmhsi.datasets.TileDataset` call), and kept with the model.
    The channels are then made in bands of rows with a margin: memory stays bounded, and every pixel gets what it would
    of the whole scene. The border of a tile is as that of a scene.

    Required keys: ``img`` (H, W, C), ``valid`` (H, W); where it was fitted with a second source, ``second`` (H · s,
    W · s, C2) and ``second_scale`` s.

    Modified keys: ``img`` (H, W, F) float32; ``wavelengths`` and ``fwhm`` become None; ``second`` is removed.

    Args:
        groups: Short names or configs of families in ``mmhsi.registry.CHANNELS``. Default: ``emp``, ``ms``, ``nemp``,
            ``texture``, ``words`` with a second source; ``spectra``, ``emp``, ``ms``, ``nemp``, ``words`` without one.
        local: Whether a channel sees nothing outside ``window``: filters are cut, which costs context. Scaling,
            components and words are those of the whole scene all the same. Default False.
        window: Side of the window in pixels, odd, for ``local``. Default 9.
        components: Principal components that families may ask for. Default 6.
        basis: Fitted scaling and components, as :class:`mmhsi.datasets.channels.Basis` or its arrays by name. None
            (default): not fitted yet.
        scale: Fitted: pixels of the second source per pixel of the first along each axis.
        cache_mb: Megabytes of tiles' channels that a process keeps for the next epoch, the first ones that it makes.
            Default 0: none. Files must not change meanwhile.

    Raises:
        ConfigError: If a family is unknown or its arguments cannot work, ``window`` is even, ``components`` or
            ``scale`` is less than 1, ``cache_mb`` is negative, or one is of another type.
        FileFormatError: If ``basis`` is no fitted one.
    """

    scope = "neighborhood"

    def __init__(
        self,
        groups: Sequence[str | dict] | None = None,
        local: bool = False,
        window: int = 9,
        components: int = 6,
        basis: Basis | Mapping[str, ArrayLike] | None = None,
        scale: int = 1,
        cache_mb: float = 0,
    ) -> None:
        if type(window) is not int or window < 1 or window % 2 == 0:
            raise ConfigError(f"SceneChannels: window={window!r} given, expected an odd number of pixels")
        check_sizes("SceneChannels", components=components, scale=scale)
        if type(local) is not bool:
            raise ConfigError(f"SceneChannels: local={local!r} given, expected True or False")
        if basis is not None and not isinstance(basis, Basis | Mapping):
            raise ConfigError(f"SceneChannels: basis is a {type(basis).__name__}, expected the arrays of a fitted one")
        self.groups = groups
        self.local = local
        self.window = window
        self.components = components
        self.basis = Basis.of(basis, "SceneChannels") if isinstance(basis, Mapping) else basis
        self.scale = scale
        self.cache_mb = cache_mb
        self._kept: Kept[NDArray[np.float32]] = Kept("SceneChannels", cache_mb)
        self.families = None if groups is None else _build(groups)

    @property
    def takes_second(self) -> bool:
        """Whether it was fitted with a second source, which it then asks for and consumes."""
        return self.basis is not None and len(self.basis.second_mean) > 0

    @property
    def limit(self) -> int | None:
        """Pixels that a channel may see in every direction; None for any."""
        return self.window // 2 if self.local else None

    @property
    def margin(self) -> int:
        """Pixels that a channel depends on in every direction."""
        reach = max((family.reach(self.scale) for family in self.families or ()), default=0)
        return reach if self.limit is None else min(reach, self.limit)

    def fit(self, scenes: Iterable[SceneParts]) -> None:
        """Fit what has to be, to whole scenes without labels; a fitted transform stays as it is.

        Args:
            scenes: One scene, or tiles, of which one at a time is held; the second source for all or for none. Gone
                through more than once.

        Raises:
            ConfigError: If a family needs a second source and there is none.
            DataError: If no pixel holds data, one that should is NaN or infinite, or the scenes' second sources
                differ in bands or scale, or do not cover the images.
        """
        if self.basis is not None:
            return
        self.basis = Basis.fit(_of_one_kind(scenes), self.components, self.components)
        self.scale = next(iter(scenes))[3]
        if self.families is None:
            self.families = _build(WITH_SECOND if self.takes_second else WITHOUT_SECOND)
        for family in self.families:
            if family.needs_second and not self.takes_second:
                raise ConfigError(
                    f"SceneChannels: {type(family).__name__} is made of a second source; give other groups, or a "
                    "SceneDataset with use_second=True (tiles have no second source)"
                )
            family.fit(self._pieces(scenes))

    def _pieces(self, scenes: Iterable[SceneParts]) -> Iterator[Views]:
        """All rows of scenes, some at a time."""
        for image, valid, second, s in scenes:
            for first in range(0, len(image), FITTED_ROWS):
                rows = slice(first, first + FITTED_ROWS)
                finer = None if second is None else second[first * s : (first + FITTED_ROWS) * s]
                yield self._views(image[rows], valid[rows], finer)

    def fitted(self, arguments: dict) -> dict:
        """Give families and scaling with their fitted state; arguments as for :meth:`CubeTransform.fitted`."""
        if self.basis is None or self.families is None:
            return arguments
        return dict(
            groups=[dict(type=type(family).__name__, **family.arguments()) for family in self.families],
            local=self.local,
            window=self.window,
            components=self.components,
            basis=self.basis.lists(),
            scale=self.scale,
        )

    def transform(self, results: dict) -> dict:
        """Make the channels.

        Raises:
            ConfigError: If it was never fitted.
            DataError: If the image or its second source has other bands or another scale than those of the fit.
        """
        image, valid, second = results["img"], valid_mask(results), results.pop("second", None)
        scale = results.pop("second_scale", self.scale)
        self._check(results, image, second, scale)
        results["img"] = self._channels(results, image, valid, second)
        for key in BAND_KEYS:
            if key in results:
                results[key] = None
        return results

    def _channels(
        self, results: dict, image: NDArray, valid: NDArray[np.bool_], second: NDArray | None
    ) -> NDArray[np.float32]:
        """Channels of the image; of a tile, those that are kept."""
        place = tuple(results.get(key) for key in ("img_path", "img_key", "window", "turns"))
        is_tile = "file_shape" in results  # LoadCube has read it; a part of a scene has its file's name alone
        made = self._kept.get(place) if is_tile else None
        if made is None:
            made = np.concatenate(list(self._bands_of_rows(image, valid, second)))
            if not is_tile or not self._kept.offer(place, made, made.nbytes):
                return made
        return made.copy()  # what follows may write into it

    def _check(self, results: dict, image: NDArray, second: NDArray | None, scale: int) -> None:
        if self.basis is None:
            raise ConfigError(
                "SceneChannels: not fitted; SceneDataset and TileDataset fit it to their data, elsewhere give basis"
            )
        bands = len(self.basis.mean)
        if image.shape[2] != bands:
            raise DataError(f"{source(results)}: has {image.shape[2]} bands, SceneChannels was fitted on {bands}")
        if not self.takes_second:
            return
        given = "none" if second is None else f"one of {second.shape[2]} bands at scale {scale}"
        wanted = f"one of {len(self.basis.second_mean)} bands at scale {self.scale}"
        if given != wanted:
            raise DataError(
                f"{source(results)}: SceneChannels was fitted with a second source, {wanted}; given {given}"
            )

    def _bands_of_rows(
        self, image: NDArray, valid: NDArray[np.bool_], second: NDArray | None
    ) -> Iterator[NDArray[np.float32]]:
        """Channels of the scene, from top to bottom."""
        (height, width, bands), s = image.shape, self.scale
        fine = 0 if second is None else 24 * s * s  # float32 values a pixel on the way
        per_row = 4 * width * (2 * bands + 512 + fine)
        margin = self.margin
        step = max(2 * margin, BUDGET // per_row - 2 * margin, 1)
        for first in range(0, height, step):
            last = min(first + step, height)
            low, high = max(0, first - margin), min(height, last + margin)
            finer = None if second is None else second[low * s : high * s]
            views = self._views(image[low:high], valid[low:high], finer)
            made = np.concatenate([family(views) for family in self.families or ()], axis=2)
            yield made[first - low : last - low]

    def _views(self, image: NDArray, valid: NDArray[np.bool_], second: NDArray | None) -> Views:
        assert self.basis is not None
        return self.basis.views(image, valid, second, self.scale, self.limit)


def _of_one_kind(scenes: Iterable[SceneParts]) -> Iterator[SceneParts]:
    """The same scenes, which must all have the same kind of second source, or none."""
    first = None
    for image, valid, second, scale in scenes:
        kind = (0, 1) if second is None else (second.shape[2], scale)
        first = first or kind
        if kind != first:
            raise DataError(f"SceneChannels: second sources of (bands, scale) {first} and {kind}; expected one kind")
        if second is not None and second.shape[:2] != tuple(scale * side for side in valid.shape):
            raise DataError(
                f"SceneChannels: a second source of {second.shape[:2]} pixels at scale {scale} does not cover an image "
                f"of {valid.shape}"
            )
        yield image, valid, second, scale


def _build(groups: Sequence[str | dict]) -> list[ChannelGroup]:
    """Families by name or config."""
    if isinstance(groups, str) or not isinstance(groups, Sequence):
        raise ConfigError(f"SceneChannels: groups={groups!r} given, expected a list such as ['emp', 'ms']")
    made = []
    for group in groups:
        config = dict(group) if isinstance(group, Mapping) else {"type": group}
        named = {family.short: name for name, family in CHANNELS.module_dict.items()}
        kind = config.get("type")
        name = config["type"] = named.get(kind, kind) if isinstance(kind, str) else kind
        if not isinstance(name, str) or name not in CHANNELS.module_dict:
            known = ", ".join(sorted(named))
            raise ConfigError(f"SceneChannels: group {name!r} is unknown, expected some of {known}")
        try:
            made.append(CHANNELS.build(config))
        except (TypeError, ValueError) as error:
            raise ConfigError(f"SceneChannels: group {name}: {error}") from error
    if not made:
        raise ConfigError("SceneChannels: groups is empty")
    return made
