_base_ = ["./_base_/hsi-vit-tiny-p2.py", "./_base_/heads_hsi-vit.py", "./_base_/{{$MMHSI_DATASET:enmap-potsdam}}.py"]
