# Two sources, the supplied training and test pixels.
_base_ = "./scene_20-per-class.py"
split = dict(
    _delete_=True,
    type="MapSplit",
    train="{{$MMHSI_DATA:data}}/Houston2013/TRLabel.mat",
    test="{{$MMHSI_DATA:data}}/Houston2013/TSLabel.mat",
    train_key="TRLabel",
    test_key="TSLabel",
)
train_dataloader = dict(batch_size=128, dataset=dict(scene="houston2013", window=7, use_second=True, split=split))
test_dataloader = dict(dataset=dict(scene="houston2013", window=7, use_second=True, split=split))
