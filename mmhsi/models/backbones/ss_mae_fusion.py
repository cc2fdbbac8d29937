"""SS-MAE's encoder beside convolutional branches, for fine-tuning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..layers.spectral_embed import pooled_to
from .ss_mae_vit import SSMAEViT
from .unpadded import UnpaddedConvolutions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .vit_arch import ViTArch

KERNEL_DEPTHS = (9, 7, 5)
"""Of the 3-D convolutions, as in the public code; each takes its depth less 3 from the components."""
CUBE_CHANNELS, SECOND_CHANNELS = 128, 64
"""Of the CNNs' maps, as there."""


class CubeCNN(UnpaddedConvolutions, nn.Module):
    """Light 3-D CNN on few components of the cube's bands.

    A learned 1x1 convolution takes the bands to the components. Three 3-D convolutions (9, 7 and 5 components deep,
    padded by 1 in depth; 3 x 3 pixels wide, not padded) follow, each with BatchNorm and GELU, and a 1x1 convolution
    over what they leave.

    Args:
        bands: Bands of the cube.
        components: Components k, at least 13.
        out_channels: Channels of the map.
    """

    def __init__(self, bands: int, components: int, out_channels: int) -> None:
        super().__init__()
        left = components - sum(depth - 3 for depth in KERNEL_DEPTHS)
        if left < 1:
            raise ConfigError(
                f"SSMAEFusion: num_components={components} given, the 3-D convolutions need at least "
                f"{components - left + 1}"
            )
        self.reduce = nn.Conv2d(bands, components, kernel_size=1)
        channels = (1, 4, 8, 16)
        self.convs = nn.Sequential()
        for depth, before, after in zip(KERNEL_DEPTHS, channels[:-1], channels[1:], strict=True):
            self.convs.append(nn.Conv3d(before, after, kernel_size=(depth, 3, 3), padding=(1, 0, 0)))
            self.convs.append(nn.BatchNorm3d(after))
            self.convs.append(nn.GELU())
        self.project = nn.Sequential(
            nn.Conv2d(channels[-1] * left, out_channels, kernel_size=1), nn.BatchNorm2d(out_channels), nn.GELU()
        )
        self.mark_unpadded()

    def embed_pixels(self, x: Tensor) -> Tensor:
        """Components (B, k, H, W) of a cube (B, C, H, W).

        Args:
            x: Cube, shape (B, C, H, W).
        """
        return self.reduce(x)

    def forward_pixels(self, maps: Tensor) -> Tensor:
        """Convolve components (B, k, H, W) to (B, out_channels, H − 6, W − 6).

        Args:
            maps: From :meth:`embed_pixels`, shape (B, k, H, W).
        """
        return self.project(self.convs(maps[:, None]).flatten(1, 2))


class SecondCNN(UnpaddedConvolutions, nn.Sequential):
    """Three 3x3 convolutions with BatchNorm and ReLU, for the second source; nothing is padded.

    Args:
        bands: Bands of the second source.
        channels: Channels of the map.
    """

    def __init__(self, bands: int, channels: int) -> None:
        layers: list[nn.Module] = []
        for before in (bands, channels, channels):
            layers += [nn.Conv2d(before, channels, kernel_size=3), nn.BatchNorm2d(channels), nn.ReLU()]
        super().__init__(*layers)
        self.mark_unpadded()

    def embed_pixels(self, x: Tensor) -> Tensor:
        """The second source as it is: no layer sees single pixels alone.

        Args:
            x: Second source, shape (B, bands, H, W).
        """
        return x

    def forward_pixels(self, maps: Tensor) -> Tensor:
        """Convolve the second source (B, bands, H, W) to (B, channels, H − 6, W − 6).

        Args:
            maps: From :meth:`embed_pixels`, shape (B, bands, H, W).
        """
        return nn.Sequential.forward(self, maps)


