_base_ = "./cnn2d-multiscale.py"
# Spectra without their brightness.
data = dict(transforms=[dict(type="UnitSpectra")])
train_dataloader = dict(dataset=data)
test_dataloader = dict(dataset=data)
