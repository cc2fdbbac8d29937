_base_ = "./ridge.py"
model = dict(backbone=dict(type="ExtraTreesValues"))
