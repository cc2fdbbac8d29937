_base_ = [
    "../_base_/models/pixel_hsi-vit-tiny.py",
    "../_base_/datasets/{{$MMHSI_DATASET:houston2018-crop_20-per-class}}.py",
    "../_base_/schedules/adamw_finetune_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    backbone=dict(
        img_size=18,  # as in pretraining: windows of 9 pixels have its positions, interpolated, as local views had
        patch_size=3,
        num_registers=4,
        ffn_type="swiglu_fused",
        layer_scale_init_value=0.1,
        init_cfg=dict(
            type="Pretrained",
            checkpoint="work_dirs/dinov2_hsi-vit-tiny_houston2018-crop/epoch_100.pth",
            prefix="teacher.backbone.",
        ),
    ),
)
