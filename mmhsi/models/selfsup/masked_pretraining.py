"""What masked pretraining algorithms share: their modes, and reconstructions that metrics and pictures take."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

from mmengine.model import BaseModel

from mmhsi.arguments import takes_argument
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..masking import BandMasking, Masking, TokenMasking
from ..preprocessors.band_preprocessor import BandPreprocessor
from ..protocols import GridBackbone, TokenBackbone, takes_any_bands, told
from ..quiet_init import QuietInit
from ..rng import BatchRNG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn


class Reconstruction(NamedTuple):
    """Images, what was made of them, and which of their values were hidden; all in normalised units.

    Attributes:
        target: Images, float32, shape (B, C, H, W).
        prediction: What the decoder gives for them, hidden or not, same shape.
        hidden: Values that the encoder could not see and the loss scores, bool, same shape.
        valid: Pixels that hold data, bool, shape (B, H, W); None if all do.
    """

    target: Tensor
    prediction: Tensor
    hidden: Tensor
    valid: Tensor | None

    def samples(self) -> list[Reconstruction]:
        """Split into one reconstruction a sample, of tensors (C, H, W) and (H, W)."""
        valid = [None] * len(self.target) if self.valid is None else self.valid
        return [Reconstruction(*parts) for parts in zip(self.target, self.prediction, self.hidden, valid, strict=True)]


class MaskedPretraining(QuietInit, BaseModel, metaclass=ABCMeta):
    """Base of algorithms that hide parts of an image and reconstruct them.

    Args:
        backbone: Config of the backbone.
        data_preprocessor: Config of the preprocessor.
        init_cfg: mmengine's initialisation.
    """

    def __init__(
        self,
        backbone: dict,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.backbone = MODELS.build(backbone)
        # The loss leaves nodata pixels out, so the preprocessor has to say which these are.
        self.data_preprocessor.with_valid = True
        self.data_preprocessor.with_rng = True

    def build_decoder(self, decoder: dict, backbone: TokenBackbone) -> nn.Module:
        """Build a decoder, which takes over bands, patches, width and image size of the backbone.

        Args:
            decoder: Its config; an image size that it states stays, position tables are interpolated.
            backbone: The backbone.

        Raises:
            ConfigError: If it states other bands, patches or another width than the backbone has.
        """
        kind = decoder["type"]
        cls = MODELS.get(kind) if isinstance(kind, str) else kind
        patch = backbone.patch_size
        sizes: dict[str, object] = dict(
            in_channels=backbone.in_channels, patch_size=patch, embed_dims=backbone.embed_dims
        )
        for name, size in sizes.items():
            if decoder.get(name, size) != size:
                raise ConfigError(
                    f"{type(self).__name__}: decoder.{name}={decoder[name]} given, the backbone has {size}; leave it "
                    "out"
                )
        if takes_any_bands(backbone):
            sizes["any_bands"] = True
        if isinstance(backbone, GridBackbone):
            sizes["img_size"] = tuple(side * patch for side in backbone.grid)
        known = {name: size for name, size in sizes.items() if cls is not None and takes_argument(cls, name)}
        return MODELS.build(decoder, default_args=known)

    def bands_of(self, wavelengths: Sequence[float] | None) -> dict[str, Any]:
        """``wavelengths`` for backbone and decoder: those of the batch, or the backbone's own; nothing of fixed bands.

        Args:
            wavelengths: Centres in nm as the batch brings them; None where it brings none.
        """
        if not takes_any_bands(self.backbone):
            return {}
        return told(self.backbone.wavelengths if wavelengths is None else wavelengths)

    def check_masking(self, masking: Masking, kind: type[Masking] = Masking, name: str = "masking") -> None:
        """Check that a masking strategy leaves something to hide and something to see.

        Args:
            masking: The strategy.
            kind: What it must be. Default: any.
            name: The argument, for the message.

        Raises:
            ConfigError: If it is of another kind, or its ratio is 0 or 1.
        """
        if not isinstance(masking, kind):
            wanted = "tokens, such as RandomMasking" if kind is TokenMasking else "bands, such as MRSMasking"
            raise ConfigError(f"{type(self).__name__}: {name}={masking} given, expected a strategy over {wanted}")
        if not 0 < masking.ratio < 1:
            raise ConfigError(
                f"{type(self).__name__}: {name}.ratio={masking.ratio} leaves nothing to hide or nothing to see"
            )

    def band_images(self, masking: BandMasking, inputs: Tensor) -> Tensor:
        """What a strategy over bands looks at.

        Args:
            masking: The strategy.
            inputs: Normalised images, shape (B, C, H, W).

        Returns:
            The images, in the data's units where the strategy wants these.
        """
        if masking.on_file_values and isinstance(self.data_preprocessor, BandPreprocessor):
            return self.data_preprocessor.restore(inputs)
        return inputs

    def visible_count(self, masking: Masking, total: int, what: str, name: str = "masking") -> int:
        """How many of ``total`` a strategy leaves visible.

        Args:
            masking: The strategy.
            total: Tokens or bands.
            what: What they are called in the message.
            name: The argument, for the message.

        Raises:
            ConfigError: If all or none are hidden.
        """
        count = masking.count(total)
        if not 0 < count < total:
            raise ConfigError(
                f"{type(self).__name__}: {name}.ratio={masking.ratio} hides {count} of {total} {what}; use another"
            )
        return total - count

    def forward(
        self,
        inputs: Tensor,
        data_samples: list | None = None,
        valid: Tensor | None = None,
        rng: BatchRNG | None = None,
        wavelengths: Sequence[float] | None = None,
        mode: str = "tensor",
    ) -> dict[str, Tensor] | tuple[Tensor, ...] | list[dict[str, Reconstruction]]:
        """Run the algorithm.

        Args:
            inputs: Normalised images, shape (B, C, H, W).
            data_samples: Ignored; part of mmengine's interface.
            valid: Pixels that hold data, bool (B, H, W); None if all do.
            rng: What training draws masks from. Default: torch's own generators.
            wavelengths: Centres of the batch's bands in nm, for a backbone of any bands. Default: the backbone's own.
            mode: ``'loss'`` for training, ``'predict'`` for reconstructions under masks that depend on each image
                alone, ``'tensor'`` for the backbone's maps of the unmasked image.

        Returns:
            Losses by name; or for every sample its reconstructions by name; or the maps.
        """
        bands = told(wavelengths)
        if mode == "tensor":
            return self.backbone(inputs, **bands)
        if mode == "loss":
            return self.loss(inputs, valid, rng, **bands)
        if mode == "predict":
            made = self.reconstruct(inputs, valid, BatchRNG.by_image(inputs), **bands)
            results = {name: whole.samples() for name, whole in made.items()}
            return [{name: parts[index] for name, parts in results.items()} for index in range(len(inputs))]
        raise ConfigError(f"{type(self).__name__}: mode={mode!r} is not offered, expected 'loss', 'predict', 'tensor'")

    @abstractmethod
    def loss(self, inputs: Tensor, valid: Tensor | None = None, rng: BatchRNG | None = None) -> dict[str, Tensor]:
        """Losses by name, the ones to minimise with ``loss`` in it.

        Args:
            inputs: Normalised images, shape (B, C, H, W).
            valid: Pixels that hold data, bool (B, H, W); None if all do.
            rng: What to draw masks from. Default: torch's own generators.
        """

    @abstractmethod
    def reconstruct(
        self, inputs: Tensor, valid: Tensor | None = None, rng: BatchRNG | None = None
    ) -> dict[str, Reconstruction]:
        """Hide, encode and reconstruct, without a loss.

        Args:
            inputs: Normalised images, shape (B, C, H, W).
            valid: Pixels that hold data, bool (B, H, W); None if all do.
            rng: What to draw masks from, such as a generator's numbers. Default: torch's own generators.

        Returns:
            Reconstructions by the name of what was hidden, one of each kind that the algorithm trains: ``'patches'``,
            ``'bands'``, ``'pixels'``.
        """
