# %% [markdown]
# # Labelling where it helps
#
# *For those who label in QGIS and wonder where to label next.* A first handful of labels gives a map and its doubt.
# `mmhsi suggest` writes points where new labels would help most, with an empty field `class`. You fill in the field in
# QGIS, save, and give the file to `mmhsi classify` again. Here the truth fills it in.
# %%
import tempfile
from pathlib import Path

import numpy as np
from scenes import land_cover, mmhsi, places_of

from mmhsi import SceneClassifier
from mmhsi.io import read_cube

folder = Path(tempfile.mkdtemp())
cube, _, truth, names = land_cover(folder)
values = read_cube(cube)
# %% [markdown]
# ## A first map, from three pixels a class
# %%
rng = np.random.default_rng(0)
labels = np.zeros(truth.shape, np.int64)
for index in range(len(names)):
    labels.flat[rng.choice(np.flatnonzero(truth == index), 3, replace=False)] = index + 1


def classify():
    """Map by the labels that there are, and how much of the truth is right."""
    model = SceneClassifier(minutes=1, models=["lda-on-spectra"]).fit(values, labels)
    result = model.predict(values)
    result.save(folder / "map.tif", doubt=folder / "doubt.tif")
    known = (truth < 255) & (labels == 0) & (result.classes < 255)
    return 100 * (result.classes[known] == truth[known]).mean()


print(f"{(labels > 0).sum()} labels: {classify():.1f} % of the others are right")
# %% [markdown]
# ## Three rounds
#
# Each round suggests thirty points, at which somebody then looks. Where the truth is not known, a point stays empty, as
# it would in QGIS where nobody can tell what is there.
# %%
for _ in range(3):
    mmhsi("suggest", cube, folder / "doubt.tif", "--out", folder / "next.gpkg", "--count", 30)
    for row, column in places_of(folder / "next.gpkg", cube):
        if truth[row, column] < 255:
            labels[row, column] = truth[row, column] + 1
    print(f"{(labels > 0).sum()} labels: {classify():.1f} % of the others are right")
