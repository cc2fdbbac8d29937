"""Arguments of every registered backbone, decoder, neck and head; of some twice."""

LOSS = dict(type="mmseg.CrossEntropyLoss")
MAPS = dict(in_channels=(16, 24), in_index=(0, 1), num_classes=5, loss_decode=LOSS)
WIDE = dict(decoder_embed_dims=64, depth=1, num_heads=2)
ARGUMENTS = {
    "AbundanceHead": dict(in_channels=16, num_targets=3),
    "CNN2D": dict(in_channels=30),
    "CNN3D": dict(in_channels=30),
    "CNNHead": dict(in_channels=16, num_classes=5, num_upsamples=2, loss_decode=LOSS),
    "CenterContext": dict(),
    "DINOHead": dict(in_channels=32, num_prototypes=128, hidden_channels=64, bottleneck_channels=32),
    "ExViT": dict(in_channels=30, second_bands=3, window=9),
    "FreeNet": dict(in_channels=30, embed_dims=32, block_channels=(32, 48)),
    "HSIViT": dict(in_channels=30, arch="tiny", img_size=9, patch_size=3, num_registers=4, with_mask_token=True),
    "HSIViT, learned": dict(in_channels=30, arch="tiny", img_size=9, patch_size=3, pos_embed="learned"),
    "HSIViT, SwiGLU": dict(in_channels=30, arch="tiny", patch_size=3, img_size=9, ffn_type="swiglu_fused"),
    "HyperSIGMAFusion": dict(
        in_channels=30,
        img_size=9,
        spatial=dict(arch="tiny", patch_size=3, interval=2),
        spectral=dict(arch="tiny", num_tokens=16, patch_size=9, interval=2),
    ),
    "HyperSIGMASpatial": dict(in_channels=30, arch="tiny", patch_size=3, interval=2),
    "HyperSIGMASpectral": dict(in_channels=30, arch="tiny", num_tokens=16, patch_size=9, interval=2),
    "HiT": dict(in_channels=30, embed_dims=64, depths=(1, 1, 1, 1)),
    "IMAEDecoder": dict(in_channels=30, embed_dims=32, **WIDE),
    "IMAEViT": dict(in_channels=30, arch="tiny"),
    "LOMSSTDecoder": dict(in_channels=48, patch_values=36, spectral_positions=[0.0, 1.0, 2.0]),
    "LearnableAggregation": dict(embed_dims=32),
    "LevelProjection": dict(in_channels=(24, 16), out_channels=32),
    "MAESTViT": dict(in_channels=30),
    "MAEDecoder": dict(in_channels=30, patch_size=3, img_size=(9, 12), embed_dims=32, **WIDE),
    "MultiScaleWindows": dict(in_channels=30, backbone=dict(type="CNN2D", depth=1)),
    "MultiscaleLinearHead": MAPS,
    "RegressionHead": dict(in_channels=16, num_targets=2),
    "SSMAEFusion": dict(in_channels=30, arch="tiny", second_bands=3),
    "SSMAEViT": dict(in_channels=30, arch="tiny"),
    "SST": dict(in_channels=30, arch="tiny", patch_size=3),
    "SSTN": dict(in_channels=30),
    "SpatialSpectralViT": dict(in_channels=30, arch="tiny", img_size=9, patch_size=3),
    "SpatialSpectralViT, paper": dict(
        in_channels=30, arch="tiny", mode="paper", img_size=9, local_img_size=6, patch_size=3
    ),
    "SpatialSpectralViT, pooled": dict(in_channels=30, arch="tiny", img_size=9, patch_size=3, fusion="pooled"),
    "SpectralCNN1D": dict(in_channels=30),
    "SpectralRNN": dict(in_channels=30),
    "TwoSources": dict(in_channels=30, second_bands=12, second_scale=2, backbone=dict(type="CNN2D")),
    "TokenLinearHead": dict(in_channels=16, num_classes=5, patch_size=2, loss_decode=LOSS),
    "UNetHead": dict(MAPS, num_upsamples=1),
}
