"""From held-out predictions to the figures of a report."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError, counted
from mmhsi.evaluation import ConfusionMatrix, Temperature, group_interval, reliability, stratified_accuracy
from mmhsi.inference.checks import warn

from .report import ClassRow, SceneReport, Share
from .weighing import SURE, standard_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mmhsi.datasets.splits.folds import Folds

    from .comparison import Tried
    from .result import SceneResult

FEWEST = 10
"""Labelled pixels below which a class is warned of; with so many its own accuracy counts as much as that of all."""


def mixture(tried: Sequence[Tried], weights: Mapping[str, int]) -> NDArray[np.float64]:
    """Weighted mean of what candidates say, (n, K).

    Args:
        tried: Candidates.
        weights: Of those that count, by name.
    """
    members = [one for one in tried if one.name in weights]
    return np.average([one.probabilities for one in members], axis=0, weights=[weights[one.name] for one in members])


def out_of_fold_temperature(probabilities: NDArray, classes: NDArray[np.int64], folds: Folds) -> NDArray[np.float64]:
    """Probabilities calibrated by temperatures that were fitted to the other folds, (n, K).

    Args:
        probabilities: Of held-out pixels, (n, K).
        classes: (n,).
        folds: Of the pixels.
    """
    found = np.array(probabilities, dtype=np.float64)
    told = learnt_elsewhere(classes, folds)
    for train, held in folds:
        used = train & told
        fitted = sure_temperature(probabilities[used], classes[used], folds.group[used])
        found[held] = fitted(probabilities[held])
    return found


def learnt_elsewhere(classes: NDArray[np.int64], folds: Folds) -> NDArray[np.bool_]:
    """Pixels whose class other folds hold, too, (n,): of the rest no prediction can be right, whatever the map is.

    Args:
        classes: Class of each labelled pixel, (n,).
        folds: Of the pixels.
    """
    return np.isin(classes, [index for index in np.unique(classes) if np.ptp(folds.fold[classes == index])])


def sure_temperature(probabilities: NDArray, classes: NDArray[np.int64], groups: NDArray[np.int64]) -> Temperature:
    """The temperature under which held-out labels are likeliest, or none where the gain is within twice its error.

    Args:
        probabilities: Of held-out pixels whose class was learnt, (n, K).
        classes: (n,).
        groups: What was held out together, (n,), by which the standard error of the gain is known.
    """
    if not len(classes):
        return Temperature()
    fitted = Temperature.fit(probabilities, classes)

    def likelihood(given: NDArray) -> NDArray[np.float64]:
        return np.log(np.take_along_axis(given, classes[:, None], axis=1)[:, 0].clip(1e-3))

    gain = likelihood(fitted(probabilities)) - likelihood(probabilities)
    return fitted if gain.mean() > SURE * standard_error(gain, groups) else Temperature()


def assess(
    scene: str,
    names: Sequence[str],
    classes: NDArray[np.int64],
    folds: Folds,
    tried: Sequence[Tried],
    weights: Mapping[str, int],
    shares: NDArray[np.float64],
) -> SceneReport:
    """Measure an ensemble on held-out pixels.

    Few labels are rarely spread over the classes as the scene is, so the accuracy of the map is weighted by its classes
    (:func:`map_weights`).

    Args:
        scene: Its name.
        names: Class names.
        classes: Class of each labelled pixel, (n,).
        folds: Of the pixels.
        tried: Candidates.
        weights: Those of the ensemble.
        shares: Share of the map that each class has, (K,).
    """
    raw, told = mixture(tried, weights), learnt_elsewhere(classes, folds)
    calibrated = out_of_fold_temperature(raw, classes, folds)
    predicted = calibrated.argmax(axis=1)
    right = predicted == classes
    confusion = ConfusionMatrix.from_labels(classes, predicted, len(names))
    after = reliability(calibrated, classes)
    rows = []
    for index, name in enumerate(names):
        own, called = classes == index, predicted == index
        rows.append(
            ClassRow(
                name=name,
                labels=int(own.sum()),
                producers=_share(right[own], folds.group[own]),
                users=_share(right[called], folds.group[called]),
            )
        )
    report = SceneReport(
        scene=scene,
        accuracy=_share(right, folds.group, map_weights(predicted, shares)),
        folds=folds.rule,
        groups=len(np.unique(folds.group)),
        classes=rows,
        confusion=confusion.counts.tolist(),
        candidates=[dict(name=one.name, accuracy=one.accuracy, seconds=round(one.seconds, 2)) for one in tried],
        weights=dict(weights),
        temperature=sure_temperature(raw[told], classes[told], folds.group[told]).value,
        calibration=(reliability(raw, classes).expected_error, after.expected_error),
        reliability=[
            (float(confidence), float(accuracy), int(count))
            for confidence, accuracy, count in zip(after.confidence, after.accuracy, after.counts, strict=True)
            if count
        ],
    )
    report.warnings += [
        f"{row.name}: only {counted(row.labels, 'labelled pixel')}" for row in rows if row.labels < FEWEST
    ]
    counts = np.bincount(classes[told], minlength=len(names))
    if told.any() and right[told].sum() <= counts.max():
        commonest = names[int(counts.argmax())]
        report.warnings.append(
            f"held-out pixels are right no more often than if all were called {commonest}: the map tells nothing"
        )
    return report


def in_one_place(names: Sequence[str], classes: NDArray[np.int64], groups: NDArray[np.int64]) -> list[str]:
    """Warnings of classes of which nothing is left to learn from where they are held out.

    Args:
        names: Class names.
        classes: Class of each labelled pixel, (n,).
        groups: What is held out together, (n,).
    """
    alone = [name for index, name in enumerate(names) if len(np.unique(groups[classes == index])) == 1]
    if not alone:
        return []
    helps = "draw several polygons or points of each class, apart from one another"
    if len(alone) == len(np.unique(classes)):
        return [
            "the labels of every class lie in one place, so a class that is held out is one that was never learnt: "
            f"accuracies below near 0 say nothing of the map, and how good it is cannot be measured; {helps}"
        ]
    return [f"{', '.join(alone)}: all its labels lie in one place, so nothing is known of it elsewhere; {helps}"]


def map_weights(predicted: NDArray[np.int64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each held-out pixel stands for on the map, so that their weighted mean is the map's accuracy.

    The accuracy is the mean over the map's classes, by their shares, of how often each is right where it is predicted
    (post-stratification). Five pixels say little of a class that covers half the map, and nothing of how little that
    is where all are right: each class is given :data:`FEWEST` pixels more of the accuracy of all.

    Args:
        predicted: Class of each pixel, (n,).
        shares: Share of the map that each class has, (K,).

    Returns:
        Shape (n,); sum 1.
    """
    counts = np.bincount(predicted, minlength=len(shares)) + FEWEST
    weights: NDArray[np.float64] = (shares / counts)[predicted] + (shares * FEWEST / counts).sum() / len(predicted)
    return weights


