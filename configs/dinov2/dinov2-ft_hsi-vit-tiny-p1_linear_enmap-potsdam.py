_base_ = "../mae/mae-ft_hsi-vit-tiny-p1_linear_enmap-potsdam.py"
model = dict(
    backbone=dict(
        img_size=12,  # as in pretraining: tiles of 32 pixels have its positions, interpolated
        num_registers=4,
        ffn_type="swiglu_fused",
        layer_scale_init_value=0.1,
        init_cfg=dict(
            checkpoint="work_dirs/dinov2_hsi-vit-tiny_enmap-potsdam/epoch_100.pth", prefix="teacher.backbone."
        ),
    )
)
auto_scale_lr = dict(base_batch_size=7)
