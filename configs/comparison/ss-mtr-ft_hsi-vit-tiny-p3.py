_base_ = "../mae/mae-ft_hsi-vit-tiny-p3.py"
pretrained_on = "{{$MMHSI_DATASET:salinas-a_20-per-class}}".partition("_")[0]
model = dict(
    backbone=dict(init_cfg=dict(checkpoint=f"work_dirs/ss-mtr_hsi-vit-tiny-p3_{pretrained_on}/epoch_20.pth")),
    neck=dict(_delete_=True, type="mmpretrain.GlobalAveragePooling"),
)
