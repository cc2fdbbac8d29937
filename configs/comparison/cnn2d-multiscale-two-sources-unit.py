_base_ = "./cnn2d-two-sources.py"
# Of the cube two scales, as in cnn2d-multiscale, and spectra without their brightness.
model = dict(
    backbone=dict(
        backbone=dict(_delete_=True, type="MultiScaleWindows", scales=(1, 3), backbone=dict(type="CNN2D")),
    ),
)
data = dict(window=27, transforms=[dict(type="UnitSpectra")])
train_dataloader = dict(dataset=data)
test_dataloader = dict(dataset=data)
