"""The HTML page of a run, the pictures of a map, and the slider in a real browser."""

import base64
import html
import io
import json
import re
import shutil
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from processes import run_command

from mmhsi.evaluation import ConfusionMatrix
from mmhsi.evaluation.metric import write_report
from mmhsi.io import HSICube, write_class_map, write_cube
from mmhsi.visualization import save_map_figure
from mmhsi.visualization.confusion import save_confusion_figure
from mmhsi.visualization.curves import MOST_POINTS, curve_figure
from mmhsi.visualization.data_uri import doubt_uri, svg_uri
from mmhsi.visualization.error_map import ERROR_COLOURS
from mmhsi.visualization.spectra import ClassSpectra, spectra_figure

HOSTILE = '<script>alert("1")</script>'
NAMES = ["road", HOSTILE, "water"]
PALETTE = [(200, 30, 30), (30, 200, 30), (30, 30, 200)]
TOOL = "analysis/browse_report"


class Page(HTMLParser):
    """Everything that the tests look for."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def pixels(uri):
    assert uri.startswith("data:image/png;base64,")
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))


def chart(uri):
    """The texts of a chart, its frame as (left, right, top, bottom), and its lines' points by their colour."""
    assert uri.startswith("data:image/svg+xml;base64,")
    svg = ElementTree.fromstring(base64.b64decode(uri.split(",")[1]))
    paths = {}
    for group in svg.iter("{http://www.w3.org/2000/svg}g"):
        for path in group.findall("{http://www.w3.org/2000/svg}path"):
            numbers = re.findall(r"[ML] ([-\d.]+) ([-\d.]+)", path.get("d"))
            style = dict(part.split(": ") for part in path.get("style", "").split("; "))
            paths.setdefault((group.get("id", ""), style.get("stroke")), np.array(numbers, dtype=float))
    frame = next(points for (name, _), points in paths.items() if name == "patch_2")
    # The legend's lines come later.
    drawn = [(colour, points) for (name, colour), points in paths.items() if name.startswith("line2d")]
    lines = dict(reversed(drawn))
    texts = ["".join(text.itertext()) for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    return texts, (*np.sort(frame[:, 0])[[0, -1]], *np.sort(frame[:, 1])[[0, -1]]), lines


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A scene of 6 x 8 pixels, its map and labels, and the work dir of a run."""
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(0)
    cube = rng.integers(100, 4000, (6, 8, 5)).astype(np.uint16)
    classes = rng.integers(0, 2, (6, 8))
    classes[0, 0] = 255
    labels = rng.integers(0, 3, (6, 8)) * 10  # ids 10 and 20; 0: no label
    write_cube(folder / "scene.tif", HSICube(cube, wavelengths=np.array([450.0, 550, 650, 800, 900])))
    write_class_map(folder / "map.tif", classes, class_names=NAMES, palette=PALETTE, nodata=255)
    np.save(folder / "labels.npy", labels)
    run = folder / "a <b> run"
    (run / "1/vis_data").mkdir(parents=True)
    (run / "1/vis_data/scalars.json").write_text(
        "".join(json.dumps(dict(loss=2.5 / step, epoch=step, iter=step, step=step)) + "\n" for step in (1, 2, 3))
    )
    (run / "config.py").write_text(f"model = dict(type='{HOSTILE}')\n")
    matrix = ConfusionMatrix(np.array([[8, 2, 0], [1, 3, 0], [0, 0, 0]]))
    write_report(run / "report.json", matrix, NAMES, {"OA": 78.57}, HOSTILE)
    (run / "other.json").write_text("{}")
    return folder, run, cube, classes, labels


@pytest.fixture
def written(files, run_tool, tmp_path):
    folder, run, *_ = files
    options = ["--scene", folder / "scene.tif", "--map", folder / "map.tif", "--labels", folder / "labels.npy"]
    ids = ["--label-ids", 10, 20, 30]
    assert run_tool(TOOL, run, "--out", tmp_path / "r.html", *options, *ids) == 0
    return tmp_path / "r.html"


def test_numbers_classes_and_pictures(files, written):
    _, run, _, classes, labels = files
    page = Page(written.read_text())
    assert page.open == []
    text = "\n".join(page.texts)
    assert page.texts.count(run.name) == 2  # title and heading
    for expected in ("78.57", "80.00", "75.00", "72.73", "absent", "config.py", "loss: last 0.8333 at iteration 3"):
        assert expected in text
    assert f"model = dict(type='{HOSTILE}')" in text
    uris = [attrs["src"] for attrs in page.all("img")]
    labelled, predicted, loss = (chart(uri)[0] for uri in uris[4:])
    assert {"loss", "iteration"} <= set(loss)
    for index, name in enumerate(NAMES[:2]):
        assert name in text
        assert f"{name} ({(classes == index).sum()})" in predicted
        assert f"{name} ({(labels == 10 * (index + 1)).sum()})" in labelled
    base, over, truth, errors = (pixels(uri) for uri in uris[:4])
    assert base.size == over.size == truth.size == errors.size == (8, 6)
    painted, known, wrong = (np.asarray(picture) for picture in (over, truth, errors))
    for row, column in np.ndindex(6, 8):
        label, answer = labels[row, column] // 10 - 1, classes[row, column]
        verdict = (0, 0, 0) if label < 0 else ERROR_COLOURS["right" if label == answer else "wrong"]
        no_data = (255, 255, 255)
        assert tuple(painted[row, column]) == (no_data if answer == 255 else PALETTE[answer])
        assert tuple(known[row, column]) == ((0, 0, 0) if label < 0 else PALETTE[label])
        assert tuple(wrong[row, column]) == (no_data if answer == 255 else verdict)
    assert {"no label", "no data"} <= set(page.texts)


def test_doubt_without_data_is_white():
    drawn = np.asarray(pixels(doubt_uri(np.array([[0, 1, np.nan]]))))[0].astype(int)
    assert drawn[0].sum() < 50 < 400 < drawn[1].sum() < drawn[2].sum() == 3 * 255


def test_a_spectrum_is_drawn_to_scale(files, written):
    """From edge to edge, one scale for all classes, up for more: points follow a slow mean."""
    _, _, cube, _, labels = files
    _, (left, right, top, bottom), lines = chart(Page(written.read_text()).all("img")[4]["src"])
    drawn = np.stack([lines["#c81e1e"], lines["#1ec81e"]])
    mean = np.array([cube[labels == label].mean(axis=0) for label in (10, 20)])
    across = left + (np.array([450, 550, 650, 800, 900]) - 450) / 450 * (right - left)
    np.testing.assert_allclose(drawn[..., 0], [across, across], atol=0.01)
    slope, offset = np.polyfit(mean.ravel(), drawn[..., 1].ravel(), 1)
    assert slope < 0
    np.testing.assert_allclose(drawn[..., 1], offset + slope * mean, atol=0.01)
    assert top < drawn[..., 1].min() < drawn[..., 1].max() < bottom


def test_a_cell_of_the_matrix_says_how_many_pixels(written):
    page = Page(written.read_text())
    assert [attrs["title"] for attrs in page.all("td") if "title" in attrs] == ["8", "2", "1", "3"]
    assert [attrs["title"] for attrs in page.all("th") if "title" in attrs] == NAMES


def test_a_class_name_is_no_formula(tmp_path):
    names = ["$\\no such$", "a $b$ c"]
    flat = np.ones((2, 3))
    range_, numbers = np.stack([flat, flat]), np.arange(3)
    spectra = ClassSpectra(np.ones(2, int), flat, 0 * flat, 1.0 * numbers, "band", range_, 0 * numbers, numbers, False)
    texts, *_ = chart(svg_uri(spectra_figure(spectra, names, PALETTE)))
    assert {f"{name} (1)" for name in names} <= set(texts)
    picture = np.zeros((4, 4, 3), np.uint8)
    save_map_figure(
        tmp_path / "m.png", false_colour=picture, class_map=np.eye(4, dtype=int), class_names=names, title=names[0]
    )
    save_confusion_figure(tmp_path / "c.png", np.eye(2, dtype=int), names)


def test_long_curves_are_thinned():
    steps = np.arange(1e5)
    _, (left, right, top, bottom), lines = chart(svg_uri(curve_figure(np.stack([steps, steps % 7], 1), "step", "x")))
    (points,) = (points for points in lines.values() if len(points) > 50)
    assert len(points) <= MOST_POINTS
    assert left < points[0, 0] < points[-1, 0] < right
    assert top < points[:, 1].min()
    assert points[:, 1].max() < bottom


def test_nothing_points_outside_and_names_are_escaped(written):
    text = written.read_text()
    page = Page(text)
    assert len(page.all("script")) == 1
    assert 'alert("1")' not in "".join(re.findall(r"<script>.*?</script>", text, re.S))
    assert not {"link", "iframe", "object", "base", "form"} & {tag for tag, _ in page.tags}
    for _, attrs in page.tags:
        for key, value in attrs.items():
            assert key not in ("href", "srcset", "data", "action")
            assert not key.startswith("on")
            assert key != "src" or re.match(r"data:image/(png|svg\+xml);base64,[\w+/=]+$", value)
    assert not re.search(r"https?://|url\(|@import|fetch|XMLHttp", text)
    (policy,) = [attrs["content"] for attrs in page.all("meta") if "http-equiv" in attrs]
    assert policy.startswith("default-src 'none'")
    assert HOSTILE.encode() not in b"".join(base64.b64decode(attrs["src"].split(",")[1]) for attrs in page.all("img"))


def browse(page, drive, folder):
    """What a script that is put at the end of a page leaves in ``data-seen`` of its body."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium on PATH")
    driven = folder / "driven.html"
    driven.write_text(page.read_text().replace("</body>", f"<script>{drive}</script></body>"))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    command = [browser, *options, f"--user-data-dir={folder / 'profile'}", "--dump-dom", driven.as_uri()]
    found = run_command(command).stdout
    return html.unescape(re.search(r'data-seen="([^"]*)"', found).group(1)).split(";")


