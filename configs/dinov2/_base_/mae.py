# MAE for comparison: on the windows of the DINOv2 config, one crop of the large size each, with its backbone. Fill in:
# patch_size.
_base_ = "../../_base_/models/mae_hsi-vit-tiny_tiles.py"
model = dict(backbone=dict(num_registers=4, ffn_type="swiglu_fused", layer_scale_init_value=0.1))
