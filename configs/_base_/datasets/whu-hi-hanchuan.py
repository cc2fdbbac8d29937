# The supplied pixels: 100 training pixels a class, the others test.
_base_ = "./scene_20-per-class.py"
split = dict(
    _delete_=True,
    type="MapSplit",
    train="{{$MMHSI_DATA:data}}/WHU-Hi-HanChuan/Train100.mat",
    test="{{$MMHSI_DATA:data}}/WHU-Hi-HanChuan/Test100.mat",
    train_key="Train100",
    test_key="Test100",
)
train_dataloader = dict(dataset=dict(scene="whu_hi_hanchuan", split=split))
test_dataloader = dict(dataset=dict(scene="whu_hi_hanchuan", split=split))
