# The mean of all five.
_base_ = "./extra-trees.py"
members = [dict(type=name) for name in ("LDA", "SVM", "MLP", "ExtraTrees", "RandomForest")]
model = dict(backbone=dict(type="MeanOfLearners", members=members))
