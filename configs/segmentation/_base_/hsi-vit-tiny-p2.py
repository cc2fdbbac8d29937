# HSIViT as the tiny DINOv2 configs have it, under the linear head.
_base_ = "../../_base_/models/linear_hsi-vit-tiny.py"
model = dict(
    data_preprocessor=dict(
        augments=[dict(type="BatchGainOffset", gain=0.1, offset=0.1), dict(type="BatchNoise", std=0.05)]
    ),
    backbone=dict(img_size=12, patch_size=2, num_registers=4, ffn_type="swiglu_fused", layer_scale_init_value=0.1),
)
