# Two sources, the published training and test pixels.
_base_ = "./scene_20-per-class.py"
split = dict(
    _delete_=True,
    type="PairSplit",
    path="{{$MMHSI_DATA:data}}/Houston2018/houston_index.mat",
    train_key="houston_train",
    test_key="houston_test",
)
train_dataloader = dict(batch_size=128, dataset=dict(scene="houston2018", window=7, use_second=True, split=split))
test_dataloader = dict(dataset=dict(scene="houston2018", window=7, use_second=True, split=split))
