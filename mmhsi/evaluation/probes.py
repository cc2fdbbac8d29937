"""How much of the classes frozen features tell, without training a network: k nearest neighbours, a linear map."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmhsi.errors import DataError, counted

Features = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


def knn_probe(
    train: Features, labels: Labels, test: Features, neighbors: int = 20, temperature: float = 0.07
) -> Labels:
    """Classify by the most similar training features (Wu et al. 2018; DINO's and DINOv2's protocol).

    Each of the k neighbours of the highest cosine similarity s votes for its class with exp(s / temperature).

    Args:
        train: Shape (n, d).
        labels: Classes 0..K-1, shape (n,).
        test: Shape (m, d).
        neighbors: k; with fewer training features all of them vote. Default 20.
        temperature: Default 0.07.

    Returns:
        Classes, shape (m,).

    Raises:
        DataError: If there are no training features.
    """
    if not len(train):
        raise DataError("knn_probe: no training features")
    known = F.normalize(torch.from_numpy(train), dim=1)
    classes = torch.from_numpy(labels)
    k = min(neighbors, len(train))
    count = int(classes.max()) + 1
    chosen = []
    for part in torch.from_numpy(test).split(4096):
        similarity, index = (F.normalize(part, dim=1) @ known.T).topk(k, dim=1)
        votes = torch.zeros(len(part), count).scatter_add_(1, classes[index], (similarity / temperature).exp())
        chosen.append(votes.argmax(dim=1))
    return torch.cat(chosen).numpy()


def linear_probe(
    train: Features, labels: Labels, test: Features, seed: int = 0, groups: Labels | None = None
) -> Labels:
    """Classify by multinomial logistic regression on standardised features.

    Its regularisation is chosen by cross-validation inside the training features: by up to five stratified folds, or
    where there are groups by folds of whole groups, because neighbours on both sides of a fold would ask for too little
    of it.

    Args:
        train: Shape (n, d).
        labels: Classes 0..K-1, at least two of them, shape (n,).
        test: Shape (m, d).
        seed: Of the folds.
        groups: Tile of every training feature, shape (n,). Default: none, every feature for itself.

    Returns:
        Classes, shape (m,).

    Raises:
        DataError: If there are fewer than two classes.
    """
    _, counts = np.unique(labels, return_counts=True)
    if len(counts) < 2:
        raise DataError(
            f"linear_probe: {counted(len(counts), 'class', 'classes')} in the training features, expected at least 2"
        )
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    folds = min(5, int(counts.min()) if groups is None else len(np.unique(groups)))
    if folds < 2:  # a class with a single feature, or a single tile, cannot be validated
        return model.fit(train, labels).predict(test)
    split = StratifiedKFold(folds, shuffle=True, random_state=seed) if groups is None else GroupKFold(folds)
    grid = {"logisticregression__C": [1e-3, 1e-2, 1e-1, 1.0, 10.0]}
    search = GridSearchCV(model, grid, cv=split)
    return search.fit(train, labels, groups=groups).predict(test)
