_base_ = "./imae-ft_imae-vit-tiny_houston2018-crop-rgb_20-per-class.py"
split = dict(path="{{$MMHSI_DATA:data}}/splits/houston2018_crop_fewshot5_seed{seed}.npz")
train_dataloader = dict(dataset=dict(split=split))
test_dataloader = dict(dataset=dict(split=split))
