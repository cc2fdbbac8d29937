"""Preprocessor of pixel classification: normalised windows, gathered on the device that holds the scene."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, Subset

from mmhsi.datasets.mirroring import cut_mirrored, pad_scene
from mmhsi.datasets.scene import Scene
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from .band_preprocessor import BandPreprocessor
from .finer_pixels import pack_scene, pool_scene
from .window_sampler import WindowSampler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmpretrain.structures import DataSample


VALUES_AT_A_TIME = 1 << 24
"""Of a scene that is normalised."""


class Windows(NamedTuple):
    """A batch before augmentation: image (B, C, h, w), and mask (B, h, w) where it is asked for."""

    image: Tensor
    valid: Tensor | None


class Attached(NamedTuple):
    """A scene whose windows are gathered here, and the largest of them."""

    scene: Scene
    window: tuple[int, int]


@MODELS.register_module()
class ScenePreprocessor(BandPreprocessor):
    """Turn samples of :class:`mmhsi.datasets.SceneDataset` into normalised windows.

    Batches of :func:`mmhsi.datasets.collate_pixels` carry indices alone. Their scene is announced once by
    :meth:`attach` (:func:`attach_scenes`, as :class:`mmhsi.engine.AttachScenesHook` does before training, validation
    and test). It is copied to the device and normalised there when its first batch comes; a batch then costs the
    transfer of its indices and one gathering. There is one such :class:`WindowSampler` for a scene, whoever loads it in
    however many processes; it is made anew when the statistics, the device or the largest window change. A copy or a
    pickle of the preprocessor has no scenes.

    Batches of cut windows, by torch's default collate function or mmengine's, are normalised as they come: slower, the
    same numbers.

    Args:
        num_bands: Bands C. Default: those of the training data, where :func:`mmhsi.engine.build_runner` builds it.
        mean: C means, or None to fit them.
        std: C standard deviations, or None to fit them.
        clip: Normalised values are clipped to ± this.
        second_bands: Bands C2 of a second source, 0 for none. Its mean and std are always fitted.
        second: ``'concat'``: averaged to the cube's grid and put behind its bands, for models of C + C2 bands;
            ``'texture'``: likewise, followed by its standard deviations within the cube's pixels, C + 2 · C2 bands;
            ``'pixels'``: each of its s × s pixels within a pixel of the cube as bands of its own, C + s² · C2 bands,
            for backbones that put its picture together again (:class:`mmhsi.models.TwoSources`). Default ``'concat'``.
        augments: Configs of batch augmentations; with ``second='pixels'`` symmetries move finer pixels as such, others
            take them for bands.
        non_blocking: Copy to the device without waiting.

    Raises:
        ConfigError: If ``second`` is unknown.
    """

    def __init__(
        self,
        num_bands: int | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        clip: float | None = None,
        second_bands: int = 0,
        second: str = "concat",
        augments: Sequence[dict] = (),
        non_blocking: bool = False,
    ) -> None:
        super().__init__(num_bands, mean, std, clip, augments, non_blocking)
        if second not in ("concat", "texture", "pixels"):
            raise ConfigError(
                f"data_preprocessor.second={second!r} is unknown, expected 'concat', 'texture' or 'pixels'"
            )
        self.second = second
        self.second_normaliser = BandPreprocessor(second_bands, clip=clip) if second_bands else None
        self._attached: dict[str, Attached] = {}
        self._samplers: dict[str, tuple[int, WindowSampler]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_attached": {}, "_samplers": {}}

    @property
    def revision(self) -> int:
        """How often statistics or device have changed, of both sources."""
        return self._revision + (0 if self.second_normaliser is None else self.second_normaliser._revision)

    def attach(self, scene: Scene, window: tuple[int, int]) -> None:
        """Let batches of a scene's indices come.

        Args:
            scene: The scene; one that is equal to an attached one is the same.
            window: Largest window (h, w) that will be asked for.
        """
        known = self._attached.get(scene.key)
        if known is not None:
            scene, window = known.scene, (max(window[0], known.window[0]), max(window[1], known.window[1]))
            if window == known.window:
                return
        self._attached[scene.key] = Attached(scene, window)
        self._samplers.pop(scene.key, None)

    def sampler(self, key: str) -> WindowSampler:
        """The sampler of an attached scene, with the present statistics on the present device.

        Args:
            key: Its :attr:`mmhsi.datasets.scene.Scene.key`.

        Raises:
            ConfigError: If the scene was not attached or the statistics are not set.
        """
        made, sampler = self._samplers.get(key, (-1, None))
        if sampler is None or made != self.revision:
            if key not in self._attached:
                raise ConfigError(
                    "data_preprocessor: a batch of indices came whose scene is not attached; keep AttachScenesHook in "
                    "custom_hooks, or call mmhsi.models.attach_scenes(data_preprocessor, dataset)"
                )
            del sampler
            self._samplers.pop(key, None)  # before there is another
            self._samplers[key] = (self.revision, self._place(*self._attached[key]))
        return self._samplers[key][1]

    @torch.inference_mode(False)  # its first batch may come in inference, and training may follow
    @torch.no_grad()
    def _place(self, scene: Scene, window: tuple[int, int]) -> WindowSampler:
        """Copy a scene to the device and normalise it there, some rows at a time: raw values are not there twice."""
        (height, width), (h, w), scale = scene.valid.shape, window, scene.second_scale

        def cut(array: Any, first: int, last: int, scale: int = 1) -> Tensor:
            size = last - first, width + w - 1
            return torch.from_numpy(cut_mirrored(array, first - h // 2, -(w // 2), size, scale)).to(self.device)[None]

        valid = None if scene.valid.all() else torch.from_numpy(pad_scene(scene.valid, window)).to(self.device)
        whole: Tensor | None = None
        total, step = height + h - 1, max(1, VALUES_AT_A_TIME // (width * scene.cube.data.shape[2]))
        for first in range(0, total, step):
            last = min(first + step, total)
            second = None
            if self.second_normaliser is not None and scene.second is not None:
                second = cut(scene.second, first, last, scale)
            mask = None if valid is None else valid[None, first:last]
            (part,) = self.prepare(cut(scene.cube.data, first, last), mask, second)
            if whole is None:
                whole = part.new_empty(total, *part.shape[1:])
            whole[first:last] = part
        assert whole is not None  # a scene has rows
        return WindowSampler(whole, window, valid)

    def prepare(self, image: Tensor, valid: Tensor | None = None, second: Tensor | None = None) -> Tensor:
        """Normalise scenes or windows, and join their second source as ``second`` says.

        Args:
            image: Raw, shape (B, H, W, C).
            valid: Pixels that hold data, bool (B, H, W); None if all do.
            second: Raw second source, shape (B, H · s, W · s, C2).

        Returns:
            float32 tensor (B, H, W, C), (B, H, W, C + C2), (B, H, W, C + 2 · C2) or (B, H, W, C + s² · C2).

        Raises:
            ConfigError: If there is no second source but the model takes one.
        """
        image = super().prepare(image, valid)
        if self.second_normaliser is None:
            return image
        if second is None:
            raise ConfigError("data_preprocessor.second_bands needs use_second=True in the dataset")
        scale = second.shape[1] // image.shape[1]
        fine = None if valid is None else valid.repeat_interleave(scale, 1).repeat_interleave(scale, 2)
        finer = self.second_normaliser.prepare(second, fine)
        if self.second == "pixels":
            self.finer = (self.second_normaliser.num_bands, scale)
            return torch.cat([image, pack_scene(finer, scale)], dim=3)
        return torch.cat([image, pool_scene(finer, scale, with_std=self.second == "texture")], dim=3)

    def restore(self, inputs: Tensor) -> Tensor:
        """Undo the normalisation of both sources, their bands joined as ``second`` says.

        Args:
            inputs: Normalised, shape (B, C, H, W), (B, C + C2, H, W), (B, C + 2 · C2, H, W) or (B, C + s² · C2, H, W).

        Returns:
            Values in the data's units, float32, same shape; of the second source too.
        """
        values = [super().restore(inputs[:, : self.num_bands])]
        rest, second = inputs[:, self.num_bands :], self.second_normaliser
        if second is not None and self.finer is not None:
            each = rest.unflatten(1, (second.num_bands, -1))  # (B, C2, s², H, W)
            values.append(second.restore(each.flatten(2, 3)).view_as(each).flatten(1, 2))
        elif second is not None and rest.shape[1]:
            means, spread = rest[:, : second.num_bands], rest[:, second.num_bands :]
            values += [second.restore(means), spread.float() * second.std[: spread.shape[1], None, None]]
        return torch.cat(values, dim=1)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare a batch.

        Args:
            data: Indices (:meth:`mmhsi.datasets.PixelSamples.places`), or samples of
                :class:`mmhsi.datasets.SceneDataset` of one window, stacked or as lists.
            training: Whether to augment.

        Returns:
            ``inputs`` (B, C, h, w) float32 in channels-last memory; ``data_samples``, None without labels; for models
            that ask for them ``valid`` (B, h, w) and, in training, ``rng`` for B samples.

        Raises:
            ConfigError: If the batch is of another kind of data.
        """
        if "window" not in data and "scene" not in data:
            raise ConfigError(
                "ScenePreprocessor takes pixels of a SceneDataset, the data give others; choose other data"
            )
        windows = self._normalise_samples(data) if "window" in data else self._gather(data)
        batch: dict = {"data_samples": self.samples(data)}
        x, mask = windows.image, windows.valid if self.with_valid else None
        rng = self.step_rng(len(x), x.device) if training else None
        batch["inputs"], mask = (x, mask) if rng is None else self.augment(x, rng, mask)
        if self.with_valid:
            batch["valid"] = mask
        if self.with_rng and rng is not None:
            batch["rng"] = rng
        return batch

    def samples(self, data: dict) -> list[DataSample] | None:
        """Mmpretrain's samples of a batch, one a pixel; None without labels or values.

        Those of a dataset of values have ``gt_value`` (T,) and ``group``, what varies together with others.

        Args:
            data: As :meth:`forward` takes it.
        """
        if "value" not in data and "label" not in data:
            return None
        from mmpretrain.structures import DataSample  # not above: it brings all of mmpretrain's interface

        if "value" in data:
            facts = self._stack(data["value"]), self._to_device(data["group"])
            return [DataSample(gt_value=value, group=group) for value, group in zip(*facts, strict=True)]
        return [DataSample(gt_label=label) for label in self._to_device(data["label"])[:, None]]

    def around(self, data: dict, most: float) -> tuple[Tensor, Tensor, Tensor] | None:
        """The part of a scene that holds all windows of a batch of indices.

        Args:
            data: Indices, with the windows' size.
            most: Pixels that it may have.

        Returns:
            Normalised image (1, C, H, W), and the first row and column of each window in it, each (B,); None where it
            would have more pixels.
        """
        (h, w), row, column = data["size"], torch.as_tensor(data["row"]), torch.as_tensor(data["column"])
        height, width = int(row.max() - row.min()) + h, int(column.max() - column.min()) + w
        if height * width > most:
            return None
        first, scene = (int(row.min()), int(column.min())), self._mapped(data)
        if scene is None:
            image = self.sampler(data["scene"]).part(*first, (h, w), (height, width))
        else:
            cut = scene.cut(first[0] - h // 2, first[1] - w // 2, (height, width))
            image = self._normalise_samples({key: values[None] for key, values in cut.items()}).image
        return image, self._to_device(row - row.min()), self._to_device(column - column.min())

    def _to_device(self, values: Tensor | Sequence[int]) -> Tensor:
        return torch.as_tensor(values).to(self.device, non_blocking=self._non_blocking)

    def _gather(self, data: dict) -> Windows:
        """Windows of a batch of indices."""
        if (scene := self._mapped(data)) is not None:
            (h, w), places = data["size"], zip(data["row"], data["column"], strict=True)
            cut = scene.cut_all(((int(row) - h // 2, int(column) - w // 2) for row, column in places), (h, w))
            return self._normalise_samples({key: [each[key] for each in cut] for key in cut[0]})
        sampler, window = self.sampler(data["scene"]), (data["size"][0], data["size"][1])
        place = self._to_device(data["row"]), self._to_device(data["column"]), window
        valid = sampler.masks(*place) if self.with_valid else None
        return Windows(sampler.windows(*place), valid)

    def _mapped(self, data: dict) -> Scene | None:
        """The scene of a batch of indices if its values lie in a file, whose windows are cut there."""
        attached = self._attached.get(data["scene"])
        return attached.scene if attached is not None and attached.scene.mapped else None

    def _normalise_samples(self, data: dict) -> Windows:
        """Windows that the dataset has cut."""
        raw = {key: self._stack(data[key]) for key in ("window", "valid", "second") if key in data}
        image = self.prepare(raw["window"], raw["valid"], raw.get("second"))
        return Windows(image.permute(0, 3, 1, 2), raw["valid"])

    def _stack(self, parts: Tensor | Sequence[Tensor]) -> Tensor:
        stacked = parts if isinstance(parts, Tensor) else torch.stack(list(parts))
        return stacked.to(self.device, non_blocking=self._non_blocking)


def attach_scenes(preprocessor: nn.Module, dataset: Dataset) -> None:
    """Announce the scene of a dataset of pixels to the preprocessor that will gather its windows.

    Args:
        preprocessor: A model's; others than :class:`ScenePreprocessor` need nothing.
        dataset: A dataset, or a part of one; others than :class:`mmhsi.datasets.SceneDataset` have nothing.
    """
    while isinstance(dataset, Subset):
        dataset = dataset.dataset
    # Also through mmengine's wrapper of a part of an epoch.
    scene, margin = getattr(dataset, "scene", None), getattr(dataset, "margin", None)
    if isinstance(preprocessor, ScenePreprocessor) and isinstance(scene, Scene) and margin is not None:
        preprocessor.attach(scene, margin)
