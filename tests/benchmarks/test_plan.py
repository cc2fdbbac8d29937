"""What running a table would take."""

import json

from experiments.plan import counted_seconds, describe, epoch_samples, open_steps
from experiments.table import make_chain, read_config

MAE = "configs/mae/mae_hsi-vit-base-p8_whu-ohs.py"
FROZEN = "configs/mae/mae-frozen_hsi-vit-base-p8_linear.py"
CNN = dict(config="configs/comparison/cnn2d.py", dataset="salinas-a_20-per-class")


def test_epochs_are_counted_by_what_is_published():
    assert epoch_samples(read_config(MAE)) == 4822 * 64
    assert epoch_samples(read_config(FROZEN)) == 4822 * 64
    assert epoch_samples(read_config("configs/lo_msst/lo-msst_sst-base-p8.py", "c2seg-wuhan")) == 282 * 4
    assert epoch_samples(read_config(CNN["config"], CNN["dataset"])) == 20 * 6
    assert epoch_samples(read_config("configs/ss_mae/ss-mae-mrs_vit-base-w7.py", "berlin")) == 200_000


def test_operations_of_training_are_three_forward_passes_and_of_a_frozen_encoder_one(tmp_path):
    chain = make_chain([dict(config=MAE), dict(config=FROZEN)], 0, tmp_path)
    operations = {"mae_hsi-vit-base-p8_whu-ohs": 20, "mae-frozen_hsi-vit-base-p8_linear_whu-ohs": 20}
    samples = 4822 * 64 * 100
    assert counted_seconds(chain, operations) == 20 * samples / 20e12
    assert counted_seconds(chain.previous, operations) == 3 * 20 * samples / 20e12


def test_missing_data_and_time_are_said(tmp_path):
    chains = [make_chain([dict(config=MAE), dict(config=FROZEN)], 0, tmp_path), make_chain([CNN], 0, tmp_path)]
    other = make_chain([CNN], 1, tmp_path)
    other.folder.mkdir()
    (other.folder / "finished.json").write_text(json.dumps({"seconds": 7200}))
    assert [step.folder for step in open_steps([*chains, *chains])] == [
        chains[0].previous.folder,
        chains[0].folder,
        chains[1].folder,
    ]
    runs = [("row", "column", seed, step) for seed, step in enumerate(chains)]
    text = describe(runs, {}, tmp_path, tmp_path / "data")
    assert text.startswith("3 runs to do for 2 cells and seeds, 0 of these finished")
    assert "missing: whu_ohs: cannot be fetched automatically" in text
    assert "whu_ohs/tr/image" in text
    assert "missing: salinas_a: lacks" in text
    assert "mmhsi download_dataset salinas_a would fetch http" in text
    assert "time: 2.0 h by finished runs" in text
    (chains[1].folder).mkdir()
    (chains[1].folder / "finished.json").write_text(json.dumps({"seconds": 3600}))
    text = describe(runs, {("row", "column"): {7: {"seconds": 7200.0}, 8: {"seconds": 3600.0}}}, tmp_path)
    assert "2 runs to do for 2 cells and seeds, 1 of these finished" in text
    assert text.endswith("time: 1.5 h by the table's records, one at a time, pretraining in each")
