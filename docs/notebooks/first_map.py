# %% [markdown]
# # A first map
#
# *For those who have a sensor's product and some polygons, and have never used mmhsi.* `cube` may be the folder or
# the zip of an EnMAP, PRISMA, EMIT or DESIS product as it was downloaded ([Products](../products.md)); here it is a
# scene of EnMAP over Potsdam, put together from tiles. `polygons` is a layer as you draw it in QGIS, with a field
# `class`.
#
# In a shell, one command does all of this: `mmhsi classify cube.tif fields.gpkg --out map.tif`.
# %%
import tempfile
from pathlib import Path

from scenes import land_cover

from mmhsi import SceneClassifier
from mmhsi.io import read_cube

folder = Path(tempfile.mkdtemp())
cube, polygons, truth, names = land_cover(folder)
# %% [markdown]
# ## Look
#
# What was read: bands, wavelengths, place, a composite in false colour, the mean spectrum.
# %%
read_cube(cube)
# %% [markdown]
# ## Learn
#
# Half of the time is spent on trying classifiers on held-out polygons. Here we name two; without `models` all are
# tried.
# %%
model = SceneClassifier(minutes=2, models=["lda-on-spectra", "extra-trees-on-spectra"])
model.fit(cube, polygons, say=lambda line: print(line.replace(str(folder), "")))
# %% [markdown]
# ## Map
# %%
result = model.predict(cube)
result.save(folder / "map.tif")
# %%
from IPython.display import Image

from mmhsi.io import open_cube, read_class_map
from mmhsi.visualization import save_map_figure
from mmhsi.visualization.mapped_scene import mapped_scene

found = read_class_map(folder / "map.tif")
with open_cube(cube) as reader:
    shown = mapped_scene(reader, found)
save_map_figure(
    folder / "map.png",
    false_colour=shown.picture,
    class_map=shown.classes,
    class_names=found.names,
    palette=found.palette,
    frame=shown.frame,
)
Image(str(folder / "map.png"), width=700)
# %% [markdown]
# ## What it is worth
#
# First the accuracy to expect elsewhere on the scene, with its 90 % interval. Then the figure from folds drawn pixel by
# pixel, whose held-out pixels lie beside training pixels.
# %%
print("expected elsewhere:", model.report.accuracy)
print(f"pixel by pixel: {100 * model.report.random:.1f} %")
# %% [markdown]
# Here we know the truth of some more tiles, as one does not in real work:
# %%
import numpy as np

from mmhsi.datasets.drawn_labels import draw_labels
from mmhsi.io.placement import Grid

with open_cube(cube) as reader:
    drawn = draw_labels(polygons, Grid.of(reader.info), names, range(1, len(names) + 1), (0,), "class", None).labels
others = (truth < 255) & (drawn == 255) & (found.classes < 255)
said = np.array([names.index(name) for name in found.names])[found.classes[others]]
print(f"right on {100 * (said == truth[others]).mean():.1f} % of {others.sum():,} other pixels")
# %% [markdown]
# `folder / "map.tif"` opens in QGIS with its colours and names. The same model maps other scenes of the sensor:
# `mmhsi predict map.tif.work/model.pth other.tif --out other_map.tif`, or `model.predict("other.tif")`.
