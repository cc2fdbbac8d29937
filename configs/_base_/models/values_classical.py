# Learns values from single pixels; bands and targets come from the data.
model = dict(type="ClassicalRegressor", data_preprocessor=dict(type="ScenePreprocessor"))
