# The focal loss for pixels and the dice loss for classes, each on its own key of the log.
_base_ = "./hsi-vit-tiny-p2_unet.py"
model = dict(decode_head=dict(loss_decode=[dict(type="FocalLoss"), dict(type="DiceLoss")]))
