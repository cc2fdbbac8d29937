"""Networks that papers compare with: windows of a scene in, one map of the centre pixel or of the window out.

They are small, trained from scratch, and take any window; those that see one spectrum alone return a 1 × 1 map.
"""

from .cnn_1d import SpectralCNN1D
from .cnn_2d import CNN2D
from .cnn_3d import CNN3D
from .rnn import SpectralRNN

__all__ = ["CNN2D", "CNN3D", "SpectralCNN1D", "SpectralRNN"]
