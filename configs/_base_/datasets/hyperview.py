# Hyperview's training fields with four soil parameters each, as the challenge publishes them; a fifth of them tests.
dataset = dict(
    type="WindowValueDataset",
    data_root="{{$MMHSI_DATA:data}}",
    table="hyperview/train_gt.csv",
    image_dir="hyperview/train_data",
    targets=["P", "K", "Mg", "pH"],
    units=["mg/kg", "mg/kg", "mg/kg", "1"],
    wavelengths="hyperview/wavelengths.csv",
    title="Hyperview",
    window=1,
    split=dict(type="FractionSplit", fraction=0.8, seed=0),
)
train_dataloader = dict(
    batch_size=40,
    num_workers=0,
    sampler=dict(type="SeededSampler", shuffle=True),
    dataset=dict(subset="train", **dataset),
)
test_dataloader = dict(
    batch_size=512,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(subset="test", **dataset),
)
test_evaluator = dict(type="ValueMetric")
test_cfg = dict()
