"""The shortest ways to a model, a sample and a batch, as a user would type them."""

import torch
from torch.utils.data import DataLoader

from mmhsi.datasets import FewShotSplit, SceneDataset
from mmhsi.models import HSIViT


def test_positions_matter_in_a_model_that_was_only_constructed():
    model = HSIViT(in_channels=204, arch="tiny", img_size=9, patch_size=3).eval()
    x = torch.randn(2, 204, 9, 9)
    order = torch.randperm(9)
    patches = x.unflatten(2, (3, 3)).unflatten(4, (3, 3)).permute(0, 2, 4, 1, 3, 5).flatten(1, 2)
    moved = patches[:, order].unflatten(1, (3, 3)).permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)
    with torch.no_grad():
        (one,), (other,) = model(x), model(moved)
    assert not torch.allclose(other.flatten(2), one.flatten(2)[:, :, order], atol=1e-3)


def test_a_dataset_of_objects_gives_samples_that_torch_collates(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # without files
    dataset = SceneDataset("demo", split=FewShotSplit(20))
    sample = dataset[0]
    assert sample["label"] == dataset.labels[sample["row"], sample["column"]]
    batch = next(iter(DataLoader(dataset, batch_size=4)))
    assert torch.equal(batch["window"][0], torch.as_tensor(sample["window"]))
    assert batch["label"].tolist() == [dataset[index]["label"] for index in range(4)]
