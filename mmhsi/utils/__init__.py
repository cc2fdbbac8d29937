"""Small helpers."""


def register_all_modules() -> None:
    """Import every module that registers something, as ``mmengine.hub.get_model`` asks of a package."""
    from . import preload  # noqa: F401


__all__ = ["register_all_modules"]
