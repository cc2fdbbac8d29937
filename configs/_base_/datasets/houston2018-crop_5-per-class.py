# Fixed splits of 5 random training pixels a class.
_base_ = "./scene_20-per-class.py"
split = dict(
    _delete_=True,
    type="FileSplit",
    path="{{$MMHSI_DATA:data}}/splits/houston2018_crop_fewshot5_seed{seed}.npz",
    seed=0,
)
train_dataloader = dict(dataset=dict(scene="houston2018_crop", split=split))
test_dataloader = dict(dataset=dict(scene="houston2018_crop", split=split))
