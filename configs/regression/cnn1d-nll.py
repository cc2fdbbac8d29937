_base_ = "./cnn1d.py"
# Each value comes with its standard deviation.
model = dict(head=dict(loss=dict(_delete_=True, type="GaussianNLLLoss")))
