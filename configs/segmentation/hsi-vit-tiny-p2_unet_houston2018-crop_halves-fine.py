# Labels at their own resolution, 4 times finer than the cube: the decoder doubles patches of 2 pixels three times.
_base_ = ["./_base_/hsi-vit-tiny-p2.py", "./_base_/heads_hsi-vit.py", "./_base_/houston2018-crop_halves.py"]
model = dict(decode_head=dict(_base_.unet, _delete_=True, num_upsamples=3))
train_dataloader = dict(dataset=dict(fine_labels=True))
test_dataloader = dict(dataset=dict(fine_labels=True))
