"""From a scene and its labels to a model and what is known of it, within a budget."""

from __future__ import annotations

import math
import platform
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mmhsi.datasets.splits.folds import scene_folds, stratified_folds
from mmhsi.inference.checks import warn, warn_of_no_place
from mmhsi.io.doubts import heard_doubts
from mmhsi.progress import begin
from mmhsi.version import __version__

from .assessment import assess, in_one_place, mixture
from .candidates import CHANNELS, Candidate, learner_config
from .comparison import classical_fit, compare
from .ensemble import Ensemble
from .findings import labelled_spectra
from .look import describe, doubts, drawn_labels, mapped_pixels, polygons_of
from .plan import CHANNELS as CHANNELS_SHARE
from .plan import RESERVE, TRYING, Clock, Plan
from .pretrained import check_encoder
from .samples import LabelledSamples
from .scene_files import input_digests
from .source import SceneSource
from .weighing import choose_members, fit_weights, how_weighed, is_settled
from .work_folder import Comparison, save_configs, save_model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from .comparison import Fit, Tried
    from .report import SceneReport


@dataclass(frozen=True)
class Wishes:
    """What a person asks for.

    Attributes:
        minutes: Time for everything.
        candidates: What may be tried.
        folds: Folds of the comparison, at most.
        seed: Of everything random.
        sample: Whether the labels are a probability sample of the map.
        auto: Whether nobody named the candidates: costly ones that cannot matter are not tried then.
    """

    minutes: float
    candidates: Sequence[Candidate]
    folds: int
    seed: int
    sample: bool
    auto: bool = False


@dataclass
class Learnt:
    """What came of it.

    Attributes:
        classes: Class names.
        weights: Of the members of the ensemble by name.
        checkpoint: File of the model.
        report: What is known of it.
    """

    classes: NDArray[np.str_]
    weights: dict[str, int]
    checkpoint: Path
    report: SceneReport


