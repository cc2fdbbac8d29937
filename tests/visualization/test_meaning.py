"""Colours by the meaning of names."""

import itertools

import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

from mmhsi.visualization import class_palette, default_palette
from mmhsi.visualization.palette import colour_distance


def test_names_of_several_languages_have_their_colours():
    for water, tree in (("Water", "Tree"), ("Gewässer", "Nadelwald"), ("river", "deciduous forest")):
        (red, green, blue), (r, g, b) = class_palette([water, tree])
        assert blue > max(red, green)
        assert g > max(r, b)
        assert g < 128


def test_all_colours_differ_and_unknown_names_get_the_usual_ones():
    names = ["Healthy grass", "Stressed grass", "Synthetic grass", "Trees", "Soil", "Water", "thing", "Road", "other"]
    palette = class_palette(names)
    for one, other in itertools.combinations(palette, 2):
        assert colour_distance(np.array([one]), np.array([other]))[0, 0] > 25
    assert class_palette(["thing", "other"]) == default_palette(2)


def test_one_and_many_are_one_meaning():
    assert class_palette(["Shadows", "Clouds"]) == class_palette(["shadow", "cloud"]) == [(64, 64, 64), (236, 236, 236)]


def test_low_vegetation_is_green_beside_trees():
    red, green, blue = class_palette(["roof", "low vegetation", "tree"])[1]
    assert green > max(red, blue)


def test_many_classes_of_one_meaning_are_told_apart():
    colours = np.array(class_palette([f"lettuce {weeks}wk" for weeks in range(4, 11)]))
    between = colour_distance(colours, colours)[np.triu_indices(len(colours), 1)]
    assert between.min() >= 18


def test_what_is_no_water_is_not_blue_beside_it():
    """Two blues are far apart in L*a*b*, but not in CIEDE2000, which is nearer to the eye."""
    water, *others = rgb2lab(np.array([class_palette(["water", *"abcde"])]) / 255)[0]
    assert deltaE_ciede2000(water, np.array(others)).min() > 15
