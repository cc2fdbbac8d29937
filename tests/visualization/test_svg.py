"""Charts as SVG: scale, gaps, and texts that are no markup."""

from xml.etree import ElementTree

import numpy as np

from mmhsi.visualization.svg import MOST_POINTS, Line, line_chart


def parsed(*lines, labels=("x", "y")):
    return ElementTree.fromstring(line_chart(lines, *labels))


def points(element):
    return np.array([point.split(",") for point in element.get("points").split()], dtype=float)


def test_a_line_spans_the_frame_and_gaps_are_left_out():
    chart = parsed(Line("a", "red", np.array([0.0, 1, 2, 4]), np.array([0.0, np.nan, 5, 10])))
    (line,) = chart.iter("polyline")
    assert points(line).tolist() == [[62, 260], [345, 135], [628, 10]]
    texts = [text.text for text in chart.iter("text")]
    assert {"0", "2", "4", "6", "8", "10"} <= set(texts)


def test_a_band_goes_around_its_line():
    chart = parsed(Line("a", "red", np.array([0.0, 1]), np.array([5.0, 5]), np.array([5.0, 5])))
    (band,) = chart.iter("polygon")
    assert points(band).tolist() == [[62, 10], [628, 10], [628, 260], [62, 260]]


def test_constant_values_a_single_point_and_none():
    for x, y in (([1.0, 2], [3.0, 3]), ([1.0], [2.0]), ([1.0], [np.nan])):
        chart = parsed(Line("a", "red", np.array(x), np.array(y)))
        assert np.isfinite(points(next(chart.iter("polyline"))) if np.isfinite(y).all() else 0).all()


def test_long_lines_are_thinned_and_texts_escaped():
    x = np.arange(1e5)
    chart = parsed(Line("<b>&", 'r"><b>', x, x), labels=("<i>", '"&'))
    (line,) = chart.iter("polyline")
    assert len(points(line)) == MOST_POINTS
    assert points(line)[-1].tolist() == [628, 10]
    assert line.get("stroke") == 'r"><b>'
    assert line.find("title").text == "<b>&"
    assert not list(chart.iter("b"))
    assert {"<i>", '"&'} <= {text.text for text in chart.iter("text")}
