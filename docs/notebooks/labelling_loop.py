# %% [markdown]
# # Labelling where it helps
#
# For whoever labels in QGIS and wonders where to go on. A map and its doubt come from a first handful of labels;
# `mmhsi suggest` writes points where labels would tell most, with an empty field `class`. In QGIS one fills in the
# field, saves, and gives the file to `mmhsi classify` again. Here the truth fills it in.
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
# Each suggests thirty points, which somebody then looks at. Where the truth is not known, a point stays empty, as it
# would in QGIS where one cannot tell what is there.
# %%
for _ in range(3):
    mmhsi("suggest", cube, folder / "doubt.tif", "--out", folder / "next.gpkg", "--count", 30)
    for row, column in places_of(folder / "next.gpkg", cube):
        if truth[row, column] < 255:
            labels[row, column] = truth[row, column] + 1
    print(f"{(labels > 0).sum()} labels: {classify():.1f} % of the others are right")
