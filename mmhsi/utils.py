"""What OpenMMLab's tools ask of every package."""


def register_all_modules(init_default_scope: bool = True) -> None:
    """Import every module that registers something; mmengine asks every package for this function.

    Args:
        init_default_scope: Whether bare names are mmhsi's from now on. Default True.
    """
    from mmengine.registry import init_default_scope as set_default_scope

    from mmhsi import datasets, engine, evaluation, models, visualization  # noqa: F401

    if init_default_scope:
        set_default_scope("mmhsi")
