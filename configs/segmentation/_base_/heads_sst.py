# Likewise on four maps of SST tiny, 48 wide, with patches of 4 pixels.
_base_ = "./heads_hsi-vit.py"
cnn = dict(in_channels=48, num_upsamples=2)
unet = dict(in_channels=[48, 48, 48, 48], num_upsamples=2)
segmenter = dict(in_channels=48)
deeplabv3plus = dict(in_channels=48, c1_in_channels=48)
auxiliary = dict(in_channels=48)
