"""PSNR and SSIM of reconstructed images, band by band."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from mmengine.dist import get_dist_info
from mmengine.evaluator import BaseMetric
from torch import Tensor

from mmhsi.errors import ConfigError
from mmhsi.registry import METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmhsi.models.selfsup.masked_pretraining import Reconstruction

MAX_PSNR = 100.0
"""dB that a band is given at most, so that a perfect one does not turn the mean over the bands into infinity."""

Range = tuple[Tensor, Tensor]
Images = tuple[Tensor, Tensor, Tensor, Tensor]


def psnr(target: Tensor, prediction: Tensor, counted: Tensor | None = None, span: Range | None = None) -> Tensor:
    """Peak signal-to-noise ratio of every band: 10 · log10(peak² / mean squared error).

    The peak is the range of the target, max − min, so that the figure is the same in any unit: an affine change of a
    band changes nothing. The usual MPSNR is ``psnr(…).nanmean()``.

    Args:
        target: Images, shape (B, C, H, W).
        prediction: Same shape.
        counted: Values that count, bool, same shape. Default: all.
        span: Lowest and highest target value of every band, each (C,). Default: those of ``target`` among the counted.

    Returns:
        dB, float64 (C,), at most :data:`MAX_PSNR`; NaN for a band that is flat or has no value that counts.
    """
    counted = torch.ones_like(target, dtype=torch.bool) if counted is None else counted
    low, high = _span(target, counted) if span is None else span
    squared, count = _squared_error(target, prediction, counted)
    return _psnr(squared.sum(0), count.sum(0), low, high)


def ssim(
    target: Tensor,
    prediction: Tensor,
    counted: Tensor | None = None,
    span: Range | None = None,
    window: int = 7,
) -> Tensor:
    """Structural similarity of every band (Wang et al. 2004, eq. 13), with uniform windows.

    Bands are first brought to 0 to 1 by the target's range; K1 = 0.01, K2 = 0.03, variances divide by n. Where all
    values count, it is scikit-image's ``structural_similarity`` with ``use_sample_covariance=False``. Else means and
    variances of a window are those of its counted values alone, and a window has the weight of how many these are. The
    usual MSSIM is ``ssim(…).nanmean()``.

    Args:
        target: Images, shape (B, C, H, W).
        prediction: Same shape.
        counted: Values that count, bool, same shape. Default: all.
        span: Lowest and highest target value of every band, each (C,). Default: those of ``target`` among the counted.
        window: Side of a window in pixels; in smaller images the largest odd one that fits. Default 7.

    Returns:
        At most 1, float64 (C,); NaN for a band that is flat or has no value that counts.
    """
    counted = torch.ones_like(target, dtype=torch.bool) if counted is None else counted
    total, weight = _similarity(target, prediction, counted, _span(target, counted) if span is None else span, window)
    return total / weight


def _limits(target: Tensor, counted: Tensor) -> Range:
    """Lowest and highest counted value of every image's bands, (B, C); inf and −inf where there is none."""
    low = torch.where(counted, target, torch.inf).amin(dim=(2, 3))
    return low, torch.where(counted, target, -torch.inf).amax(dim=(2, 3))


def _span(target: Tensor, counted: Tensor) -> Range:
    """Lowest and highest counted value of every band, (C,)."""
    low, high = _limits(target, counted)
    return low.amin(0), high.amax(0)


def _squared_error(target: Tensor, prediction: Tensor, counted: Tensor) -> tuple[Tensor, Tensor]:
    """Sum of squared errors over the counted values, and their number; float64 (B, C)."""
    error = torch.where(counted, prediction - target, 0.0)  # values that do not count may be anything, NaN too
    return error.square().sum((2, 3), dtype=torch.float64), counted.sum((2, 3), dtype=torch.float64)


