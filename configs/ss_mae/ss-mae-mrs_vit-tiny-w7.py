_base_ = [
    "../_base_/models/ss-mae_vit-tiny.py",
    "../_base_/datasets/{{$MMHSI_DATASET:salinas-a}}_pretrain.py",
    "../_base_/schedules/adamw_pretrain_20e.py",
    "../_base_/default_runtime.py",
]
# Windows of 7 still cover every pixel.
stride = {"indian-pines": 2, "salinas-a": 2}.get("{{$MMHSI_DATASET:salinas-a}}", 3)
train_dataloader = dict(batch_size=128, dataset=dict(window=7, stride=stride))
auto_scale_lr = dict(base_batch_size=128)
