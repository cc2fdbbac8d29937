"""IMAE paper, Fig. 10 and 11: windows of other sizes than in pretraining, and in prediction others than in training."""

title = "IMAE: sizes of windows in training, and in prediction"
protocol = (
    "Seeds 0 to 2. Training at: 10 % of the pixels of every class, windows of sizes that pretraining has not (Fig. "
    "10); small, middle, large are 7, 11, 15 for `tiny` (Houston crop, Salinas-A; pretrained at 5, 9, 13) and 11, 21, "
    "27 for the paper's model (the other scenes; pretrained at 9, 15, 29, 33). Prediction at: trained at 9 (`tiny`) "
    "or 15 on 20 pixels a class, the same weights with windows of another size, as shares of that (Fig. 11); 1 is "
    "that itself. One pretraining a scene, without labels. The paper gives curves, of GF-5 pretraining."
)
metric = "OA"
seeds = (0, 1, 2)

small = ("tiny", {"small": 7, "middle": 11, "large": 15}, {"1/3": 3, "2/3": 7, "1": 9, "4/3": 13, "5/3": 15})
full = ("paper", {"small": 11, "middle": 21, "large": 27}, {"1/3": 5, "2/3": 11, "1": 15, "4/3": 21, "5/3": 25})
scenes = {
    "Houston crop": ("houston2018-crop", small),
    "Salinas-A": ("salinas-a", small),
    "Indian Pines": ("indian-pines", full),
    "Salinas": ("salinas", full),
    "Pavia University": ("pavia-university", full),
}
checkpoint = {"model.backbone.init_cfg.checkpoint": "{checkpoint}"}


def training(scene, arch, size, split):
    window = {f"{part}_dataloader.dataset.window": size for part in ("train", "test")}
    return [
        dict(config=f"configs/imae/imae_imae-vit-{arch}.py", dataset=scene, seeded=False),
        dict(
            config=f"configs/imae/imae-ft_imae-vit-{arch}.py",
            dataset=f"{scene}_{split}",
            options={**checkpoint, **window},
        ),
    ]


def prediction(scene, arch, size, trained_at):
    window = f"test_dataloader.dataset.window={size}"
    config = f"configs/imae/imae-ft_imae-vit-{arch}.py"
    words = ["--dataset", f"{scene}_20-per-class", "--seed", "{seed}", "--out", "{out}", "--cfg-options", window]
    test = dict(command=["tools/test.py", config, "{checkpoint}", *words])
    return [*training(scene, arch, trained_at, "20-per-class"), test]


rows = {}
for name in small[1]:
    rows[f"training at {name}"] = {
        column: training(scene, arch, sizes[name], "10-percent") for column, (scene, (arch, sizes, _)) in scenes.items()
    }
for share in small[2]:
    rows[f"prediction at {share}"] = {
        column: prediction(scene, arch, shares[share], shares["1"])
        for column, (scene, (arch, _, shares)) in scenes.items()
    }
