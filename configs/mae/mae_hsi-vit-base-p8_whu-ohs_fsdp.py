# Weights, gradients and optimiser states are sharded over the processes: tools/dist_train.sh. Not measured on GPUs.
_base_ = "./mae_hsi-vit-base-p8_whu-ohs.py"
runner_type = "FlexibleRunner"
strategy = dict(type="FSDPStrategy", state_dict_cfg="full", model_wrapper=dict(type="ShardedDataParallel"))
