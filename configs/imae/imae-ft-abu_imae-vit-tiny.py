# Pretrained on scenes of other band counts: the input layer is new.
_base_ = "./imae-ft_imae-vit-tiny.py"
model = dict(
    backbone=dict(
        init_cfg=dict(checkpoint="work_dirs/imae_imae-vit-tiny_abu/epoch_20.pth", input_layer="reinit"),
    ),
)
