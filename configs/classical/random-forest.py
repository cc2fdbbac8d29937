_base_ = "./extra-trees.py"
model = dict(backbone=dict(type="RandomForest"))
