"""A branch of its own for a finer second source, beside any backbone of the cube."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhsi.arguments import check_sizes
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..checks import check_bands, map_channels
from ..protocols import BandedBackbone, DenseBackbone, SizedBackbone, check_protocol, overrides
from ..quiet_init import QuietInit

if TYPE_CHECKING:
    from collections.abc import Mapping


def middle(maps: Tensor, size: list[int]) -> Tensor:
    """The middle of maps.

    Args:
        maps: Shape (B, d, H, W).
        size: (h, w) of it, less than the maps' by even numbers.

    Raises:
        ConfigError: If it has no place in the middle.
    """
    lost = [whole - part for whole, part in zip(maps.shape[2:], size, strict=True)]
    if min(size) < 1 or min(lost) < 0 or any(each % 2 for each in lost):
        raise ConfigError(
            f"TwoSources: of {maps.shape[2]} x {maps.shape[3]} pixels, of the window or the backbone's map, the middle "
            f"{size[0]} x {size[1]} are needed; take odd windows and odd patches"
        )
    down, across = lost[0] // 2, lost[1] // 2
    return maps[:, :, down : maps.shape[2] - down, across : maps.shape[3] - across]


class FinerBranch(nn.Module):
    """Two 3 × 3 convolutions at a finer resolution, means over the cube's pixels, and a third at the cube's.

    Each convolution is followed by batch norm and ReLU, and none is padded.

    Args:
        bands: Bands C2 of the finer source.
        scale: s, its pixels for each of the cube's along each axis.
        channels: Channels d of the map; the fine convolutions have half as many.
    """

    def __init__(self, bands: int, scale: int, channels: int) -> None:
        super().__init__()
        self.scale = scale
        self.border = -(-2 // scale)  # pixels of the cube, of which the fine convolutions take two finer ones
        narrow = -(-channels // 2)  # a fine pixel's convolutions cost s² times as much
        layers = [
            nn.Sequential(nn.Conv2d(before, after, 3, bias=False), nn.BatchNorm2d(after), nn.ReLU())
            for before, after in ((bands, narrow), (narrow, narrow), (narrow, channels))
        ]
        self.fine, self.coarse = nn.Sequential(*layers[:2]), layers[2]

    @property
    def reach(self) -> int:
        """Pixels of the cube that its map lacks on every side."""
        return self.border + 1

    def forward(self, x: Tensor) -> Tensor:
        """Encode images (B, C2, h · s, w · s) into maps (B, d, h − 2 · reach, w − 2 · reach).

        Args:
            x: Shape (B, C2, h · s, w · s).
        """
        maps = self.fine(x)
        lost = self.border * self.scale - 2
        inner = maps[:, :, lost : maps.shape[2] - lost, lost : maps.shape[3] - lost]
        return self.coarse(F.avg_pool2d(inner, self.scale))


@MODELS.register_module()
class TwoSources(QuietInit):
    """Any backbone for the cube, and a small convolutional branch for a second source at its own, finer resolution.

    The branch (:class:`FinerBranch`) looks for what averages over the cube's pixels hide: edges and texture. It sees
    the surroundings of 5 × 5 of the cube's pixels for each pixel of its map, 7 × 7 of a source that is not finer. Of
    its map and the backbone's the middles of equal size are put behind each other, channel by channel, so that necks
    and heads take them as one. Where the backbone takes whole rows of a scene
    (:class:`mmhsi.models.protocols.DenseBackbone`), both do.

    The second source comes as :class:`mmhsi.models.ScenePreprocessor` packs it with ``second='pixels'``: its s × s
    pixels within each pixel of the cube are the last bands.

    Args:
        backbone: Config of the cube's backbone, such as ``dict(type='CNN2D')``, which is given ``in_channels``.
        in_channels: Bands C of the input, the C2 · s² of the second source counted.
        second_bands: C2 · s².
        second_scale: s.
        channels: Channels of the branch's map. Default 32.
        init_cfg: mmengine's initialisation.

    Attributes:
        finer: (C2, s).
        out_channels: Channels of the map, the backbone's and the branch's; None where the backbone does not tell its
            own.

    Raises:
        ConfigError: If there is no second source, or sizes do not fit.

    Example:
        >>> import torch
        >>> (maps,) = TwoSources(dict(type="CNN2D"), 30 + 3 * 16, 3 * 16, 4)(torch.zeros(2, 30 + 3 * 16, 9, 9))
        >>> maps.shape
        torch.Size([2, 160, 5, 5])
    """

    def __init__(
        self,
        backbone: Mapping[str, Any],
        in_channels: int,
        second_bands: int,
        second_scale: int,
        channels: int = 32,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_sizes("TwoSources", in_channels=in_channels, second_scale=second_scale, channels=channels)
        if not isinstance(second_bands, int) or not 0 < second_bands < in_channels or second_bands % second_scale**2:
            raise ConfigError(
                f"TwoSources: second_bands={second_bands!r} of in_channels={in_channels} given, expected fewer, and "
                f"{second_scale**2} for each band of the second source; give the data use_second=True, and "
                "model.data_preprocessor.second='pixels'"
            )
        self.in_channels = in_channels
        self.second_bands = second_bands
        self.finer = (second_bands // second_scale**2, second_scale)
        self.backbone = MODELS.build(dict(in_channels=in_channels - second_bands) | dict(backbone))
        self.branch = FinerBranch(*self.finer, channels)
        own = map_channels(self.backbone)
        self.out_channels = None if own is None else own + channels

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Encode windows.

        Args:
            x: Windows, shape (B, C, h, w), the second source's bands last.

        Returns:
            The backbone's last map and the branch's, (B, out_channels, …).
        """
        check_bands("TwoSources", x, self.in_channels)
        cube, second = self._split(x)
        return (self._join(self.backbone(cube)[-1], second),)

    def check_window(self, window: tuple[int, int]) -> None:
        """Pass a window of zeros through.

        Args:
            window: (h, w) in pixels.

        Raises:
            ConfigError: If the branch needs larger ones, or its map has not the middle of the backbone's.
        """
        if isinstance(self.backbone, SizedBackbone):
            self.backbone.check_window(window)
        training, weight = self.training, next(self.parameters())
        try:
            with torch.no_grad():
                self.eval()(weight.new_zeros(1, self.in_channels, *window))
        finally:
            self.train(training)

    @property
    def is_unpadded(self) -> bool:
        """Whether whole rows may be passed, as the backbone's may."""
        backbone = self.backbone
        dense = isinstance(backbone, DenseBackbone) and not overrides(type(backbone), "forward", "forward_pixels")
        return dense and backbone.is_unpadded

    @property
    def reach(self) -> int:
        """Pixels that the map of whole rows lacks on every side."""
        return max(self.branch.reach, getattr(self.backbone, "reach", 0))

    def embed_pixels(self, x: Tensor) -> Tensor:
        """What the backbone makes of single pixels, and the second source as it is, (B, d + C2 · s², H, W).

        Args:
            x: Images, shape (B, C, H, W).
        """
        check_bands("TwoSources", x, self.in_channels)
        cube, second = self._split(x)
        return torch.cat([self.backbone.embed_pixels(cube), second], dim=1)

    def forward_pixels(self, maps: Tensor) -> Tensor:
        """The map (B, out_channels, H − 2 · reach, W − 2 · reach).

        Args:
            maps: From :meth:`embed_pixels`, shape (B, d + C2 · s², H, W).
        """
        cube, second = self._split(maps)
        return self._join(self.backbone.forward_pixels(cube), second)

    def band_axes(self) -> dict[str, int]:
        """Weights that depend on the bands of the cube, and the axis of the bands."""
        network = check_protocol("TwoSources: other bands", self.backbone, BandedBackbone)
        return {f"backbone.{name}": axis for name, axis in network.band_axes().items()}

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The cube's channels, and the packed second source."""
        own = x.shape[1] - self.second_bands
        return x[:, :own], x[:, own:]

    def _join(self, maps: Tensor, second: Tensor) -> Tensor:
        """The middles of the backbone's map and of the branch's, which sees no more of the second source than that."""
        lost = 2 * self.branch.reach
        if min(second.shape[2:]) <= lost:
            raise ConfigError(
                f"TwoSources: windows of {second.shape[2]} x {second.shape[3]} pixels given, the branch for the second "
                f"source needs {lost + 1} x {lost + 1} at least; give the data a larger window, as dataset.window=9"
            )
        size = [min(own, whole - lost) for own, whole in zip(maps.shape[2:], second.shape[2:], strict=True)]
        seen = middle(second, [side + lost for side in size])
        return torch.cat([middle(maps, size), self.branch(F.pixel_shuffle(seen, self.branch.scale))], dim=1)
