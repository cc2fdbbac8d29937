_base_ = "./hsi-vit-tiny-p2_linear.py"
# Labels 4 times finer than the cube: the decoder doubles patches of 2 pixels three times.
num_upsamples = 3 if "{{$MMHSI_DATASET:enmap-potsdam}}".endswith("-fine") else 1
model = dict(decode_head=dict(_base_.unet, _delete_=True, num_upsamples=num_upsamples))
