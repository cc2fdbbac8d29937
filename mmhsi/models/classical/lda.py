"""Linear discriminant analysis for more features than samples."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.probabilities import softmax
from mmhsi.registry import MODELS

from .learner import Learner

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEW = 3
"""Samples a class on average below which nothing is known of how features vary together."""

ROUNDING = np.finfo(np.float32).eps ** 2
"""Variance within classes, as a share of the mean square, up to which a class's samples are one and their rounding."""

FLOOR = 1e-3
"""Added to each feature's variance, as a share of their mean, where a few samples may happen to agree in a feature."""

UNSEEN = -1e4
"""Logit of a class without training pixels, less the mean of the others: its probability is 0."""


@MODELS.register_module()
class LDA(Learner):
    """Gaussians of one covariance, shrunk towards a multiple of the identity as far as Ledoit and Wolf's rule says.

    With class means μ_k, shares π_k and the shrunk covariance Σ the probabilities are the softmax of
    x'Σ⁻¹μ_k − μ_k'Σ⁻¹μ_k / 2 + ln π_k (O. Ledoit, M. Wolf, Journal of Multivariate Analysis 88, 2004).
    Scikit-learn takes that rule class by class, and of two samples it finds nothing to shrink: with fewer than three a
    class on average, or where all samples of every class are the same, Σ is diagonal, the variance of each feature over
    all samples and a thousandth of their mean, and all shares are alike.
    """

    def fit(self, samples: NDArray[np.float32], labels: NDArray[np.int64], seed: int) -> None:
        """Fit; nothing is random; arguments as for :meth:`Learner.learn`."""
        self.few: tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]] | None = None
        classes, codes = np.unique(labels, return_inverse=True)
        means = np.stack([samples[labels == index].mean(axis=0, dtype=np.float64) for index in classes])
        alike = np.square(samples - means[codes]).mean() <= ROUNDING * np.square(samples, dtype=np.float64).mean()
        if alike or len(samples) < FEW * len(classes):
            variances = samples.var(axis=0, dtype=np.float64)
            self.few = means, classes, (variances + FLOOR * variances.mean()).clip(1e-12)
            return
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis  # not at the top: half a second

        self.analysis = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
        with warnings.catch_warnings():  # of a class of one sample, which has no covariance, as its share of Σ says
            warnings.filterwarnings("ignore", "Only one sample available", UserWarning)
            self.analysis.fit(samples, labels)

    def probabilities(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of the Gaussians; arguments as for :meth:`Learner.probabilities`."""
        if self.few is not None:
            weights, biases = self.linear()
            return softmax(samples @ weights.T + biases)
        return self.among_all(self.analysis.predict_proba(samples), self.analysis.classes_)

    def linear(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The classifier as a linear layer, the softmax of whose outputs is :meth:`probabilities`.

        Returns:
            Weights (K, F) and biases (K,), less the median over the classes: what classes share, and a class far from
            all others, would else round the differences of the rest away in float32. A class without training pixels
            has the mean of the others less 10,000, and so never the largest logit.
        """
        if self.few is not None:
            means, classes, variances = self.few
            weights = means / variances
            biases = -(means * weights).sum(axis=1) / 2
        else:
            classes, weights, biases = self.analysis.classes_, self.analysis.coef_, self.analysis.intercept_
            if len(classes) == 2:  # scikit-learn gives the difference of the two
                weights, biases = np.concatenate([-weights, weights]) / 2, np.concatenate([-biases, biases]) / 2
        table, offsets = np.tile(weights.mean(axis=0), (self.num_classes, 1)), np.full(self.num_classes, biases.mean())
        offsets += UNSEEN
        table[classes], offsets[classes] = weights, biases
        return table - np.median(weights, axis=0), offsets - np.median(biases)
