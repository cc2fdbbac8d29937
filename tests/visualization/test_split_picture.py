import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmhsi.datasets import SceneDataset
from mmhsi.datasets.splits import Split
from mmhsi.errors import DataError
from mmhsi.visualization.split_picture import split_picture

PALETTE = [(10, 21, 33), (200, 0, 255)]


def test_each_pixel_follows_the_rule():
    labels = np.random.default_rng(0).choice([0, 1, 255], (6, 7))
    known = np.flatnonzero(labels.ravel() != 255)
    split = Split(known[::3], known[1::3], "")
    picture = split_picture(labels, split, PALETTE)
    assert (picture.shape, picture.dtype) == ((6, 7, 3), np.uint8)
    for row, column in np.ndindex(6, 7):
        pixel, label = row * 7 + column, labels[row, column]
        if label == 255:
            expected = (0, 0, 0)
        elif pixel in split.train:
            expected = PALETTE[label]
        elif pixel in split.test:
            expected = tuple((channel + 255) // 2 for channel in PALETTE[label])
        else:
            expected = tuple(channel // 4 for channel in PALETTE[label])
        assert tuple(picture[row, column].tolist()) == expected


def test_tints_by_hand():
    labels = np.array([[0, 1, 0]])
    picture = split_picture(labels, Split(np.array([0]), np.array([1]), ""), PALETTE)
    assert picture.tolist() == [[[10, 21, 33], [227, 127, 255], [2, 5, 8]]]


def test_pixels_outside_and_classes_without_colour():
    labels = np.zeros((2, 3), dtype=int)
    with pytest.raises(DataError, match="names pixels 1 to 6, the scene has 2 x 3"):
        split_picture(labels, Split(np.array([0]), np.array([1, 6]), "s"), PALETTE)
    with pytest.raises(DataError, match="class id 2"):
        split_picture(labels + 2, Split(np.array([0]), np.array([1]), "s"), PALETTE)


FINETUNE = "configs/mae/mae-ft_hsi-vit-tiny-p3_demo_20-per-class.py"


@pytest.mark.usefixtures("place")
def test_the_tool_draws_and_counts(run_tool, tmp_path, capsys):
    assert run_tool("analysis/show_split", FINETUNE, "--out", tmp_path / "split.png", "--seed", 3) == 0
    said = capsys.readouterr().out.splitlines()
    while said[0].split() != ["class", "train", "test", "unused"]:
        said.pop(0)  # what mmengine says of the config's environment variables
    table = said[1 : next(number for number, line in enumerate(said) if line.startswith("all ")) + 1]
    *counts, totals = (list(map(int, line.split()[-3:])) for line in table)
    assert len(counts) == 8
    assert all(train == min(20, (train + test) // 2) and unused == 0 for train, test, unused in counts)
    assert totals == np.sum(counts, axis=0).tolist()
    assert "20 random training pixels a class, seed 3" in "\n".join(said)
    share = float(next(line for line in said if line.startswith("leakage: ")).split()[1])
    assert 50 < share <= 100
    with Image.open(tmp_path / "split.png") as image:
        assert min(image.size) > 600  # readable, whatever the scene's size


@pytest.mark.usefixtures("place")
def test_the_tool_on_a_disjoint_split(run_tool, tmp_path, capsys):
    cfg = Config.fromfile(FINETUNE)
    cfg.train_dataloader.dataset.split = dict(type="DisjointSplit", per_class=5, window=9, block=8, train_share=0.2)
    cfg.dump(tmp_path / "c.py")
    assert run_tool("analysis/show_split", tmp_path / "c.py", "--out", tmp_path / "split.png") == 0
    said = capsys.readouterr().out
    assert "leakage: 0.0 % of the test pixels lie in a training window of 9 x 9" in said
    assert "spatially disjoint: " in said


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("window", "channels", "seen"),
    [
        (1, dict(groups=["ms"], local=True, window=5), 5),
        (
            3,
            dict(groups=[dict(type="MultiScale", means=[1], spreads=[0.5]), "components"]),
            3 + 2 * 4,
        ),  # four deviations
        (3, dict(groups=["components"]), 3),
    ],
)
def test_the_tool_counts_what_channels_see(run_tool, tmp_path, capsys, window, channels, seen):
    cfg = Config.fromfile(FINETUNE)
    steps = [dict(type="SceneChannels", **channels)]
    cfg.train_dataloader.dataset.update(window=window, transforms=steps)
    cfg.dump(tmp_path / "c.py")
    assert run_tool("analysis/show_split", tmp_path / "c.py", "--out", tmp_path / "split.png") == 0
    said = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("leakage: "))
    dataset = SceneDataset(**{key: value for key, value in cfg.train_dataloader.dataset.items() if key != "type"})
    rows, columns = np.divmod(dataset.split.train, dataset.labels.shape[1])
    near = [
        ((abs(rows - row) <= seen // 2) & (abs(columns - column) <= seen // 2)).any()
        for row, column in zip(*np.divmod(dataset.split.test, dataset.labels.shape[1]), strict=True)
    ]
    by = f", by the channels of {window} x {window} pixels" if seen > window else ""
    share = f"{100 * np.mean(near):.1f} %"
    assert said == f"leakage: {share} of the test pixels lie in a training window of {seen} x {seen}{by}"


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("configs/mae/mae_hsi-vit-tiny-p3_demo.py", "has no split of labelled pixels to show"),
        ("configs/none.py", "configs/none.py"),
    ],
)
def test_the_tool_on_a_config_without_a_split(run_tool, tmp_path, capfd, config, message):
    assert run_tool("analysis/show_split", config, "--out", tmp_path / "split.png") == 2
    assert message in capfd.readouterr().err.strip().splitlines()[-1]
    assert not (tmp_path / "split.png").exists()
