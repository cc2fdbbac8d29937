# EnMAP Potsdam, its tiles as one scene: 30 % of the tiles train, 20 pixels a class, no test pixel in their windows.
_base_ = "./scene_20-per-class.py"
split = dict(_delete_=True, type="DisjointSplit", per_class=20, window=9, block=32, seed=0)
train_dataloader = dict(dataset=dict(scene="enmap_potsdam_scene", split=split))
test_dataloader = dict(dataset=dict(scene="enmap_potsdam_scene", split=split))