@dataclass
class SceneLearning:
    """One run.

    Attributes:
        described: Fields of :class:`mmhsi.datasets.SceneInfo`.
        wishes: What is asked for.
        folder: Where model, comparison and configs are kept.
        clock: The budget.
        resume: Whether what an interrupted run has found out in ``folder`` is used.
        say: Is told what is going on.
        decisions: What was decided, with reasons.
    """

    described: Mapping[str, Any]
    wishes: Wishes
    folder: Path
    clock: Clock
    resume: bool
    say: Callable[[str], None]
    decisions: list[str] = field(default_factory=list)

    def run(self) -> Learnt:
        """Learn; see :meth:`mmhsi.estimator.SceneClassifier.fit` for the errors."""
        with heard_doubts() as heard, SceneSource(self.described, "second_image" in self.described) as source:
            return self._run(source, heard)

    def _run(self, source: SceneSource, heard: list[str]) -> Learnt:
        wishes, clock = self.wishes, self.clock
        if source.empty:  # the configs leave them out, too
            bad = {*source.info.bad_bands, *source.empty} if source.info.bad_bands else source.empty
            self.described = {**self.described, "bad_bands": sorted(bad)}
        for line in describe(source):
            self.say(line)
        warnings = doubts(source)
        warn_of_no_place(source.reader.info, source.info.image)
        for text in warnings:
            warn(text)
        labelled = source.pixels
        pixels = labelled[drawn_labels(source.labels.ravel()[labelled], wishes.seed)]
        classes, polygons = source.labels.ravel()[pixels].astype(np.int64), polygons_of(source, pixels)
        # before the channels, which may take long: labels of which none can be held out are refused here
        self.folds = folds = scene_folds(pixels, classes, source.valid, wishes.folds, wishes.seed, polygons)
        digests = input_digests(source.info, [one for one in (source.reader, source.second) if one is not None])
        self.plan = Plan(self.folder / "plan.json", dict(asdict(wishes), scene=self.described, **digests), self.resume)
        if self.plan.begun:
            self.say(self.plan.begun)
        self.candidates = candidates = {one.name: one for one in self._affordable(source)}
        if len(pixels) < len(labelled):
            self.decisions.append(
                f"{len(pixels)} of {len(labelled)} labelled pixels were drawn at random: enough to learn"
            )
        self.samples = samples = LabelledSamples(source, pixels, wishes.seed)
        for one in candidates.values():
            if one.pretrained:
                spec = samples.windows(one, pixels[:1], samples.classes[:1]).spec
                self.decisions.append(f"{one.name}: {check_encoder(one.pretrained, spec)}")
        looked = clock.passed

        self.say(f"held out: {folds.rule}")
        self.decisions.append(
            f"held out were {folds.rule}: neighbours resemble each other, and single pixels would leak"
        )
        lonely = in_one_place([source.info.classes[one] for one in source.kept], samples.classes, folds.group)
        for text in lonely:  # before the figures that are low for it
            warn(text)
        warnings += lonely
        self.mapped = mapped = mapped_pixels(source, wishes.seed)
        self.ensemble = ensemble = Ensemble(samples, candidates)
        self.comparison = Comparison.of(self.folder, wishes.seed, samples.table, samples.classes, folds.fold)
        tried = self.comparison.load(candidates, samples.classes) if self.resume else []
        for before in tried:
            self.say(f"  {before.name}: {100 * before.accuracy:.1f} % of held-out pixels, tried before")
        self.left_out: list[str] = list(self.plan.get("left out", []))
        self._compare([name for name, one in candidates.items() if not one.is_costly], tried, clock.left(TRYING))
        costly = self._worth_trying([name for name, one in candidates.items() if one.is_costly], tried)
        self._compare([name for name in costly if candidates[name].learner], tried, clock.left(TRYING))
        networks = self._worth_trying([name for name in costly if candidates[name].config], tried)
        if networks:  # they take whatever the map by the others does not
            self._compare(networks, tried, self._spare(tried) if tried else clock.left(TRYING))
        tried.sort(key=lambda one: list(candidates).index(one.name))
        compared = clock.passed
        weights = self._weigh(tried)
        begin("learning from all labels")
        model = ensemble.build(weights, 1.0)
        shares = np.bincount(ensemble.scores(model, weights, mapped).argmax(axis=1), minlength=samples.num_classes)
        spec = source.spec("all labelled pixels", ensemble.window(weights))
        report = assess(spec.scene, spec.classes, samples.classes, folds, tried, weights, shares / len(mapped))
        for text in report.warnings:
            warn(text)
        report.warnings = [*dict.fromkeys(heard), *warnings, *report.warnings]
        self._add_random_figure(report, tried, weights)
        model.temperature = report.temperature
        config = ensemble.model(weights, report.temperature)
        checkpoint = save_model(self.folder / "model.pth", config, model, spec.to_meta(), wishes.seed)
        save_configs(self.folder, config, list(candidates.values()), self.described, samples, self.groups)
        report.spectra = labelled_spectra(source, pixels, samples.classes)
        self._finish(report, source, digests, tried, weights)
        steps = dict(look=looked, compare=compared - looked, train=clock.passed - compared)
        report.facts["seconds"] = {name: round(value, 1) for name, value in steps.items()}
        self.say(f"expected accuracy elsewhere on the scene: {report.expected}")
        return Learnt(np.asarray(spec.classes), weights, checkpoint, report)

    def _affordable(self, source: SceneSource) -> list[Candidate]:
        """Fit the channels that there is time for; candidates that can be had of them."""
        wished = list(self.wishes.candidates)
        groups = [*CHANNELS] + ["texture"] * (source.second is not None)
        wanted = {"channels", "spectra"} & {one.sees for one in wished}
        self.seconds_a_pixel = 0.0
        if "channels" in wanted:
            kept = self.plan.get("seconds a pixel")
            self.seconds_a_pixel = source.channel_seconds(groups) if kept is None else float(kept)
            self.plan.keep("seconds a pixel", self.seconds_a_pixel)
        count = source.shape[0] * source.shape[1]
        needed = (1 + source.whole) * count * self.seconds_a_pixel
        if needed > CHANNELS_SHARE * self.clock.seconds:
            alone = [one for one in wished if one.sees == "spectra"]
            text = f"channels of the surroundings would take {needed:.0f} of {self.clock.seconds:.0f} s"
            if alone:
                self.decisions.append(f"{text}: spectra alone were used")
                self.say(self.decisions[-1])
                wished, wanted, self.seconds_a_pixel = alone, {"spectra"}, 0.0
            else:
                self.decisions.append(f"{text}, and were asked for all the same")
                self.say(self.decisions[-1])
        self.groups = groups if "channels" in wanted else ["spectra"]
        if "channels" in wanted:
            self.decisions.append(
                "bands were replaced by channels of each pixel's surroundings at several scales (SceneChannels)"
            )
        source.fit(self.groups)
        return wished

    def _compare(self, names: Sequence[str], tried: list[Tried], seconds: float) -> None:
        """Add the held-out predictions of some candidates, as far as there is time for them."""
        known = {one.name for one in tried}

        def note(name: str, one: Tried | None) -> None:
            if one is None:
                self.left_out.append(name)
                self.plan.keep("left out", self.left_out)
                self.say(f"  {name}: left out, trying it and the map would not fit into --minutes")
                return
            tried.append(one)
            self.comparison.save(tried)
            left = max(0.0, self.clock.left())
            self.say(
                f"  {name}: {100 * one.accuracy:.1f} % of held-out pixels, {one.seconds:.1f} s ({left:.0f} s left)"
            )

        fits = {name: self._fit(name) for name in names if name not in known and name not in self.left_out}
        classes, count = self.samples.classes, self.samples.num_classes
        compare(fits, classes, count, self.folds, self.wishes.seed, seconds, note, hasty=bool(tried))

    def _worth_trying(self, names: list[str], tried: Sequence[Tried]) -> list[str]:
        """Costly candidates without those that nobody asked for and that could not gain more than what is chance."""
        known = [one for one in tried if one.name not in names]
        skipped = [name for name in names if self.wishes.auto and not self.candidates[name].pretrained]
        if not (known and skipped):
            return names
        weights = self._weights(known)
        wrong = mixture(known, weights).argmax(axis=1) != self.samples.classes
        if not is_settled(wrong, self.folds.group):
            return names
        said = f"{' with '.join(weights)} has {wrong.sum()} of {len(wrong)} held-out pixels wrong"
        more = ", so few that the gain of a classifier without error would be within its uncertainty"
        self.decisions.append(f"not tried: {', '.join(skipped)}, for {said}{more if wrong.any() else ''}")
        self.say(f"  {self.decisions[-1]}")
        return [name for name in names if name not in skipped]

    def _spare(self, tried: Sequence[Tried]) -> float:
        """Seconds for trying more, where the map is made by the best of what was tried and one network beside it."""
        weights, count = self._weights(tried), int(self.folds.fold.max()) + 1
        left = self.clock.left(1 - RESERVE) - self._channels_left()
        for one in tried:
            if one.name in weights:  # trained, asked for the map, and tried again for the leaky figure
                left -= one.seconds + self._cost(one, math.inf)
        return left * count / (count + 2)  # the rest trains a network on all labels and asks it for the map

    def _cost(self, one: Tried, seconds: float) -> float:
        """Seconds that a candidate's part of the map takes, its training included; infinite beyond ``seconds``."""
        return self.ensemble.cost(one.name, self.mapped, one.seconds / max(1, int(self.folds.fold.max())), seconds)

    def _weights(self, tried: Sequence[Tried]) -> dict[str, int]:
        return fit_weights(tried, self.samples.classes, self.folds.group)

    def _fit(self, name: str) -> Fit:
        """A candidate as something to compare."""
        one, samples = self.candidates[name], self.samples
        if one.config:
            return samples.network_fit(one)
        config = learner_config(one, len(samples.source.bands), samples.source.second is not None)
        return classical_fit(config, samples.table, samples.classes, samples.num_classes, samples.seed)

    def _weigh(self, tried: Sequence[Tried]) -> dict[str, int]:
        """Weights of the best ensemble whose map can be made in time."""
        slow: list[str] = list(self.plan.get("too slow for the map", []))
        if self.plan.get("weighed", False):
            weights = self._weights([one for one in tried if one.name not in slow])
        else:
            # Channels are made whatever is left out; what takes next to no time stays when all of it is used up.
            left = self.clock.left(1 - RESERVE) - self._channels_left()
            seconds = max(left, RESERVE * self.clock.seconds)
            weights, slow = choose_members(tried, self._weights, lambda one: self._cost(one, seconds), seconds)
            for name in slow:
                self.say(f"  {name}: left out of the map, for which it is too slow")
            self.plan.keep("too slow for the map", slow)
            self.plan.keep("weighed", True)
        if slow:
            self.decisions.append(f"too slow for the map in {self.wishes.minutes:g} minutes: {', '.join(slow)}")
        return weights

    def _channels_left(self) -> float:
        """Seconds that the channels of the map will take."""
        height, width = self.samples.source.shape
        return height * width * self.seconds_a_pixel

    def _add_random_figure(self, report: SceneReport, tried: Sequence[Tried], weights: Mapping[str, int]) -> None:
        """What folds of single pixels would have said of the ensemble, where time suffices."""
        samples = self.samples
        mapping = self._channels_left() + sum(self.ensemble.map_seconds(name) for name in weights)
        seconds = self.clock.left(1 - RESERVE) - mapping
        found: list[Tried] = []
        if seconds > sum(one.seconds for one in tried if one.name in weights):
            folds = stratified_folds(samples.classes, self.wishes.folds, self.wishes.seed)
            assert folds is not None  # some class has two labels, or nothing would have been held out
            fits = {name: self._fit(name) for name in weights}
            found = compare(fits, samples.classes, samples.num_classes, folds, self.wishes.seed, seconds, hasty=True)
        if len(found) < len(weights):
            report.decisions.append("the leaky figure of folds drawn pixel by pixel was left out for want of time")
            return
        report.random = float((mixture(found, weights).argmax(axis=1) == samples.classes).mean())

    def _finish(
        self,
        report: SceneReport,
        source: SceneSource,
        digests: Mapping[str, str],
        tried: Sequence[Tried],
        weights: Mapping[str, int],
    ) -> None:
        """Facts and decisions of a report."""
        info = source.reader.info
        report.sample, report.pixels = self.wishes.sample, int(source.valid.sum())
        if info.transform is not None and info.crs is not None and info.crs.is_projected:
            report.pixel_area = abs(info.transform.determinant) * info.crs.linear_units_factor[1] ** 2
        report.facts |= dict(mmhsi=__version__, python=platform.python_version(), seed=self.wishes.seed)
        report.facts |= dict(minutes=self.wishes.minutes)
        report.facts |= {f"SHA-256 of {name}": digest for name, digest in digests.items()}
        left_out = info.shape[2] - len(source.bands)
        if left_out:
            why = "empty, flagged bad, or named so"
            report.decisions.append(f"{left_out} of {info.shape[2]} bands were left out: {why}")
        report.decisions += self.decisions
        report.decisions += how_weighed([one.name for one in tried], weights)
        calibrated = (
            f"calibrated by one number, a temperature of {report.temperature:.2f}, for few labels carry no more"
        )
        unsure = "left as they are: no temperature makes held-out labels likelier by twice the standard error"
        report.decisions.append(f"probabilities were {unsure if report.temperature == 1 else calibrated}")
        if self.left_out:
            limit, those = f"{self.wishes.minutes:g} minutes", ", ".join(self.left_out)
            report.decisions.append(f"left out, begun or not, for trying and map would not fit into {limit}: {those}")
