# Fixed spatially disjoint splits: no test pixel lies in a training window of up to 9x9.
_base_ = "./scene_20-per-class.py"
split = dict(
    _delete_=True, type="FileSplit", path="{{$MMHSI_DATA:data}}/splits/salinas_a_disjoint20_seed{seed}.npz", seed=0
)
train_dataloader = dict(dataset=dict(scene="salinas_a", split=split))
test_dataloader = dict(dataset=dict(scene="salinas_a", split=split))
