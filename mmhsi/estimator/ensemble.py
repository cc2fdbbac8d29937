"""The chosen candidates as one trained model."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from mmengine.registry import DefaultScope

from mmhsi.models.mean_of_classifiers import MeanOfClassifiers
from mmhsi.registry import MODELS

from .candidates import learner_config
from .comparison import build_learner, thin
from .networks import member_config
from .pace import OutOfTimeError, Pace
from .samples import PREPROCESSOR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import nn

    from mmhsi.models.classical import ClassicalClassifier

    from .candidates import Candidate
    from .samples import LabelledSamples

TIMED_PIXELS = 1000
"""Pixels by which the time that a candidate needs for the map is foretold."""


class Ensemble:
    """Candidates trained on all samples, each once, and what they need for a pixel.

    Args:
        samples: What they learn from.
        candidates: Those that may be members, by name.
    """

    def __init__(self, samples: LabelledSamples, candidates: Mapping[str, Candidate]) -> None:
        self.samples, self.candidates = samples, candidates
        self._networks: dict[str, nn.Module] = {}
        self._mapping: dict[str, float] = {}

    def cost(self, name: str, pixels: NDArray[np.int64], training: float, seconds: float) -> float:
        """Seconds that a candidate needs to be trained on all samples and for its part of the map.

        Args:
            name: Its name.
            pixels: Flat indices of pixels to try it on.
            training: Seconds that its training was foretold to take.
            seconds: There are; infinite is what would need more for the training alone.
        """
        if name not in self._mapping:
            if training > seconds:
                return math.inf
            candidate, pixels = self.candidates[name], pixels[:TIMED_PIXELS]
            fitted = 0.0
            if candidate.config:
                try:
                    network = self._network(candidate, Pace(seconds))
                except OutOfTimeError:
                    return math.inf
                begin = time.monotonic()
                self.samples.ask(network, candidate, pixels)
            else:
                begin = time.monotonic()
                learner = build_learner(self._learner(candidate))
                chosen = self._chosen()
                learner.learn(
                    self.samples.table[chosen],
                    self.samples.classes[chosen],
                    self.samples.num_classes,
                    self.samples.seed,
                )
                fitted = time.monotonic() - begin  # and again for the map, as whoever loads the model learns anew
                table = self.samples.of(pixels)
                begin = time.monotonic()
                learner.probabilities(table)
            each = (time.monotonic() - begin) / max(1, len(pixels))
            self._mapping[name] = self.samples.source.mapped * each + fitted
        return self._mapping[name]

    def map_seconds(self, name: str) -> float:
        """Seconds that a candidate's part of the map takes, 0 where it was not tried.

        Args:
            name: Its name.
        """
        return self._mapping.get(name, 0.0)

    def model(self, weights: Mapping[str, int], temperature: float) -> dict[str, Any]:
        """Config of the model; numbers of bands and classes of a purely classical one come from the data.

        Args:
            weights: Weights of its members by name.
            temperature: Of its calibration.
        """
        members = self._members(weights)
        if len(members) == 1 and members[0]["model"]["type"] == "ClassicalClassifier":
            classical = {name: value for name, value in members[0]["model"].items() if name != "num_classes"}
            return dict(classical, data_preprocessor=dict(PREPROCESSOR), temperature=temperature)
        backbone = dict(type="ClassifierMembers", members=members)
        return dict(
            type="MeanOfClassifiers", data_preprocessor=dict(PREPROCESSOR), backbone=backbone, temperature=temperature
        )

    def build(self, weights: Mapping[str, int], temperature: float) -> Any:
        """The trained model.

        Args:
            weights: Weights of its members by name.
            temperature: Of its calibration.
        """
        samples = self.samples
        config = self.model(weights, temperature)
        config["data_preprocessor"] = dict(PREPROCESSOR, num_bands=samples.source.num_channels)
        if config["type"] == "ClassicalClassifier":
            config["num_classes"] = samples.num_classes
        with DefaultScope.overwrite_default_scope("mmhsi"):
            built = MODELS.build(config)
        built.data_preprocessor.fit(samples.preprocessor.mean, samples.preprocessor.std)
        if not isinstance(built, MeanOfClassifiers):
            self._teach(built)
            return built.eval()
        names = [name for name in weights if self.candidates[name].config]
        parts = list(built.backbone.get_submodule("networks").children())
        for name, part in zip(names, parts[-len(names) :], strict=True):
            part.load_state_dict(self._network(self.candidates[name]).state_dict())
        if len(parts) > len(names):
            self._teach(cast("ClassicalClassifier", parts[0]))
        return built.eval()

    def window(self, weights: Mapping[str, int]) -> int:
        """Side in pixels of the largest window that a member sees.

        Args:
            weights: Weights of the members by name.
        """
        return max(self.candidates[name].window for name in weights)

    def scores(self, model: Any, weights: Mapping[str, int], pixels: NDArray[np.int64]) -> NDArray[np.float32]:
        """Class probabilities of any pixels by the trained model, (n, K).

        Args:
            model: Of :meth:`build`.
            weights: Weights of its members by name.
            pixels: Flat indices.
        """
        window, parts = self.window(weights), []
        for at in range(0, len(pixels), 512):
            values, valid = self.samples.source.take(pixels[at : at + 512], window)
            inputs = torch.from_numpy(self.samples.normalised(values, valid, slice(None)))
            with torch.inference_mode():
                parts.append(model.predict_scores(inputs.permute(0, 3, 1, 2)).numpy())
        return np.concatenate(parts)

    def _chosen(self) -> NDArray[np.int64]:
        """Samples that classical candidates learn from."""
        return thin(np.arange(len(self.samples.classes)), self.samples.classes, self.samples.seed)

    def _teach(self, model: ClassicalClassifier) -> None:
        """Give a classical model its samples."""
        chosen = self._chosen()
        model.seed.fill_(self.samples.seed)
        model.keep(torch.from_numpy(self.samples.table[chosen]), torch.from_numpy(self.samples.classes[chosen]))

    def _network(self, candidate: Candidate, pace: Pace | None = None) -> nn.Module:
        if candidate.name not in self._networks:
            everything = np.arange(len(self.samples.classes))
            self._networks[candidate.name] = self.samples.train(candidate, everything, pace or Pace())
        return self._networks[candidate.name]

    def _learner(self, candidate: Candidate) -> dict[str, Any]:
        return learner_config(candidate, len(self.samples.source.bands), self.samples.source.second is not None)

    def _members(self, weights: Mapping[str, int]) -> Sequence[dict[str, Any]]:
        """Members of the model: one for all classical candidates, which share their samples, and one a network."""
        classical = {name: weight for name, weight in weights.items() if not self.candidates[name].config}
        members = []
        if classical:
            configs = [self._learner(self.candidates[name]) for name in classical]
            learner = dict(type="MeanOfLearners", members=configs, weights=list(classical.values()))
            backbone = configs[0] if len(configs) == 1 else learner
            preprocessor = dict(PREPROCESSOR, num_bands=self.samples.source.num_channels)
            model: dict[str, Any] = dict(type="ClassicalClassifier", data_preprocessor=preprocessor, backbone=backbone)
            model["num_classes"] = self.samples.num_classes
            members.append(dict(model=model, weight=float(sum(classical.values()))))
        for name, weight in weights.items():
            candidate = self.candidates[name]
            if candidate.config:
                cfg = self.samples.network(candidate)
                members.append(member_config(cfg, candidate, self.samples.columns(candidate), weight))
        return members
