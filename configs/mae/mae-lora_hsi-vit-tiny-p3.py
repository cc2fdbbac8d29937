_base_ = "./mae-ft_hsi-vit-tiny-p3.py"
# Adapters of rank 8 in the attention's maps learn, and the head; of the encoder nothing else.
model = dict(lora=dict(rank=8))
