"""Weights & Biases, for runs that test after they trained."""

from __future__ import annotations

from mmengine.visualization import WandbVisBackend

from mmhsi.registry import VISBACKENDS


@VISBACKENDS.register_module(name="WandbVisBackend")
class OneRunWandbVisBackend(WandbVisBackend):
    """mmengine's backend, whose run lasts as long as the process.

    mmengine closes its backends at the end of every training and every test, by a function that newer versions of wandb
    no longer have; a test that follows its training could not log any more. wandb itself ends the run when the process
    ends; a new one of the same process ends the one before.

    Args:
        save_dir: Folder; the runner gives it.
        init_kwargs: Arguments of ``wandb.init``, such as ``dict(project="mmhsi", mode="offline")``.
        **kwargs: mmengine's others.
    """

    def __init__(self, save_dir: str, init_kwargs: dict | None = None, **kwargs: object) -> None:
        super().__init__(save_dir, init_kwargs=dict(reinit="finish_previous") | (init_kwargs or {}), **kwargs)

    def close(self) -> None:
        """Leave the run open."""
