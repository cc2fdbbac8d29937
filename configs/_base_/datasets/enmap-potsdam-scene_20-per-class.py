# EnMAP Potsdam, its tiles as one scene: 20 random training pixels a class.
_base_ = "./scene_20-per-class.py"
train_dataloader = dict(dataset=dict(scene="enmap_potsdam_scene"))
test_dataloader = dict(dataset=dict(scene="enmap_potsdam_scene"))
