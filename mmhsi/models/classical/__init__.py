"""Classical classifiers, one a file; they keep their training samples and learn from them again when loaded."""

from .classifier import ClassicalClassifier
from .columns import OnColumns
from .lda import LDA
from .learner import Learner
from .mean import MeanOfLearners
from .mlp import MLP
from .svm import SVM
from .trees import ExtraTrees, RandomForest

__all__ = [
    "LDA",
    "MLP",
    "SVM",
    "ClassicalClassifier",
    "ExtraTrees",
    "Learner",
    "MeanOfLearners",
    "OnColumns",
    "RandomForest",
]