def test_layers_are_swiped_zoomed_and_clicked_in_a_browser(files, written, tmp_path):
    _, _, cube, _, _ = files
    row, column = 4, 5
    drive = """
const fire = (kind, more) => viewer.dispatchEvent(new PointerEvent(kind, {bubbles: true, pointerId: 1, ...more}));
viewer.setPointerCapture = () => {};
const layers = [...viewer.querySelectorAll(".layer")];
const placed = () => new DOMMatrix(layers[0].firstElementChild.style.transform);
const box = viewer.getBoundingClientRect();
const at = {clientX: box.left + 5.5 / 8 * box.width, clientY: box.top + 4.5 / 6 * box.height};
const room = viewer.parentElement.clientWidth;
const fills = Math.abs(box.width - Math.min(room, 0.85 * innerHeight * 8 / 6)) < 3;
const seen = [fills, document.getElementById("controls").hidden, layers.map(layer => layer.style.display).join()];
fire("pointerdown", at); fire("pointerup", at);
seen.push(said.textContent.split(":")[0], chart.querySelectorAll("polyline").length);
seen.push(chart.querySelector("polyline").getAttribute("points"));
cut.value = 25; right.value = 3; right.dispatchEvent(new Event("input"));
seen.push(layers.map(layer => layer.style.display).join());
seen.push(Math.round(100 * parseFloat(line.style.left) / viewer.clientWidth));
viewer.dispatchEvent(new WheelEvent("wheel", {deltaY: -400, cancelable: true, ...at}));
seen.push(placed().a.toFixed(3));
fire("pointerdown", at); fire("pointerup", at);
seen.push(said.textContent.split(":")[0]);
document.getElementById("whole").click();
seen.push(placed().a, placed().e, placed().f);
document.body.dataset.seen = seen.join(";");
"""
    fills, *seen = browse(written, drive, tmp_path)
    assert fills == "true"  # 8 x 6 pixels as large as there is room
    assert seen[:2] == ["false", "block,block,none,none"]
    assert seen[2:4] == [f"row {row}, column {column}", "1"]
    drawn = np.array([point.split(",") for point in seen[4].split()], dtype=float)
    values = cube[row, column].astype(float)
    step = (cube.max(axis=(0, 1)) - cube.min(axis=(0, 1))).max() / 255
    top, bottom = drawn[:, 1].argmin(), 150
    assert values[top] >= values.max() - step
    scaled = values.max() * (bottom - drawn[:, 1]) / 140
    np.testing.assert_allclose(scaled, values, atol=1.5 * step)
    np.testing.assert_allclose(drawn[:, 0], 46 + 544 * (np.array([450, 550, 650, 800, 900]) - 450) / 450)
    assert seen[5:7] == ["block,none,none,block", "25"]
    assert seen[7] == "2.718"
    assert seen[8] == f"row {row}, column {column}"  # what the pointer is over stays under it
    assert seen[9:] == ["1", "0", "0"]