def surrounded(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps of whole neighbourhoods brought back to the size of their images, by repeating what lies at the border.

    Args:
        maps: Shape (B, d, h, w).
        size: (H, W) of the images, h + 2 · reach and w + 2 · reach, or less where they hold no whole neighbourhood.
    """
    down, across = size[0] - maps.shape[2], size[1] - maps.shape[3]
    if not down and not across:
        return maps
    if maps.shape[2] == maps.shape[3] == 1:
        return maps.expand(-1, -1, *size)
    return F.pad(maps, (across // 2, across - across // 2, down // 2, down - down // 2), mode="replicate")


@MODELS.register_module()
class SSMAEFusion(SSMAEViT):
    """:class:`SSMAEViT` whose maps also hold the features of light CNNs, as SS-MAE is fine-tuned.

    The weights of the two branches have the names they have in :class:`SSMAEViT`, so that a pretrained encoder is
    loaded by ``init_cfg=dict(type='Pretrained', checkpoint=…, prefix='backbone.')``. What is new lies under ``cnn``,
    which a higher learning rate can name.

    The CNNs see whole neighbourhoods of 7 x 7 pixels alone: nothing is padded, so that of a window of 7 x 7 one vector
    is left, that of its centre, and of larger images the border repeats its nearest. The public code pads every map
    with zeros; weights from before this did too, and work as they did (:class:`UnpaddedConvolutions`).

    The public code gives its 3-D CNN principal components of the cube; here a learned 1x1 convolution takes their
    place: there is nothing to fit beforehand, and another sensor's weights can be carried over.

    Args:
        in_channels: Bands C of the input, those of the second source counted.
        second_bands: Bands of the second source, the last of C. Default 0: none, and no CNN for it.
        num_components: Components that the cube's bands are reduced to. Default 20, the public code's.
        arch: See :class:`SSMAEViT`.
        window: See :class:`SSMAEViT`.
        patch_size: See :class:`SSMAEViT`; the CNNs' maps are averaged to the grid of patches.
        out_indices: See :class:`SSMAEViT`.
        drop_rate: See :class:`SSMAEViT`.
        drop_path_rate: See :class:`SSMAEViT`.
        init_cfg: mmengine's initialisation.

    Attributes:
        out_channels: Channels of the maps: 2 · d + 128 of the cube's CNN + 64 of the second's, where there is one.

    Raises:
        ConfigError: If a size does not fit.
    """

    after_layers = ("norm", "cnn")

    def __init__(
        self,
        in_channels: int,
        second_bands: int = 0,
        num_components: int = 20,
        arch: str | ViTArch = "base",
        window: int = 7,
        patch_size: int = 1,
        out_indices: Sequence[int] = (-1,),
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(
            in_channels, arch, window, patch_size, out_indices, drop_rate, drop_path_rate, init_cfg=init_cfg
        )
        if not 0 <= second_bands < in_channels:
            raise ConfigError(
                f"SSMAEFusion: second_bands={second_bands} given, expected 0 to {in_channels - 1}, fewer than "
                f"in_channels={in_channels}"
            )
        self.cube_bands = in_channels - second_bands
        self.cnn = nn.ModuleDict({"cube": CubeCNN(self.cube_bands, num_components, CUBE_CHANNELS)})
        if second_bands:
            self.cnn["second"] = SecondCNN(second_bands, SECOND_CHANNELS)
        self.out_channels = 2 * self.embed_dims + CUBE_CHANNELS + (SECOND_CHANNELS if second_bands else 0)

    def fixed_band_axes(self) -> dict[str, int]:
        """Weights that depend on the bands, and the axis of the bands."""
        return {**super().fixed_band_axes(), "cnn.cube.reduce.weight": 1}

    def forward(self, x: Tensor, wavelengths: Sequence[float] | None = None) -> tuple[Tensor, ...]:
        """Encode images.

        Args:
            x: Images, shape (B, C, H, W).
            wavelengths: Not used: the bands are fixed.

        Returns:
            One map (B, out_channels, h, w) for each of ``out_indices``: the encoder's, the cube's CNN, the second's.
        """
        maps = super().forward(x)
        sources = {"cube": x[:, : self.cube_bands], "second": x[:, self.cube_bands :]}
        size = (x.shape[2], x.shape[3])
        features = [surrounded(cnn(sources[name])[0], size) for name, cnn in self.cnn.items()]
        local = pooled_to(torch.cat(features, dim=1), (maps[0].shape[2], maps[0].shape[3]))
        return tuple(torch.cat([encoded, local], dim=1) for encoded in maps)
