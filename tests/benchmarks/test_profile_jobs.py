"""The profile of the main jobs charges every moment to exactly one part."""

import itertools

import profile_jobs as profile
from mmengine.config import Config


class Clock:
    """Time passes only where it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def work(self, seconds: float) -> None:
        self.now += seconds


def test_the_innermost_part_is_charged():
    clock = Clock()
    ledger = profile.Ledger(clock)
    clock.work(1)
    with ledger.part("outer"):
        clock.work(2)
        with ledger.part("inner"):
            clock.work(4)
        clock.work(8)
        with ledger.watch(clock, "work", "inner"):
            clock.work(16)
    clock.work(32)
    ledger.charge()
    assert ledger.seconds == {profile.REST: 33, "outer": 10, "inner": 20}
    ledger.start()
    clock.work(64)
    ledger.charge()
    assert ledger.seconds == {profile.REST: 64}


def test_shares_are_of_all_parts():
    lines = profile.table({profile.FORWARD: 1.0, profile.BACKWARD: 2.0, profile.HOOKS: 1.0}, steps=10)
    assert lines[2] == f"| {profile.BACKWARD} | 200.00 | 50.0 % |"
    assert lines[-2:] == ["| all | 400.00 | 100.0 % |", "| **of the model** | 300.00 | 75.0 % |"]


def test_the_parts_of_a_job_add_up(tmp_path, repository, shared_data, monkeypatch):
    """With a clock that ticks once a reading, every reading after the first is charged."""
    monkeypatch.setenv("MMHSI_DATA", str(shared_data))
    cfg = Config.fromfile(repository / "configs/mae/mae_hsi-vit-tiny-p3.py")
    cfg.launcher, cfg.work_dir, cfg.log_level = "none", str(tmp_path), "WARNING"
    cfg.train_dataloader.batch_size = 4
    readings = itertools.count()
    ledger = profile.Ledger(lambda: float(next(readings)))
    begun: list[float] = []
    start = ledger.start
    monkeypatch.setattr(ledger, "start", lambda: (start(), begun.append(ledger._last)))
    assert profile.train(ledger, cfg, steps=2, warm_up=1) == 2
    assert sum(ledger.seconds.values()) == ledger._last - begun[0]
    wanted = {profile.FORWARD, profile.BACKWARD, profile.OPTIMISER, profile.LOADING, profile.PREPROCESSING}
    assert ledger.seconds.keys() == wanted | {profile.MASKS, profile.HOOKS, profile.REST}
