# Weights, gradients and optimiser states are sharded over the processes: tools/dist_train.sh. Not measured on GPUs.
_base_ = "./dinov2_hsi-vit-base-p8_whu-ohs.py"
runner_type = "FlexibleRunner"
strategy = dict(type="FSDPStrategy", state_dict_cfg="full", model_wrapper=dict(type="ShardedDataParallel"))
optim_wrapper = dict(
    type="ShardedOptimWrapper",
    # Every shard is flat: the scales of layers, the only flat weights beside norms and biases, go by their name.
    paramwise_cfg=dict(flat_decay_mult=None, custom_keys={"gamma": dict(decay_mult=0.0)}),
)
