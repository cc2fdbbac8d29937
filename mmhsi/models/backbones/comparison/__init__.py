"""Networks that papers compare with: windows of a scene in, one map of the centre pixel or of the window out.

They are trained from scratch, except MAEST's encoder, and take any window; those that see one spectrum alone, or sum
up the window themselves, return a 1 × 1 map.
"""

from .cnn_1d import SpectralCNN1D
from .cnn_2d import CNN2D
from .cnn_3d import CNN3D
from .exvit import ExViT
from .free_net import FreeNet
from .hit import HiT
from .maest_vit import MAESTViT
from .rnn import SpectralRNN
from .sstn import SSTN

__all__ = ["CNN2D", "CNN3D", "SSTN", "ExViT", "FreeNet", "HiT", "MAESTViT", "SpectralCNN1D", "SpectralRNN"]
