"""PSNR and SSIM of reconstructions, beside slow loops after scikit-image's formulas."""

import json
import math

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import DefaultSampler
from processes import on_two_ranks
from small_models import shrink

from mmhsi.datasets.simulation import simulate_scene, write_scene
from mmhsi.errors import ConfigError
from mmhsi.evaluation.reconstruction import MAX_PSNR, ReconstructionMetric, psnr, ssim, thinning
from mmhsi.models.selfsup.masked_pretraining import Reconstruction
from mmhsi.models.weights import read_checkpoint


def images(batch=2, bands=3, height=9, width=11, seed=0):
    """Target, a noisy prediction, and a random half of the values."""
    rng = torch.Generator().manual_seed(seed)
    target = torch.randn(batch, bands, height, width, generator=rng) * 5 + 2
    prediction = target + torch.randn(target.shape, generator=rng)
    return target, prediction, torch.rand(target.shape, generator=rng) < 0.5


def slow_psnr(target, prediction, counted):
    """One band, value by value."""
    total, count, values = 0.0, 0, []
    for t, p, c in zip(target.ravel(), prediction.ravel(), counted.ravel(), strict=True):
        if c:
            total, count = total + (p - t) ** 2, count + 1
            values.append(t)
    return 10 * math.log10((max(values) - min(values)) ** 2 / (total / count))


def slow_ssim(target, prediction, counted, span, window):
    """One band, window by window: skimage.metrics.structural_similarity with data_range=1 and n in the denominators."""
    low, high = span
    x, y = (target - low) / (high - low), (prediction - low) / (high - low)
    total, weight = 0.0, 0
    for image in range(len(x)):
        for i in range(x.shape[1] - window + 1):
            for j in range(x.shape[2] - window + 1):
                place = (image, slice(i, i + window), slice(j, j + window))
                u, v = x[place][counted[place]], y[place][counted[place]]
                if not u.size:
                    continue
                covariance = ((u - u.mean()) * (v - v.mean())).mean()
                top = (2 * u.mean() * v.mean() + 0.01**2) * (2 * covariance + 0.03**2)
                below = (u.mean() ** 2 + v.mean() ** 2 + 0.01**2) * (u.var() + v.var() + 0.03**2)
                total, weight = total + u.size * top / below, weight + u.size
    return total / weight


@pytest.mark.parametrize("some", [False, True])
def test_figures_of_slow_loops(some):
    target, prediction, counted = images()
    counted = counted if some else torch.ones_like(counted)
    ours = (psnr(target, prediction, counted), ssim(target, prediction, counted))
    for band in range(3):
        t, p, c = (part[:, band].double().numpy() for part in (target, prediction, counted))
        c = c.astype(bool)
        assert ours[0][band].item() == pytest.approx(slow_psnr(t, p, c), abs=1e-5)
        assert ours[1][band].item() == pytest.approx(slow_ssim(t, p, c, (t[c].min(), t[c].max()), 7), abs=1e-6)


def test_figures_by_hand():
    target = torch.tensor([0.0, 10.0, 0.0, 10.0]).view(1, 1, 2, 2)
    # Peak 10, every error 1: 10 · log10(100 / 1).
    assert psnr(target, target + 1).item() == pytest.approx(20.0)
    # Two of four errors 2, the others 0: 10 · log10(100 / 2).
    prediction = target + torch.tensor([2.0, 0.0, 0.0, 2.0]).view(1, 1, 2, 2)
    assert psnr(target, prediction).item() == pytest.approx(10 * math.log10(50))
    # Windows of one pixel in an image of 2 x 2: no variance, so that only the means count.
    expected = [(2 * t * (t + 0.1) + 1e-4) / (t**2 + (t + 0.1) ** 2 + 1e-4) for t in (0.0, 1.0)]
    assert ssim(target, target + 1).item() == pytest.approx(np.mean(expected), abs=1e-6)
    # A constant prediction of the mean of a whole window: 2 · 0.5 · 0.5 over itself, and C2 over variance + C2.
    square = torch.tensor([0.0, 1.0, 0.0, 1.0, 0.5, 1.0, 0.0, 1.0, 0.0]).view(1, 1, 3, 3)
    constant = torch.full_like(square, square.mean().item())
    assert ssim(square, constant).item() == pytest.approx(9e-4 / (square.var(correction=0).item() + 9e-4), abs=1e-6)


