# Pretrained on other sensors' scenes: the input layer is new and learns at the head's rate.
_base_ = "./imae-ft_imae-vit-tiny_salinas-a_20-per-class.py"
model = dict(
    backbone=dict(
        init_cfg=dict(checkpoint="work_dirs/imae_imae-vit-tiny_abu/epoch_20.pth", input_layer="reinit"),
    ),
)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={"backbone.spectral_embed.input_layer": dict(lr_mult=1.0)}))
