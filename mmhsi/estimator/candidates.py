"""What may be tried: classical classifiers and networks, on the scene's spectra or on its channels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmhsi.arguments import nearest
from mmhsi.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

CHANNELS = ("spectra", "emp", "ms", "nemp", "words")
"""Families of channels, with ``texture`` where there is a finer source; spectra come first, some see them alone."""


@dataclass(frozen=True)
class Candidate:
    """A classifier that may be tried.

    Attributes:
        name: Its name.
        learner: Type of a classical classifier, or None.
        config: Config of a network by which it is trained, or None.
        sees: ``'channels'`` or ``'spectra'``. Surroundings tell more than spectra where labels lie around what is
            mapped, and mislead on ground that is arranged in another way: which holds for a scene is found out.
        window: Side in pixels of the windows that a network sees, odd.
        pretrained: Encoder that a network starts from, or None.
    """

    name: str
    learner: str | None = None
    config: str | None = None
    sees: str = "channels"
    window: int = 1
    pretrained: str | None = None

    @property
    def is_costly(self) -> bool:
        """Whether it learns by steps, which takes far longer than the others do."""
        return self.config is not None or self.learner == "MLP"

    def columns(self, bands: int, second: bool) -> tuple[int, int | None]:
        """First and last channel that it sees of channels that begin with the spectra.

        Args:
            bands: Bands of the spectra.
            second: Whether the other channels know a finer source, and need no spectra beside them.
        """
        return (0, bands) if self.sees == "spectra" else (bands if second else 0, None)


CANDIDATES = (
    Candidate("LDA", learner="LDA"),
    Candidate("extra trees", learner="ExtraTrees"),
    Candidate("LDA on spectra", learner="LDA", sees="spectra"),
    Candidate("SVM", learner="SVM"),
    Candidate("SVM on spectra", learner="SVM", sees="spectra"),
    Candidate("extra trees on spectra", learner="ExtraTrees", sees="spectra"),
    Candidate("random forest", learner="RandomForest"),
    Candidate("MLP", learner="MLP"),
    Candidate("CNN2D", config="mmhsi::comparison/cnn2d.py", sees="spectra", window=9),
    Candidate("HSIViT tiny", config="mmhsi::hsi_vit/hsi-vit-tiny-p3.py", sees="spectra", window=9),
)
"""The first is done whatever the time is; then what is best on most scenes, then the cheapest first.

Whoever adds one adds a line; a network is trained as its config says.
"""


def choose_candidates(models: str | Sequence[str]) -> list[Candidate]:
    """Those that are tried.

    Args:
        models: ``'auto'`` for all, or names in any case and with hyphens for spaces.

    Raises:
        ConfigError: If a name is unknown, or there is none.
    """
    if isinstance(models, str) and models == "auto":
        return list(CANDIDATES)
    if not isinstance(models, str | Iterable):
        raise ConfigError(f"models={models!r} given, expected auto or names")
    known = {_plain(one.name): one for one in CANDIDATES}
    chosen = []
    for given in [models] if isinstance(models, str) else list(models):
        name = _plain(str(given))
        if name not in known:
            problem = "stands alone" if name == "auto" else f"is unknown{nearest(name, ['auto', *known])}"
            raise ConfigError(f"models: {given!r} {problem}")
        if known[name] not in chosen:
            chosen.append(known[name])
    if not chosen:
        raise ConfigError("models: none given, expected auto or names")
    return chosen


def _plain(name: str) -> str:
    return name.lower().replace(" ", "-")


def learner_config(candidate: Candidate, bands: int, second: bool) -> dict:
    """Config of a classical candidate, for channels that begin with the spectra.

    Args:
        candidate: With a ``learner``.
        bands: Bands of the spectra.
        second: Whether the other channels know a finer source.
    """
    start, stop = candidate.columns(bands, second)
    inner = dict(type=candidate.learner)
    if stop is not None:
        return dict(type="OnColumns", learner=inner, stop=stop)
    return dict(type="OnColumns", learner=inner, start=start) if start else inner


def wished(candidates: Sequence[Candidate], pretrained: str | None) -> list[Candidate]:
    """Candidates with the one that starts from an encoder, which comes before the other networks.

    Args:
        candidates: Those that were named.
        pretrained: File of an encoder, or None.
    """
    if pretrained is None:
        return list(candidates)
    from .pretrained import pretrained_candidate

    classical = [one for one in candidates if one.learner]
    return [*classical, pretrained_candidate(pretrained), *(one for one in candidates if one.config)]
