"""Several views of one image, for self-supervision."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mmseg.structures import SegDataSample

from mmhsi.arguments import is_whole
from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import TRANSFORMS

from .common import CubeTransform, source, valid_mask
from .formatting import META_KEYS, tensor_of


@TRANSFORMS.register_module()
class MultiView(CubeTransform):
    """Run pipelines several times on one and the same image, as 2 global and n local crops.

    Takes mmpretrain's arguments. The views are made one after another, so a seeded generator gives the same views
    again. They share the loaded arrays: a transform in a pipeline must not write into the array that it is given, which
    none of mmhsi's does.

    Required keys: those of the pipelines.

    Added keys: ``views``, the results dict of every view, in the order of ``transforms``.

    Args:
        transforms: The pipelines, each a list of configs of transforms, or of callables.
        num_views: How many views each pipeline makes, or one number for all.

    Raises:
        ConfigError: If there is no pipeline, or ``num_views`` does not fit them.
    """

    scope = "image"

    def __init__(
        self, transforms: Sequence[Sequence[dict | Callable[[dict], dict]]], num_views: int | Sequence[int]
    ) -> None:
        if not transforms or any(not isinstance(steps, Sequence) for steps in transforms):
            raise ConfigError(
                "MultiView: transforms is empty or not a list of pipelines, expected [[dict(type=…), …], …]"
            )
        counts = list(num_views) if isinstance(num_views, Sequence) else [num_views] * len(transforms)
        if len(counts) != len(transforms):
            raise ConfigError(
                f"MultiView: num_views has {len(counts)} values, transforms has {len(transforms)} pipelines"
            )
        if any(not is_whole(count) or count < 1 for count in counts):
            raise ConfigError(f"MultiView: num_views={num_views!r} given, expected whole numbers of at least 1")
        self.num_views = tuple(int(count) for count in counts)
        self.transforms = tuple(
            tuple(TRANSFORMS.build(step) if isinstance(step, dict) else step for step in steps) for steps in transforms
        )

    def transform(self, results: dict) -> dict:
        """Make the views.

        Raises:
            DataError: If a pipeline returns nothing.
        """
        views = []
        for steps, count in zip(self.transforms, self.num_views, strict=True):
            for _ in range(count):
                view = {key: value.copy() if isinstance(value, list) else value for key, value in results.items()}
                for step in steps:
                    view = step(view)
                    if view is None:
                        raise DataError(f"{source(results)}: {step} of MultiView returned nothing")
                views.append(view)
        results["views"] = views
        return results


@TRANSFORMS.register_module()
class PackViews(CubeTransform):
    """Pack views as ``dict(inputs=[…], valid=[…], data_samples=…)``, in their dtype.

    ``pseudo_collate`` turns a batch of these into ``inputs[view][sample]``, mmpretrain's order for several views.

    Required keys: ``views``, which :class:`MultiView` adds: ``img`` (h, w, C) and, where nodata exists, ``valid``
    (h, w) of each.

    Added keys: ``inputs``, a list of one tensor (C, h, w) a view; ``valid``, a list of one bool tensor (h, w) a view;
    ``data_samples``, one SegDataSample that carries the metainfo of the image.

    Args:
        meta_keys: Keys of the image, not of its views, that go into the metainfo where they exist.

    Raises:
        ConfigError: If meta_keys is a string.
    """

    scope = "image"
    changes_values = False

    def __init__(self, meta_keys: Sequence[str] = META_KEYS) -> None:
        if isinstance(meta_keys, str):
            raise ConfigError(f"PackViews: meta_keys={meta_keys!r} given, expected a list of keys")
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict) -> dict:
        """Pack; nothing else of ``results`` goes on.

        Raises:
            DataError: If there are no views.
        """
        if "views" not in results:
            raise DataError(f"{source(results)}: PackViews found no views; MultiView has to come before it")
        views = results["views"]
        return dict(
            inputs=[tensor_of(view["img"].transpose(2, 0, 1)) for view in views],
            valid=[tensor_of(valid_mask(view)) for view in views],
            data_samples=SegDataSample(metainfo={key: results[key] for key in self.meta_keys if key in results}),
        )