@pytest.mark.parametrize("some", [False, True])
def test_any_unit_gives_the_same_figures(some):
    target, prediction, counted = images()
    counted = counted if some else None
    gain, offset = torch.tensor([0.01, 3.0, 2000.0]).view(3, 1, 1), torch.tensor([5.0, -7.0, 100.0]).view(3, 1, 1)
    for figure in (psnr, ssim):
        first = figure(target, prediction, counted)
        second = figure(target * gain + offset, prediction * gain + offset, counted)
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-4)


def test_perfect_flat_and_unseen_bands():
    target, _, counted = images()
    target[:, 1] = 4.0  # flat
    counted[:, 2] = False
    perfect = psnr(target, target, counted), ssim(target, target, counted)
    assert perfect[0][0].item() == MAX_PSNR
    assert perfect[1][0].item() == pytest.approx(1.0)
    assert all(figure[1:].isnan().all() for figure in perfect)
    assert perfect[0].nanmean().item() == MAX_PSNR


def test_what_does_not_count_may_be_anything():
    target, prediction, counted = images()
    rough = torch.where(counted, prediction, torch.nan)
    wild = torch.where(counted, target, 1e9)
    for figure in (psnr, ssim):
        assert torch.equal(figure(wild, rough, counted), figure(target, prediction, counted))


@pytest.mark.parametrize(("size", "window"), [((9, 9), 7), ((5, 8), 5), ((6, 6), 5), ((2, 2), 1), ((1, 4), 1)])
def test_windows_fit_small_images(size, window):
    target, prediction, counted = images(height=size[0], width=size[1])
    span = (target[:, 0].min().item(), target[:, 0].max().item())
    t, p, c = (part[:, 0].double().numpy() for part in (target, prediction, torch.ones_like(counted)))
    expected = slow_ssim(t, p, c.astype(bool), span, window)
    assert ssim(target, prediction)[0].item() == pytest.approx(expected, abs=1e-6)


def reconstructions(count, seed=0, nodata=True, **size):
    """Predictions as a model gives them."""
    target, prediction, hidden = images(batch=count, seed=seed, **size)
    valid = torch.rand(count, *target.shape[2:], generator=torch.Generator().manual_seed(1)) > 0.2
    made = Reconstruction(target, prediction, hidden, valid if nodata else None)
    return [dict(patches=sample) for sample in made.samples()]


def evaluate(samples, batch=4, **settings):
    metric = ReconstructionMetric(**settings)
    for start in range(0, len(samples), batch):
        metric.process({}, samples[start : start + batch])
    return metric.evaluate(len(samples))


@pytest.mark.parametrize("nodata", [False, True])
def test_the_metric_is_the_functions_over_the_whole_set(nodata):
    samples = reconstructions(10, nodata=nodata)
    metrics = evaluate(samples)
    made = [sample["patches"] for sample in samples]
    target, prediction, hidden = (torch.stack([part[index] for part in made]) for index in range(3))
    valid = torch.ones_like(hidden)
    if nodata:
        valid = torch.stack([part.valid for part in made])[:, None].expand_as(hidden)
    span = tuple(
        torch.tensor([limit(target[:, band][valid[:, band]]) for band in range(3)]) for limit in (torch.min, torch.max)
    )
    for suffix, counted in (("", valid), ("_hidden", valid & hidden)):
        for name, figure in (("PSNR", psnr), ("SSIM", ssim)):
            expected = figure(target, prediction, counted, span).mean().item()
            assert metrics[f"patches/{name}{suffix}"] == pytest.approx(expected, rel=1e-6)
    assert metrics["patches/PSNR"] != metrics["patches/PSNR_hidden"]
    assert set(metrics) == {f"patches/{name}" for name in ("PSNR", "SSIM", "PSNR_hidden", "SSIM_hidden")}


def test_pixels_without_data_and_visible_errors_are_left_out():
    samples = reconstructions(3)
    made = samples[1]["patches"]
    for broken, left in ((~made.valid[None], ("PSNR", "SSIM", "PSNR_hidden", "SSIM_hidden")), (~made.hidden, ())):
        changed = made._replace(prediction=torch.where(broken, 1e6, made.prediction))
        before, after = evaluate(samples), evaluate([samples[0], dict(patches=changed), samples[2]])
        same = {name.split("/")[1] for name in before if after[name] == before[name]}
        assert same == (set(left) or {"PSNR_hidden", "SSIM_hidden"})


def test_batches_do_not_matter():
    samples = reconstructions(11)
    assert evaluate(samples, batch=1) == pytest.approx(evaluate(samples, batch=11), rel=1e-12)


