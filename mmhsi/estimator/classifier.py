"""A scene and some labels in, a map that can be defended out; or a table of pixels in, their classes out."""

from __future__ import annotations

import math
import tempfile
from functools import partial
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score

from mmhsi.arguments import check_seed, is_whole
from mmhsi.errors import ConfigError, DataError
from mmhsi.inference import SceneInferencer
from mmhsi.inference.checks import warn
from mmhsi.inference.row_store import OtherRunError
from mmhsi.inference.stac import add_accuracy
from mmhsi.io.arrays import is_path
from mmhsi.io.destinations import check_outputs
from mmhsi.io.files import make_folder, writing

from .assessment import fill_areas
from .candidates import choose_candidates, wished
from .findings import doubtful_regions, next_labels
from .learning import SceneLearning, Wishes
from .plan import Clock
from .result import SceneResult
from .scene_files import as_file, describe_scene, is_table
from .table import PixelTable
from .work_folder import WRITTEN, check_work_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray


class NotFittedYetError(ConfigError, NotFittedError):
    """A classifier is asked before it has learnt."""


class SceneClassifier(ClassifierMixin, BaseEstimator):
    """Classify a scene from some of its pixels by candidates that are compared, weighted and calibrated.

    What is learnt is chosen on pixels that were held out (:func:`mmhsi.datasets.splits.folds.scene_folds`), and so is
    the accuracy that the report expects. Given a table of pixels (n, bands) in place of a scene, it is an ordinary
    classifier of scikit-learn, for pipelines, cross-validation and grid search: classical candidates on the columns.

    Args:
        minutes: Time for everything, the map included. Default 10.
        models: Names of :data:`mmhsi.estimator.candidates.CANDIDATES`, such as ``'lda'``; ``'auto'`` for all but
            the costly ones where the others leave them nothing to gain. Default ``'auto'``.
        folds: Folds of the comparison, at most. Default 5.
        seed: Of everything random; the same files and seed give the same map, where time cuts nothing short. Default 0.
        sample: Whether the labels are a random sample of the map; areas then get intervals. Default False.
        pretrained: Checkpoint of an encoder of HSIViT's layout, or the name of public weights (``mmhsi weights list``),
            which is fine-tuned as one more candidate. Default None.

    Attributes:
        classes_: Class names, (K,); of a table the labels.
        report: What is known of the accuracy, :class:`mmhsi.estimator.SceneReport`; of scenes alone.
        weights_: Weights of the candidates that were chosen, by name.
        checkpoint_: File of the model, which ``mmhsi predict`` takes without a config; of scenes alone.
        n_features_in_: Columns of the table; of tables alone.

    Example:
        >>> import numpy as np
        >>> from mmhsi.estimator import SceneClassifier
        >>> rng = np.random.default_rng(0)
        >>> truth = np.repeat([[1, 2]], 8, axis=1).repeat(16, axis=0)
        >>> cube = truth[..., None] + rng.normal(size=(16, 16, 6))
        >>> labels = np.where(rng.random((16, 16)) < 0.3, truth, 0)
        >>> model = SceneClassifier(minutes=1, models="lda").fit(cube, labels)
        >>> model.predict(cube).classes.shape
        (16, 16)
    """

    def __init__(
        self,
        minutes: float = 10,
        models: str | Sequence[str] = "auto",
        folds: int = 5,
        seed: int = 0,
        sample: bool = False,
        pretrained: str | None = None,
    ) -> None:
        self.minutes = minutes
        self.models = models
        self.folds = folds
        self.seed = seed
        self.sample = sample
        self.pretrained = pretrained

    def fit(
        self,
        cube: Any,
        y: Any,
        *,
        label_field: str = "class",
        second: Any = None,
        class_names: Mapping[int, str] | None = None,
        scene: Mapping[str, Any] | None = None,
        workdir: str | Path | None = None,
        resume: bool = False,
        say: Callable[[str], None] = lambda _: None,
    ) -> SceneClassifier:
        """Learn.

        Args:
            cube: A file that :func:`mmhsi.io.open_cube` reads, an array (H, W, C), a :class:`mmhsi.io.HSICube` or a
                ``DataArray``; or a table of pixels (n, bands), with which only ``y`` is given.
            y: Labels: a raster on the cube's grid, or an array (H, W): class numbers, 0 for no label; or a vector file,
                whose polygons are then held out whole. Of a table the label of each pixel, (n,).
            label_field: Of a vector file: field of the classes, names or numbers. Default: ``class``.
            second: A second source on the same ground, finer by a whole factor or not.
            class_names: Name of each class number. Default: as a GeoTIFF names them, else ``class 3`` and so on.
            scene: Further keys of the scene's description (:class:`mmhsi.datasets.SceneInfo`), such as ``image_key``,
                ``bad_bands`` or ``labels_key``.
            workdir: Folder for model, comparison, configs and report. Default: a temporary one.
            resume: Whether to go on from what an interrupted run has found out in ``workdir``.
            say: Is told what is going on, a line at a time.

        Returns:
            The classifier.

        Raises:
            ConfigError: If an option cannot work.
            DataError: If a file is missing or damaged, or would be written over in ``workdir``, the sources do not fit
                each other, or there are too few labels.
        """
        wishes = self._wishes()
        for name in ("checkpoint_", "report", "weights_", "table_", "n_features_in_", "classes_"):
            self.__dict__.pop(name, None)
        if is_table(cube):
            self.table_ = PixelTable.fit(self, cube, y, wishes)
            self.classes_, self.weights_ = self.table_.classes, self.table_.weights
            return self
        clock = Clock(wishes.minutes)
        self._keep = tempfile.TemporaryDirectory(prefix="mmhsi-") if workdir is None else None
        folder = Path(workdir or self._keep.name)  # type: ignore[union-attr]
        with writing(folder):
            make_folder(folder)
        read = [Path(given) for given in (cube, y, second, self.pretrained) if is_path(given)]
        check_outputs([folder / name for name in WRITTEN], read)
        check_work_folder(folder)
        fields = {"label_field": label_field, **(scene or {})}
        described = describe_scene(cube, y, second, class_names, fields, folder)
        learnt = SceneLearning(described, wishes, folder, clock, resume, say).run()
        self.classes_, self.weights_, self.checkpoint_ = learnt.classes, learnt.weights, learnt.checkpoint
        self.report, self._report_path = learnt.report, folder / "report.json"
        self.report.save(self._report_path)
        return self

    def predict(
        self,
        cube: Any,
        *,
        second: Any = None,
        out: str | Path | None = None,
        scene: Mapping[str, Any] | None = None,
        resume: bool = False,
        progress: Callable[[float, int], None] | None = None,
    ) -> Any:
        """Map a scene, or classify a table of pixels.

        Args:
            cube: As in :meth:`fit`; this scene or another one of the same bands.
            second: Second source, where it was fitted with one.
            out: GeoTIFF for the map; probabilities and doubt lie beside it as ``OUT.probabilities.tif`` and
                ``OUT.doubt.tif``. Default: temporary files.
            scene: Further keys of the scene's description: ``image_key``, ``image_axes``, ``image_options``,
                ``second_key``, ``second_axes``.
            resume: Whether to go on from the finished rows of an interrupted run with the same ``out``; those of
                another model or scene are made anew, which a warning says.
            progress: Called with the rows done, of those in work their parts, and the rows in all.

        Returns:
            :class:`mmhsi.estimator.SceneResult`: classes, probabilities and doubt; the report has the map's areas and
            doubtful regions from then on. Of a table the labels, (n,).

        Raises:
            ConfigError: If it has not been fitted, or the scene does not fit it.
            DataError: If a file is missing or damaged.
        """
        if self._asked_of_table(cube):
            return self.classes_[self.table_.probabilities(self, cube).argmax(axis=1)]
        keep = tempfile.TemporaryDirectory(prefix="mmhsi-")
        folder, scene = Path(keep.name), scene or {}
        path = folder / "map.tif" if out is None else Path(out)
        files = dict(
            out=path,
            probabilities=path.with_name(f"{path.stem}.probabilities.tif"),
            uncertainty=path.with_name(f"{path.stem}.doubt.tif"),
        )
        image = as_file(cube, "cube", folder)
        write_map = partial(
            SceneInferencer(None, self.checkpoint_).write_map,
            image,
            path,
            key=scene.get("image_key"),
            axes=scene.get("image_axes"),
            image_options=scene.get("image_options"),
            second=None if second is None else as_file(second, "second", folder),
            second_key=scene.get("second_key"),
            second_axes=scene.get("second_axes"),
            probabilities=files["probabilities"],
            uncertainty=files["uncertainty"],
            progress=progress,
            moving=progress,
        )
        try:
            write_map(resume=resume)
        except OtherRunError:
            warn(f"{path}: its finished rows are of another model or of a scene that has changed; it is begun anew")
            write_map(resume=False)
        result = SceneResult(files, self.classes_.tolist(), keep)
        fill_areas(self.report, result)
        self.report.doubtful = doubtful_regions(files["uncertainty"])
        self.report.next_labels = next_labels(image, scene, files["uncertainty"], self.seed)
        self.report.save(self._report_path)
        accuracy = dict(
            overall=self.report.accuracy.value, low=self.report.accuracy.low, high=self.report.accuracy.high
        )
        how = "of the map, from held-out pixels of the training's scene; 90 % interval from whole groups of them"
        add_accuracy(path, dict(accuracy, how=how))
        return result

    def predict_proba(self, cube: Any, *, second: Any = None) -> NDArray[np.floating]:
        """Calibrated class probabilities of a scene, (H, W, K), NaN without data; of a table (n, K).

        Args:
            cube: As in :meth:`fit`.
            second: Second source, where it was fitted with one.
        """
        if self._asked_of_table(cube):
            return self.table_.probabilities(self, cube)
        probabilities: NDArray[np.float32] = self.predict(cube, second=second).probabilities
        return probabilities

    def score(self, cube: Any, y: Any, sample_weight: ArrayLike | None = None, *, second: Any = None) -> float:
        """Share of the labelled pixels that are right.

        Args:
            cube: As in :meth:`fit`.
            y: Class indices (H, W), 255 for no label; of a table the label of each pixel, (n,).
            sample_weight: Of a table: weight of each pixel, (n,).
            second: Second source, where it was fitted with one.

        Raises:
            DataError: If the labels have another shape.
        """
        if self._asked_of_table(cube):
            return float(accuracy_score(y, self.predict(cube), sample_weight=sample_weight))
        mapped, truth = self.predict(cube, second=second).classes, np.asarray(y)
        if truth.shape != mapped.shape:
            raise DataError(f"labels of shape {truth.shape} given for a map of {mapped.shape}")
        kept = (truth != 255) & (mapped != 255)
        return float((mapped == truth)[kept].mean())

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled; the model's file comes along, as its folder may be gone by then."""
        state = dict(super().__getstate__())
        state.pop("_keep", None)
        if "checkpoint_" in state:
            state["checkpoint_"] = self.checkpoint_.read_bytes()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take up what was pickled, the model's file in a temporary folder."""
        super().__setstate__(state)
        if "checkpoint_" in state:
            self._keep = tempfile.TemporaryDirectory(prefix="mmhsi-")
            folder = Path(self._keep.name)
            self.checkpoint_, self._report_path = folder / "model.pth", folder / "report.json"
            self.checkpoint_.write_bytes(state["checkpoint_"])

    def _html_repr(self) -> str:
        """What a notebook shows: the report once there is one, else scikit-learn's diagram."""
        if hasattr(self, "report"):
            return self.report._repr_html_()
        shown: str = super()._html_repr()
        return shown

    def _asked_of_table(self, cube: Any) -> bool:
        """Whether a table is to be classified.

        Raises:
            ConfigError: If nothing was learnt, or something else.
        """
        if not (hasattr(self, "checkpoint_") or hasattr(self, "table_")):
            raise NotFittedYetError("SceneClassifier: not fitted yet; call fit(cube, labels)")
        if is_table(cube) and not hasattr(self, "table_"):
            raise ConfigError("SceneClassifier: was fitted to a scene; a table of pixels has no surroundings")
        if not is_table(cube) and not hasattr(self, "checkpoint_"):
            raise ConfigError("SceneClassifier: was fitted to a table of pixels; give a table (n, bands)")
        return hasattr(self, "table_")

    def _wishes(self) -> Wishes:
        """The options, checked."""
        if not (isinstance(self.minutes, Real) and 0 < self.minutes < math.inf):
            raise ConfigError(f"minutes={self.minutes!r} given, expected more than 0 and not infinite")
        if not is_whole(self.folds) or self.folds < 2:
            raise ConfigError(f"folds={self.folds!r} given, expected at least 2")
        check_seed(self.seed)
        if self.pretrained is not None and not is_path(self.pretrained):
            raise ConfigError(
                f"pretrained={self.pretrained!r} given, expected a checkpoint's path or a name of mmhsi weights list"
            )
        candidates = wished(choose_candidates(self.models), self.pretrained)
        auto = isinstance(self.models, str) and self.models == "auto"
        return Wishes(float(self.minutes), candidates, int(self.folds), int(self.seed), bool(self.sample), auto)
