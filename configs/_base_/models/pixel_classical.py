# Learns from single pixels of the scene's channels; bands and classes come from the data.
model = dict(
    type="ClassicalClassifier",
    data_preprocessor=dict(type="ScenePreprocessor"),
    backbone=dict(type="ExtraTrees"),
)