def test_a_large_scene_is_thinned(run_tool, files, tmp_path):
    _, run, *_ = files
    cube = np.zeros((3200, 20, 3), dtype=np.uint8)
    cube[::3] = 200
    write_cube(tmp_path / "s.tif", HSICube(cube))
    classes = np.arange(3200)[:, None].repeat(20, 1) % 3
    write_class_map(tmp_path / "m.tif", classes, class_names=NAMES, palette=PALETTE)
    assert (
        run_tool(TOOL, run, "--out", tmp_path / "r.html", "--scene", tmp_path / "s.tif", "--map", tmp_path / "m.tif")
        == 0
    )
    base, over = (pixels(attrs["src"]) for attrs in Page((tmp_path / "r.html").read_text()).all("img")[:2])
    assert base.size == over.size == (7, 1067)
    assert np.array_equal(np.asarray(over), np.array(PALETTE)[classes[::3, ::3]])
    assert (tmp_path / "r.html").stat().st_size < 500_000  # pictures and spectra of 1067 x 7 pixels


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none"], "none: no such file; expected the folder of a run"),
        (["."], "holds no config"),
        (["RUN", "--map", "MAP"], "says nothing without --scene"),
        (["RUN", "--report", "RUN/other.json"], "not a report"),
        (["RUN", "--scene", "SCENE", "--map", "SCENE"], "has no class names"),
        (["RUN", "--scene", "SCENE", "--map", "MAP", "--labels", "LABELS"], "label id"),
    ],
)
def test_bad_input(files, run_tool, tmp_path, monkeypatch, capsys, arguments, message):
    folder, run, *_ = files
    monkeypatch.chdir(tmp_path)
    places = dict(RUN=run, MAP=folder / "map.tif", SCENE=folder / "scene.tif", LABELS=folder / "labels.npy")
    for name, place in places.items():
        arguments = [argument.replace(name, str(place)) for argument in arguments]
    assert run_tool(TOOL, *arguments, "--out", tmp_path / "r.html") == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_show_map_counts_and_draws(files, run_tool, tmp_path, capsys):
    folder, _, _, classes, labels = files
    options = ["--labels", folder / "labels.npy", "--label-ids", 10, 20, 30, "--out", tmp_path / "m.png"]
    assert run_tool("analysis/show_map", folder / "scene.tif", folder / "map.tif", *options) == 0
    compared = (labels > 0) & (classes != 255)
    right = (compared & (classes == labels // 10 - 1)).sum()
    assert f"right: {right} of {compared.sum()} labelled pixels" in capsys.readouterr().out
    drawn = np.asarray(Image.open(tmp_path / "m.png").convert("RGB")).reshape(-1, 3)
    seen = {name: (drawn == ERROR_COLOURS[name]).all(1).sum() for name in ("right", "wrong")}
    assert seen["wrong"] / sum(seen.values()) == pytest.approx(1 - right / compared.sum(), abs=0.03)


def test_show_spectra_of_a_map_and_of_finer_labels(files, run_tool, tmp_path):
    folder, _, _, _, labels = files
    np.save(tmp_path / "fine.npy", labels.repeat(2, 0).repeat(2, 1))
    for name, classes in (("map", folder / "map.tif"), ("labels", tmp_path / "fine.npy")):
        out = tmp_path / f"{name}.png"
        assert run_tool("analysis/show_spectra", folder / "scene.tif", classes, "--out", out) == 0
        assert out.stat().st_size > 5000
    np.save(tmp_path / "odd.npy", labels[:5])
    assert (
        run_tool("analysis/show_spectra", folder / "scene.tif", tmp_path / "odd.npy", "--out", tmp_path / "o.png") == 2
    )


def test_show_bands_says_which_bands_in_nm_where_they_are_known(files, run_tool, tmp_path, capsys):
    folder, _, cube, _, _ = files
    np.save(tmp_path / "scene.npy", cube)
    options = ["--groups", 2, "--block", 1, "--out", tmp_path / "b.png"]
    for scene, said in (
        (folder / "scene.tif", "450 to 650 nm: alone"),
        (tmp_path / "scene.npy", "bands 0 to 2: alone"),
    ):
        assert run_tool("analysis/show_bands", scene, folder / "labels.npy", *options) == 0
        assert said in capsys.readouterr().out
