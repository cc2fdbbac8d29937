_base_ = [
    "../_base_/models/maest.py",
    "../_base_/datasets/{{$MMHSI_DATASET:salinas-a}}_pretrain.py",
    "../_base_/datasets/scene_reconstruction.py",
    "../_base_/schedules/adamw_pretrain_20e.py",
    "../_base_/pretrain_runtime.py",
]
val_dataloader = dict(dataset=dict(scene=_base_.train_dataloader.dataset.scene))
test_dataloader = val_dataloader