def _psnr(squared: Tensor, count: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """PSNR from sums over the set, (C,)."""
    peak = (high - low).double()
    decibels = 10 * torch.log10(peak.square() / (squared / count))
    return torch.where(peak > 0, decibels.clamp(max=MAX_PSNR), torch.nan)


def _similarity(target: Tensor, prediction: Tensor, counted: Tensor, span: Range, window: int) -> tuple[Tensor, Tensor]:
    """SSIM summed over the windows, each as often as it has counted values, and that number of values; (C,)."""
    low, high = (limit.double()[:, None, None] for limit in span)
    x, y = (torch.where(counted, (values.double() - low) / (high - low), 0.0) for values in (target, prediction))
    smaller = min(target.shape[2:])
    side = min(window, smaller - (smaller + 1) % 2)  # odd

    def local_sum(values: Tensor) -> Tensor:
        return F.avg_pool2d(values, side, stride=1) * side**2

    count = local_sum(counted.double()).round()
    mean_x, mean_y, square_x, square_y, product = (local_sum(values) / count for values in (x, y, x * x, y * y, x * y))
    variances = square_x - mean_x**2 + square_y - mean_y**2
    similarity = (2 * mean_x * mean_y + 0.01**2) * (2 * (product - mean_x * mean_y) + 0.03**2)
    similarity = similarity / ((mean_x**2 + mean_y**2 + 0.01**2) * (variances + 0.03**2))
    total = torch.where(count > 0, similarity * count, 0.0).sum((0, 2, 3))
    return torch.where(high > low, total[:, None, None], torch.nan).flatten(), count.sum((0, 2, 3))


@dataclass
class BandErrors:
    """Sums over samples, of which PSNR is made.

    Attributes:
        squared: Squared errors, over valid and over hidden values, float64 (2, C).
        count: Numbers of these values, float64 (2, C).
        low: Lowest valid target value, (C,).
        high: Highest valid target value, (C,).
    """

    squared: Tensor
    count: Tensor
    low: Tensor
    high: Tensor

    def __add__(self, other: BandErrors) -> BandErrors:
        return BandErrors(
            self.squared + other.squared,
            self.count + other.count,
            torch.minimum(self.low, other.low),
            torch.maximum(self.high, other.high),
        )


def batch_errors(target: Tensor, prediction: Tensor, valid: Tensor, hidden: Tensor) -> list[BandErrors]:
    """Sums of every sample of a batch.

    Args:
        target: Images, shape (B, C, H, W).
        prediction: Same shape.
        valid: Values that hold data, bool, same shape.
        hidden: Those of them that were hidden, bool, same shape.
    """
    sums = [_squared_error(target, prediction, counted) for counted in (valid, hidden)]
    squared, count = (torch.stack(parts, dim=1) for parts in zip(*sums, strict=True))  # (B, 2, C)
    return [BandErrors(*parts) for parts in zip(squared, count, *_limits(target, valid), strict=True)]


@dataclass
class Entry:
    """What is kept of one sample.

    Attributes:
        errors: By kind of reconstruction: the sample's sums. The first entry of a rank also holds those of all later
            ones but the last, which have none.
        images: By kind: target, prediction, valid and hidden values, each (1, C, H, W); empty if SSIM leaves it out.
    """

    errors: dict[str, BandErrors]
    images: dict[str, Images] = field(default_factory=dict)


def thinning(samples: int, most: int) -> int:
    """Smallest power of two s such that every s-th of ``samples``, from the first, are at most ``most``."""
    return 1 << max(0, -(-samples // most) - 1).bit_length()


@METRICS.register_module()
class ReconstructionMetric(BaseMetric):
    """PSNR (dB) and SSIM of what a masked pretraining algorithm reconstructs, means over the bands.

    Takes the predictions of :class:`mmhsi.models.MaskedPretraining` and gives, for each of its kinds such as
    ``patches``: ``patches/PSNR`` and ``patches/SSIM`` over all valid values as the decoder gives them, and
    ``patches/PSNR_hidden`` and ``patches/SSIM_hidden`` over the hidden ones alone. Where the loss scores hidden values
    alone, as MAE's does, nothing trains the others: the hidden figures are the ones to look at.

    Mean squared errors and peaks (max − min of a band's valid target values) are taken over the whole set, PSNR from
    these, so that no figure depends on the batch size, on the number of processes or, but for the masks, on the
    normalisation. See :func:`psnr` and :func:`ssim` for the formulas.

    PSNR is made of sums. SSIM has to know the peaks first, for which images are kept: of a larger set every 2nd, 4th,
    8th, … sample alone, such that there are at most ``max_samples``.

    Args:
        max_samples: Samples that SSIM is taken over, on all ranks together. Default 256.
        window: Side of SSIM's windows in pixels; in smaller images the largest odd one that fits. Default 7.
        collect_device: mmengine's: ``'cpu'`` or ``'gpu'``.
        prefix: mmengine's: put before every key.

    Raises:
        ConfigError: If an argument is out of range.
    """

    def __init__(
        self, max_samples: int = 256, window: int = 7, collect_device: str = "cpu", prefix: str | None = None
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if max_samples < 1 or window < 1 or window % 2 == 0:
            raise ConfigError(
                f"ReconstructionMetric: max_samples={max_samples}, window={window} given, expected at least 1 and odd"
            )
        self.max_samples = max_samples
        self.window = window

    def process(self, data_batch: dict, data_samples: Sequence[dict[str, Reconstruction]]) -> None:
        """Take a batch of reconstructions in; one entry a sample, as mmengine's gathering over ranks expects."""
        batches = {name: self._stack([sample[name] for sample in data_samples]) for name in data_samples[0]}
        errors = {name: batch_errors(*batch) for name, batch in batches.items()}
        for index in range(len(data_samples)):
            self._pass_on_sums()
            entry = Entry({name: sums[index] for name, sums in errors.items()})
            if self._keeps_next():
                # Copies: a view would keep, and send to the main process, its whole batch.
                one = slice(index, index + 1)
                for name, (target, prediction, valid, hidden) in batches.items():
                    copies = (target[one].clone(), prediction[one].clone(), valid[one].clone(), hidden[one].clone())
                    entry.images[name] = copies
            self.results.append(entry)

    def _pass_on_sums(self) -> None:
        """Move the last entry's sums to the first, so that memory does not grow with the set.

        Only when another entry follows: the last one is dropped by mmengine where its sample is one of those that a
        sampler repeats to give all ranks equally many.
        """
        if len(self.results) > 1:
            first, last = self.results[0].errors, self.results[-1].errors
            self.results[0].errors = {name: first[name] + last[name] for name in first}
            self.results[-1].errors = {}

    def _keeps_next(self) -> bool:
        """Whether the next entry keeps its images; lets earlier ones forget theirs when they have become too many.

        The set's order is that of mmengine's samplers: rank r holds the samples r, r + R, r + 2R, … of R ranks.
        """
        rank, ranks = get_dist_info()
        # Rank 0's next sample and the one before: all ranks have come that far, none keeps less than is needed.
        position = len(self.results) * ranks
        step, before = (thinning(max(last, 0) + 1, self.max_samples) for last in (position, position - ranks))
        if step > before:
            for place, entry in enumerate(self.results):
                if (place * ranks + rank) % step:
                    entry.images = {}
        return (position + rank) % step == 0

    @staticmethod
    def _stack(samples: list[Reconstruction]) -> Images:
        """One batch of target, prediction, valid and hidden values, on the CPU."""
        target, prediction, hidden, valid = zip(*samples, strict=True)
        seen = torch.stack(hidden)
        counted = torch.ones_like(seen) if valid[0] is None else torch.stack(valid)[:, None].expand_as(seen)
        return torch.stack(target).cpu(), torch.stack(prediction).cpu(), counted.cpu(), (seen & counted).cpu()

    def compute_metrics(self, results: list[Entry]) -> dict[str, float]:
        """Sum up.

        Args:
            results: One entry a sample, in the order of the set.

        Returns:
            The figures by name.
        """
        metrics = {}
        for name in results[0].errors:
            sums = [entry.errors[name] for entry in results if entry.errors]
            errors = sum(sums[1:], start=sums[0])
            span = (errors.low, errors.high)
            kept = [entry.images[name] for entry in results[:: thinning(len(results), self.max_samples)]]
            for index, suffix in enumerate(("", "_hidden")):
                decibels = _psnr(errors.squared[index], errors.count[index], *span)
                parts = [_similarity(*images[:2], images[2 + index], span, self.window) for images in kept]
                total, weight = (torch.stack(part).sum(0) for part in zip(*parts, strict=True))
                metrics[f"{name}/PSNR{suffix}"] = decibels.nanmean().item()
                metrics[f"{name}/SSIM{suffix}"] = (total / weight).nanmean().item()
        return metrics
