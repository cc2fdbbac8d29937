"""Windows of several scales around a pixel: fine in the middle, coarse around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhsi.arguments import check_sizes
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..checks import check_bands, map_channels
from ..protocols import BandedBackbone, LayeredBackbone, check_protocol, finer_source
from ..quiet_init import QuietInit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@MODELS.register_module()
class MultiScaleWindows(QuietInit):
    """A backbone for every scale, each given equally many pixels, of which those of a coarser scale are means.

    At scale s a network sees the middle s · n × s · n pixels of the window, averaged over blocks of s × s, as an image
    of n × n, where n is the window's side divided by the largest scale: of windows of 27 pixels and scales 1 and 3 the
    middle 9 × 9, and all of it as 9 × 9 means. Sides and scales are odd, so that the middle block of every scale lies
    around the window's centre. Pixels without data count as the bands' means.

    The maps of all scales have one size and are put behind each other, channel by channel, so that necks and heads
    take them as those of one network. Where the network takes whole rows of a scene
    (:class:`mmhsi.models.protocols.DenseBackbone`), all scales do.

    Args:
        backbone: Config of the network, such as ``dict(type='CNN2D')``, which is given ``in_channels``. A size of
            images that it states is to be n.
        in_channels: Bands C of the input.
        scales: Different odd numbers. Default (1, 3).
        shared: Whether one network sees all scales. Default False: each has one of its own.
        init_cfg: mmengine's initialisation; weights that ``backbone`` names by its own are loaded for every scale.

    Attributes:
        out_channels: Channels of the maps of all scales together; None where the network does not tell its own.

    Raises:
        ConfigError: If scales are no different odd numbers, a window's side is no odd multiple of the largest, or the
            network takes a second source.

    Example:
        >>> import torch
        >>> (maps,) = MultiScaleWindows(dict(type="CNN2D"), 30)(torch.zeros(2, 30, 27, 27))
        >>> maps.shape
        torch.Size([2, 256, 5, 5])
    """

    def __init__(
        self,
        backbone: Mapping[str, Any],
        in_channels: int,
        scales: Sequence[int] = (1, 3),
        shared: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if not isinstance(scales, list | tuple):
            raise ConfigError(f"MultiScaleWindows: scales={scales!r} given, expected different odd numbers, as (1, 3)")
        check_sizes("MultiScaleWindows", in_channels=in_channels, **{f"scales[{i}]": s for i, s in enumerate(scales)})
        if not scales or len(set(scales)) < len(scales) or not all(scale % 2 for scale in scales):
            raise ConfigError(f"MultiScaleWindows: scales={tuple(scales)} given, expected different odd numbers")
        self.in_channels = in_channels
        self.scales = tuple(scales)
        config = dict(in_channels=in_channels) | dict(backbone)
        self.networks = nn.ModuleList(MODELS.build(dict(config)) for _ in range(1 if shared else len(scales)))
        if finer_source(self.networks[0]) is not None:
            raise ConfigError(
                "MultiScaleWindows: takes no TwoSources; give that a MultiScaleWindows as the backbone of the cube"
            )
        channels = map_channels(self.networks[0])
        self.out_channels = None if channels is None else channels * len(scales)

    def side(self, window: tuple[int, int]) -> tuple[int, int]:
        """Height and width of what each network is given of a window.

        Args:
            window: (h, w) in pixels.

        Raises:
            ConfigError: If one is no odd multiple of the largest scale.
        """
        largest = max(self.scales)
        if any(size % (2 * largest) != largest for size in window):
            raise ConfigError(
                f"MultiScaleWindows: windows of {window[0]} x {window[1]} pixels given, expected odd multiples of the "
                f"largest scale, {largest}, such as dataset.window={9 * largest}"
            )
        return window[0] // largest, window[1] // largest

    def check_window(self, window: tuple[int, int]) -> None:
        """As :meth:`side` checks it.

        Args:
            window: (h, w) in pixels.

        Raises:
            ConfigError: As there.
        """
        self.side(window)

    def cut(self, x: Tensor, scale: int, window: tuple[int, int]) -> Tensor:
        """What lies within the windows' part of a scale.

        Args:
            x: Images, shape (B, C, H, W).
            scale: One of the scales.
            window: (h, w) in pixels of windows that lie in the images.

        Returns:
            The images without their borders, which are of no window's part.
        """
        (h, w), largest = self.side(window), max(self.scales)
        down, across = h * (largest - scale) // 2, w * (largest - scale) // 2
        return x[:, :, down : x.shape[2] - down, across : x.shape[3] - across]

    def networks_of_scales(self) -> list[tuple[int, nn.Module]]:
        """Every scale and its network."""
        networks = list(self.networks) * (len(self.scales) // len(self.networks))
        return list(zip(self.scales, networks, strict=True))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Encode windows.

        Args:
            x: Windows, shape (B, C, h, w).

        Returns:
            The maps of the network, those of all scales behind each other, each (B, out_channels, …).
        """
        check_bands("MultiScaleWindows", x, self.in_channels)
        size = (x.shape[2], x.shape[3])
        parts = [F.avg_pool2d(self.cut(x, scale, size), scale) for scale in self.scales]
        if len(self.networks) == 1:  # in one batch, so that batch norm learns of all scales
            together = self.networks[0](torch.cat(parts))
            return tuple(torch.cat(maps.chunk(len(parts)), dim=1) for maps in together)
        found = [network(part) for network, part in zip(self.networks, parts, strict=True)]
        return tuple(torch.cat(maps, dim=1) for maps in zip(*found, strict=True))

    def band_axes(self) -> dict[str, int]:
        """Weights that depend on the bands, and the axis of the bands."""
        network = check_protocol("MultiScaleWindows: other bands", self.networks[0], BandedBackbone)
        axes = network.band_axes().items()
        return {f"networks.{index}.{name}": axis for index in range(len(self.networks)) for name, axis in axes}

    def get_layer_depth(self, param_name: str, prefix: str = "") -> tuple[int, int]:
        """Depth of a parameter within its network, for layer-wise learning rates.

        Args:
            param_name: Name, with ``prefix``.
            prefix: Of the backbone within the model.
        """
        network = check_protocol("MultiScaleWindows: layer-wise learning rates", self.networks[0], LayeredBackbone)
        index = param_name.removeprefix(f"{prefix}networks.").partition(".")[0]
        return network.get_layer_depth(param_name, f"{prefix}networks.{index}.")