def _share(right: NDArray[np.bool_], groups: NDArray[np.int64], weights: NDArray | None = None) -> Share:
    """Share of right pixels with a 90 % interval."""
    if not right.size or (weights is not None and not weights.any()):
        return Share(float("nan"))
    return Share(float(np.average(right, weights=weights)), *group_interval(right, groups, 0.9, weights))


def fill_areas(report: SceneReport, result: SceneResult) -> None:
    """Put a map's shares into a report, and areas with intervals where its labels are a probability sample.

    Args:
        report: Changed in place.
        result: The map.
    """
    counts = np.bincount(result.classes.ravel(), minlength=256)[: len(report.classes)]
    report.pixels = int(counts.sum())
    shares = counts / max(1, report.pixels)
    areas, warned = [Share(float("nan"))] * len(shares), list[str]()
    if report.sample:
        try:
            found = stratified_accuracy(ConfusionMatrix(np.asarray(report.confusion)), counts).areas
        except DataError as error:
            warned.append(f"areas have no intervals: {error}")
        else:
            bounds = [tuple(map(float, row)) for row in zip(found.value, *found.interval(0.95), strict=True)]
            areas = [Share(*row) if row[1] < row[2] else Share(row[0]) for row in bounds]
            if sure := [one.name for one, area in zip(report.classes, areas, strict=True) if math.isnan(area.low)]:
                warned.append(
                    f"no intervals for the areas of {', '.join(sure)}: the sample has too few held-out pixels, or none "
                    "that is confused with them, which does not mean that none is"
                )
    for text in warned:
        warn(text)
    report.warnings += warned
    report.classes = [
        replace(row, mapped=float(share), area=area)
        for row, share, area in zip(report.classes, shares, areas, strict=True)
    ]
