# One pass over the training samples, which are kept; nothing is optimised.
train_cfg = dict(by_epoch=True, max_epochs=1)
optim_wrapper = dict(type="OptimWrapper", constructor="NoOptimWrapperConstructor")
param_scheduler = []
