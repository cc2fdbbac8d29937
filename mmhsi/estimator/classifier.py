"""A scene and some labels in, a map that can be defended out."""

from __future__ import annotations

import platform
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin

from mmhsi.datasets import SceneDataset
from mmhsi.datasets.splits.folds import scene_folds
from mmhsi.errors import ConfigError, DataError
from mmhsi.inference import SceneInferencer
from mmhsi.inference.stac import add_accuracy
from mmhsi.io.files import file_digest
from mmhsi.version import __version__

from .assessment import assess, fill_areas, mixture
from .comparison import choose_candidates, compare, fit_weights, learner_config, thin
from .keeping import Comparison, model_config, save_config, save_model
from .result import SceneResult
from .scene_files import as_file, describe_scene
from .training import build_network, mapped_shares, pixel_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from .comparison import Tried
    from .report import SceneReport

GROUPS = ["spectra", "emp", "ms", "nemp", "words"]
"""Channels, with ``texture`` where there is a finer source; spectra come first, for some candidates see them alone."""

TRYING = 0.5
"""Share of the time in which candidates are tried; training, the map and the leaky figure get the rest."""


class SceneClassifier(ClassifierMixin, BaseEstimator):
    """Classify a scene from some of its pixels: classical models on scene channels, compared, weighted, calibrated.

    What is learnt is chosen on pixels that were held out (:func:`mmhsi.datasets.splits.folds.scene_folds`), and so is
    the accuracy that the report expects. Follows scikit-learn's conventions, but that its samples are the labelled
    pixels of a scene: ``fit`` takes the scene.

    Args:
        minutes: Time for everything, kept roughly: candidates are tried while there is some. Default 10.
        models: ``'auto'``, or names of candidates: ``extra-trees``, ``lda``, ``lda-on-spectra``, ``svm``,
            ``svm-on-spectra``, ``random-forest``, ``mlp``.
        folds: Folds of the comparison, at most. Default 5.
        seed: Of everything random; the same files and seed give the same map. Default 0.
        sample: Whether the labels are a random sample of the map; areas then get intervals. Default False.

    Attributes:
        classes_: Class names, (K,).
        report: What is known of the accuracy, :class:`mmhsi.estimator.SceneReport`.
        weights_: Weights of the candidates that were chosen, by name.
        checkpoint_: File of the model, which ``mmhsi predict`` takes without a config.

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
    ) -> None:
        self.minutes = minutes
        self.models = models
        self.folds = folds
        self.seed = seed
        self.sample = sample

    def fit(
        self,
        cube: Any,
        labels: Any,
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
                ``DataArray``.
            labels: A raster on the cube's grid, or an array (H, W): class numbers, 0 for no label; or a vector file,
                whose polygons are then held out whole.
            label_field: Of a vector file: field of the classes, names or numbers. Default: ``class``.
            second: A second source on the same ground, finer by a whole factor or not.
            class_names: Name of each class number. Default: ``class 3`` and so on.
            scene: Further keys of the scene's description (:class:`mmhsi.datasets.SceneInfo`), such as ``image_key``,
                ``bad_bands`` or ``labels_key``.
            workdir: Folder for model, comparison, config and report. Default: a temporary one.
            resume: Whether candidates that an interrupted run has tried in ``workdir`` are not tried again.
            say: Is told what is going on, a line at a time.

        Returns:
            The classifier.

        Raises:
            ConfigError: If an option cannot work.
            DataError: If a file is missing or damaged, the sources do not fit each other, or there are too few labels.
        """
        if not self.minutes > 0:
            raise ConfigError(f"minutes={self.minutes} given, expected more than 0")
        if type(self.folds) is not int or self.folds < 2:
            raise ConfigError(f"folds={self.folds!r} given, expected at least 2")
        names, begin = choose_candidates(self.models), time.monotonic()
        self._keep = tempfile.TemporaryDirectory(prefix="mmhsi-") if workdir is None else None
        folder = Path(workdir or self._keep.name)  # type: ignore[union-attr]
        folder.mkdir(parents=True, exist_ok=True)
        fields = {"label_field": label_field, **(scene or {})}
        described = describe_scene(cube, labels, second, class_names, fields, folder)
        finer = "second_image" in described
        channels = dict(type="SceneChannels", groups=GROUPS + ["texture"] * finer)
        data = dict(scene=described, data_root="", window=1, subset="labelled", transforms=[channels], use_second=finer)
        dataset = SceneDataset(**data)  # type: ignore[arg-type]
        spec, classes = dataset.spec, dataset.labels.ravel()[dataset.pixels]  # type: ignore[union-attr]
        candidates = {name: learner_config(name, len(spec.bands), finer) for name in names}
        height, width = dataset.scene.shape
        say(f"scene: {height} x {width} pixels, {len(spec.bands)} bands in use")
        counts = np.bincount(classes, minlength=spec.num_classes)
        say("labels: " + ", ".join(f"{name} {count}" for name, count in zip(spec.classes, counts, strict=True)))
        network = build_network(model_config(dict(type="ExtraTrees"), 1.0), dataset)
        samples = pixel_samples(network, dataset, dataset.pixels)
        looked = time.monotonic()

        polygons = _polygons(dataset)
        folds = scene_folds(dataset.pixels, classes, dataset.valid_pixels, self.folds, self.seed, polygons)
        say(f"held out: {folds.rule}")
        comparison = Comparison.of(folder, self.seed, samples, classes, folds.fold)
        tried = comparison.load(candidates, classes) if resume else []
        for one in tried:
            say(f"  {one.name}: {100 * one.accuracy:.1f} % of held-out pixels, tried before")
        left = {name: config for name, config in candidates.items() if name not in {one.name for one in tried}}
        seconds = TRYING * 60 * self.minutes - sum(one.seconds for one in tried)

        def note(one: Tried) -> None:
            tried.append(one)
            comparison.save(tried)
            say(f"  {one.name}: {100 * one.accuracy:.1f} % of held-out pixels, {one.seconds:.1f} s")

        if left and (seconds > 0 or not tried):
            compare(left, samples, classes, spec.num_classes, folds, self.seed, seconds, note)
        self.weights_ = fit_weights(tried, classes)
        compared = time.monotonic()

        trained = build_network(model_config(self._learner(candidates), 1.0), dataset)
        chosen = thin(np.arange(len(classes)), classes, self.seed)
        trained.seed.fill_(self.seed)
        trained.keep(torch.from_numpy(samples[chosen]), torch.from_numpy(classes[chosen]))
        shares = mapped_shares(trained, dataset, self.seed)
        report = assess(spec.scene, spec.classes, classes, folds, tried, self.weights_, shares)
        self._add_random_figure(report, tried, samples, classes, dataset, begin)
        trained.temperature = report.temperature
        model = model_config(self._learner(candidates), report.temperature)
        self.checkpoint_ = save_model(folder / "model.pth", model, trained, spec.to_meta(), self.seed)
        save_config(folder / "config.py", model, data, self.seed)
        self.classes_ = np.asarray(spec.classes)
        self._finish(report, dataset, described, candidates, tried)
        steps = dict(look=looked - begin, compare=compared - looked, train=time.monotonic() - compared)
        report.facts["seconds"] = {name: round(value, 1) for name, value in steps.items()}
        self.report, self._report_path = report, folder / "report.json"
        report.save(self._report_path)
        say(f"expected accuracy elsewhere on the scene: {report.accuracy}")
        return self

    def predict(
        self,
        cube: Any,
        *,
        second: Any = None,
        out: str | Path | None = None,
        scene: Mapping[str, Any] | None = None,
        resume: bool = False,
    ) -> SceneResult:
        """Map a scene.

        Args:
            cube: As in :meth:`fit`; this scene or another one of the same bands.
            second: Second source, where it was fitted with one.
            out: GeoTIFF for the map; probabilities and doubt lie beside it as ``OUT.probabilities.tif`` and
                ``OUT.doubt.tif``. Default: temporary files.
            scene: Further keys of the scene's description: ``image_key``, ``image_axes``, ``second_key``,
                ``second_axes``.
            resume: Whether to go on from the finished rows of an interrupted run with the same ``out``.

        Returns:
            Classes, probabilities and doubt; the report has the map's areas from then on.

        Raises:
            ConfigError: If it has not been fitted, or the scene does not fit it.
            DataError: If a file is missing or damaged.
        """
        if not hasattr(self, "checkpoint_"):
            raise ConfigError("SceneClassifier: not fitted yet; call fit(cube, labels)")
        keep = tempfile.TemporaryDirectory(prefix="mmhsi-")
        folder, scene = Path(keep.name), scene or {}
        path = folder / "map.tif" if out is None else Path(out)
        files = dict(
            out=path,
            probabilities=path.with_name(f"{path.stem}.probabilities.tif"),
            uncertainty=path.with_name(f"{path.stem}.doubt.tif"),
        )
        SceneInferencer(None, self.checkpoint_).write_map(
            as_file(cube, "cube", folder),
            path,
            key=scene.get("image_key"),
            axes=scene.get("image_axes"),
            second=None if second is None else as_file(second, "second", folder),
            second_key=scene.get("second_key"),
            second_axes=scene.get("second_axes"),
            resume=resume,
            probabilities=files["probabilities"],
            uncertainty=files["uncertainty"],
        )
        result = SceneResult.read(files, self.classes_.tolist(), keep)
        fill_areas(self.report, result.classes)
        self.report.save(self._report_path)
        accuracy = dict(
            overall=self.report.accuracy.value, low=self.report.accuracy.low, high=self.report.accuracy.high
        )
        how = "of the map, from held-out pixels of the training's scene; 90 % interval from whole groups of them"
        add_accuracy(path, dict(accuracy, how=how))
        return result

    def predict_proba(self, cube: Any, *, second: Any = None) -> NDArray[np.float32]:
        """Calibrated class probabilities of a scene, (H, W, K); NaN without data.

        Args:
            cube: As in :meth:`fit`.
            second: Second source, where it was fitted with one.
        """
        return self.predict(cube, second=second).probabilities

    def score(self, cube: Any, labels: Any, *, second: Any = None) -> float:
        """Share of the labelled pixels of a map that are right.

        Args:
            cube: As in :meth:`fit`.
            labels: Class indices (H, W), 255 for no label.
            second: Second source, where it was fitted with one.

        Raises:
            DataError: If the labels have another shape.
        """
        mapped, truth = self.predict(cube, second=second).classes, np.asarray(labels)
        if truth.shape != mapped.shape:
            raise DataError(f"labels of shape {truth.shape} given for a map of {mapped.shape}")
        kept = (truth != 255) & (mapped != 255)
        return float((mapped == truth)[kept].mean())

    def _learner(self, candidates: Mapping[str, dict]) -> dict[str, Any]:
        """Config of what was chosen."""
        members = [candidates[name] for name in self.weights_]
        if len(members) == 1:
            return dict(members[0])
        return dict(type="MeanOfLearners", members=members, weights=list(self.weights_.values()))

    def _add_random_figure(
        self,
        report: SceneReport,
        tried: Sequence[Tried],
        samples: NDArray[np.float32],
        classes: NDArray[np.int64],
        dataset: SceneDataset,
        begin: float,
    ) -> None:
        """What folds of single pixels would have said of the ensemble, where time suffices."""
        members = {one.name: one.config for one in tried if one.name in self.weights_}
        cost = sum(one.seconds for one in tried if one.name in self.weights_)
        if time.monotonic() - begin + cost > 0.8 * 60 * self.minutes:
            report.decisions.append("the leaky figure of folds drawn pixel by pixel was left out for want of time")
            return
        singles = np.arange(len(classes))
        folds = scene_folds(dataset.pixels, classes, dataset.valid_pixels, self.folds, self.seed, groups=singles)
        found = compare(members, samples, classes, dataset.spec.num_classes, folds, self.seed, float("inf"))
        report.random = float((mixture(found, self.weights_).argmax(axis=1) == classes).mean())

    def _finish(
        self,
        report: SceneReport,
        dataset: SceneDataset,
        described: Mapping[str, Any],
        candidates: Mapping[str, dict],
        tried: Sequence[Tried],
    ) -> None:
        """Facts and decisions of a report."""
        cube = dataset.scene.cube
        report.sample, report.pixels = self.sample, int(dataset.valid_pixels.sum())
        if cube.transform is not None and cube.crs is not None and cube.crs.is_projected:
            report.pixel_area = abs(cube.transform.determinant) * cube.crs.linear_units_factor[1] ** 2
        report.facts |= dict(mmhsi=__version__, python=platform.python_version(), seed=self.seed)
        for name in ("image", "labels", "second_image"):
            if name in described:
                report.facts[f"SHA-256 of {name}"] = file_digest(Path(described[name]))
        report.decisions += [
            "bands were replaced by channels of each pixel's surroundings at several scales (SceneChannels)",
            "every candidate began with weight 1; weights changed while the likelihood of held-out labels grew",
        ]
        missing = [name for name in candidates if name not in {one.name for one in tried}]
        if missing:
            report.decisions.append(f"not tried for want of time ({self.minutes:g} minutes): {', '.join(missing)}")


def _polygons(dataset: SceneDataset) -> NDArray[np.int64] | None:
    """Polygon of each labelled pixel, where labels were drawn as polygons; None for rasters and points."""
    if dataset.polygons is None:
        return None
    numbers = dataset.polygons.ravel()[dataset.pixels].astype(np.int64)
    return numbers if len(numbers) >= 2 * len(np.unique(numbers)) else None
