# Two sources, the published training and test pixels.
_base_ = "./scene_20-per-class.py"
split = dict(
    _delete_=True,
    type="PairSplit",
    path="{{$MMHSI_DATA:data}}/Berlin/berlin_index.mat",
    train_key="berlin_train",
    test_key="berlin_test",
)
train_dataloader = dict(batch_size=128, dataset=dict(scene="berlin", window=7, use_second=True, split=split))
test_dataloader = dict(dataset=dict(scene="berlin", window=7, use_second=True, split=split))
