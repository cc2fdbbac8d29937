# All scenes at hand, each of its own bands: AVIRIS (Airport-Beach-Urban, Salinas-A), CASI (Houston) and EnMAP (Potsdam).
# Centres are EnMAP's own; of the others nominal ones (mmhsi/datasets/catalogue/nominal.py). 24x24 windows.
pipeline = [
    dict(type="RandomReadWindow", size=24),
    dict(type="LoadCube", cache_mb=256),
    dict(type="RandomDihedral"),
    dict(type="PackTile"),
]
data = dict(type="CorpusDataset", data_root="{{$MMHSI_DATA:data}}", pipeline=pipeline)
abu = ["airport-2", "airport-3", "beach-2", "urban-1", "urban-2", "urban-4", "urban-5"]
sensors = {
    f"abu-{name}": dict(
        dataset=dict(image_dir=f"abu/abu-{name}.mat", image_key="data", samples_per_scene=48, **data),
        wavelengths=f"abu-{name}",
    )
    for name in abu
}
sensors["salinas-a"] = dict(
    dataset=dict(
        image_dir="salinas_a/SalinasA_corrected.mat", image_key="salinasA_corrected", samples_per_scene=192, **data
    ),
    wavelengths="salinas_a",
)
sensors["houston2018-crop"] = dict(
    dataset=dict(image_dir="houston2018_crop/houston_dataset.mat", image_key="hyprImg", samples_per_scene=384, **data),
    wavelengths="houston2018_crop",
)
sensors["enmap-potsdam"] = dict(dataset=dict(image_dir="enmap_potsdam/images", samples_per_scene=16, **data))
train_dataloader = dict(
    batch_size=48,
    num_workers=0,
    sampler=dict(type="SeededSampler", shuffle=True),
    batch_sampler=dict(type="SensorBatchSampler"),
    dataset=dict(type="MixedDataset", sensors=sensors),
)
