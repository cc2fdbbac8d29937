"""A scene on the device, and the windows around its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mmhsi.errors import ConfigError


def gather_windows(scene: Tensor, tops: Tensor, lefts: Tensor, window: tuple[int, int]) -> Tensor:
    """Cut many windows out of a scene in one indexing operation.

    Args:
        scene: Shape (H, W) or (H, W, C), any dtype, contiguous.
        tops: First row of each window, shape (B,).
        lefts: First column of each window, shape (B,).
        window: (h, w) in pixels.

    Returns:
        Tensor of shape (B, h, w) or (B, h, w, C), in the dtype of ``scene``.
    """
    (height, width), (h, w) = scene.shape[:2], window
    bands = scene.shape[2] if scene.dim() == 3 else 1
    # Every run of w pixels as a row of an overlapping view: a window is h of these rows, each one block of memory.
    runs = scene.as_strided((height * width - w + 1, w * bands), (bands, 1))
    first = tops * width + lefts
    rows = first[:, None] + width * torch.arange(h, device=scene.device)  # (B, h)
    return runs.index_select(0, rows.flatten()).view(len(tops), h, w, *scene.shape[2:])


@dataclass(frozen=True, eq=False)
class WindowSampler:
    """A normalised scene on the device, from which batches of windows are gathered.

    Its borders are padded, so that every pixel has a full window: ``margin`` is the largest one, (h, w), with h // 2
    rows before the scene and (h − 1) // 2 after, columns likewise.

    Attributes:
        image: Shape (H + h − 1, W + w − 1, C), float32, contiguous.
        margin: (h, w) in pixels.
        valid: Pixels that hold data, bool, (H + h − 1, W + w − 1); None if all do.
    """

    image: Tensor
    margin: tuple[int, int]
    valid: Tensor | None = None

    def windows(self, rows: Tensor, columns: Tensor, window: tuple[int, int]) -> Tensor:
        """Windows around pixels.

        Args:
            rows: Of the pixels in the scene without its padding, shape (B,), on the device.
            columns: Likewise, shape (B,).
            window: (h, w), at most ``margin``; the pixel is at [h // 2, w // 2].

        Returns:
            Shape (B, C, h, w) in channels-last memory.

        Raises:
            ConfigError: If the window is larger than the margin.
        """
        return gather_windows(self.image, *self._corners(rows, columns, window), window).permute(0, 3, 1, 2)

    def part(self, row: int, column: int, window: tuple[int, int], size: tuple[int, int]) -> Tensor:
        """The image that begins where the window of a pixel does.

        Args:
            row: Of the pixel in the scene without its padding.
            column: Likewise.
            window: (h, w), at most ``margin``; the pixel is at [h // 2, w // 2].
            size: (height, width) of the image, within the padded scene.

        Returns:
            A view, shape (1, C, height, width).

        Raises:
            ConfigError: If the window is larger than the margin.
        """
        corners = self._corners(torch.tensor(row), torch.tensor(column), window)
        top, left = (int(corner) for corner in corners)
        return self.image[top : top + size[0], left : left + size[1]].permute(2, 0, 1)[None]

    def masks(self, rows: Tensor, columns: Tensor, window: tuple[int, int]) -> Tensor | None:
        """Which pixels of the windows hold data, bool (B, h, w); None if all do.

        It takes the arguments as of :meth:`windows`.
        """
        if self.valid is None:
            return None
        return gather_windows(self.valid, *self._corners(rows, columns, window), window)

    def _corners(self, rows: Tensor, columns: Tensor, window: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """First row and first column of the windows in the padded scene."""
        (h, w), (height, width) = window, self.margin
        if h > height or w > width:
            raise ConfigError(
                f"windows of {h} x {w} pixels are asked for, the borders are mirrored for {height} x {width} at most; "
                "give the dataset largest_window"
            )
        return rows + (height // 2 - h // 2), columns + (width // 2 - w // 2)
