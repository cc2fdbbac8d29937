_base_ = "./cnn1d.py"
# Shares that sum to one, for targets that are the shares of all materials.
model = dict(head=dict(_delete_=True, type="AbundanceHead"))