@pytest.mark.parametrize(
    ("count", "most", "step"), [(5, 8, 1), (8, 8, 1), (9, 8, 2), (16, 8, 2), (17, 8, 4), (9, 1, 16)]
)
def test_thinning(count, most, step):
    assert thinning(count, most) == step
    assert len(range(0, count, step)) <= most


def test_memory_is_bounded():
    metric = ReconstructionMetric(max_samples=4)
    samples = reconstructions(37)
    for start in range(0, 37, 5):
        metric.process({}, samples[start : start + 5])
        assert sum(bool(entry.images) for entry in metric.results) <= 4
        assert sum(bool(entry.errors) for entry in metric.results) <= 2
    assert metric.results[16].images["patches"][0].untyped_storage().nbytes() == 3 * 9 * 11 * 4
    thinned, full = metric.evaluate(37), evaluate(samples)
    assert thinned["patches/PSNR"] == pytest.approx(full["patches/PSNR"], rel=1e-12)
    alone = [samples[index]["patches"] for index in (0, 16, 32)]
    valid = [made.valid[None].expand_as(made.target) for made in alone]
    stacked = [torch.stack([made[index] for made in alone]) for index in range(2)]
    every = [sample["patches"] for sample in samples]
    span = tuple(
        torch.stack([pick(torch.cat([made.target[band][made.valid] for made in every])) for band in range(3)])
        for pick in (torch.min, torch.max)
    )
    expected = ssim(*stacked, torch.stack(valid), span).mean().item()
    assert thinned["patches/SSIM"] == pytest.approx(expected, rel=1e-9)
    assert not metric.results


def one_rank(rank, count, folder):
    """What a validation loop does on one of several processes."""
    samples = reconstructions(count)
    metric = ReconstructionMetric(max_samples=4)
    metric.collect_dir = f"{folder}/parts{count}"
    mine = [samples[index] for index in DefaultSampler(samples, shuffle=False)]
    for start in range(0, len(mine), 2):
        metric.process({}, mine[start : start + 2])
    return metric.evaluate(count)


@pytest.mark.parametrize("count", [1, 2, 5, 12])  # with and without samples that are repeated to fill up the ranks
def test_processes_are_merged(count, tmp_path):
    merged = on_two_ranks(tmp_path / "store", one_rank, count, tmp_path)
    expected = evaluate(reconstructions(count), max_samples=4)
    assert merged[0] == merged[1] == pytest.approx(expected, rel=1e-12)


def test_pretraining_is_validated_by_the_tools(run_tool, repository, tmp_path):
    write_scene(simulate_scene(20, 20, 64), tmp_path / "demo")
    cfg = shrink(Config.fromfile(repository / "configs/mae/mae_hsi-vit-tiny-p3.py"))
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.update(scene="demo", data_root=str(tmp_path))
    cfg.train_cfg.max_epochs = 2
    cfg.default_hooks.checkpoint.interval = 2
    cfg.default_hooks.reconstruction.num_samples = 1
    cfg.dump(tmp_path / "config.py")
    assert run_tool("train", tmp_path / "config.py", "--work-dir", tmp_path / "w") == 0
    assert run_tool("train", tmp_path / "config.py", "--work-dir", tmp_path / "plain", "--no-validate") == 0
    checkpoint = tmp_path / "w/epoch_2.pth"
    assert run_tool("test", tmp_path / "config.py", checkpoint, "--work-dir", tmp_path / "t") == 0

    lines = next((tmp_path / "w").glob("*/vis_data/scalars.json")).read_text().splitlines()
    validated = [line for line in map(json.loads, lines) if "patches/PSNR" in line]
    tested = json.loads(next((tmp_path / "t").glob("*/*.json")).read_text())
    names = {"patches/PSNR", "patches/SSIM", "patches/PSNR_hidden", "patches/SSIM_hidden"}
    assert len(validated) == 2
    assert {name: tested[name] for name in names} == {name: validated[-1][name] for name in names}
    plain = read_checkpoint(tmp_path / "plain/epoch_2.pth")["state_dict"]
    assert all(torch.equal(value, plain[key]) for key, value in read_checkpoint(checkpoint)["state_dict"].items())
    assert len(list((tmp_path / "w/reconstructions").iterdir())) == 1


@pytest.mark.parametrize("wrong", [dict(max_samples=0), dict(window=0), dict(window=4)])
def test_arguments(wrong):
    with pytest.raises(ConfigError, match="ReconstructionMetric: max_samples="):
        ReconstructionMetric(**wrong)
