"""Classical classifiers and regressors; they keep their training samples and learn from them again when loaded."""

from .classifier import ClassicalClassifier
from .columns import OnColumns
from .lda import LDA
from .learner import Learner
from .mean import MeanOfLearners
from .mlp import MLP
from .regressor import ClassicalRegressor
from .svm import SVM
from .trees import ExtraTrees, RandomForest
from .value_learner import ValueLearner
from .value_learners import PLS, ExtraTreesValues, Ridge

__all__ = [
    "LDA",
    "MLP",
    "PLS",
    "SVM",
    "ClassicalClassifier",
    "ClassicalRegressor",
    "ExtraTrees",
    "ExtraTreesValues",
    "Learner",
    "MeanOfLearners",
    "OnColumns",
    "RandomForest",
    "Ridge",
    "ValueLearner",
]
