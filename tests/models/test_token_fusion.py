"""Exchanges between two streams."""

import math

import torch

from mmhsi.models.layers.token_fusion import CrossAttentionFusion, PooledFusion, TokenMixFusion


def test_cross_attention_equals_a_slow_loop():
    torch.manual_seed(0)
    fusion = CrossAttentionFusion(8, num_heads=2)
    for parameter in fusion.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    spatial, spectral = torch.randn(2, 5, 8), torch.randn(2, 3, 8)

    def normalised(x, norm):
        centred = x - x.mean(-1, keepdim=True)
        return centred / (centred.square().mean(-1, keepdim=True) + 1e-6).sqrt() * norm.weight + norm.bias

    def attend(own, other, attention):
        (wq, wk, wv), (bq, bk, bv) = attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3)
        out = torch.zeros_like(own)
        for b in range(2):
            for i in range(own.shape[1]):
                for head in (slice(0, 4), slice(4, 8)):
                    query = (wq @ own[b, i] + bq)[head]
                    keys = [(wk @ token + bk)[head] for token in other[b]]
                    values = [(wv @ token + bv)[head] for token in other[b]]
                    scores = [math.exp(float(query @ key) / math.sqrt(4)) for key in keys]
                    out[b, i, head] = sum(s / sum(scores) * v for s, v in zip(scores, values, strict=True))
        return out @ attention.out_proj.weight.T + attention.out_proj.bias

    with torch.no_grad():
        new_spatial, new_spectral = fusion(spatial, spectral)
        a, b = normalised(spatial, fusion.spatial_norm), normalised(spectral, fusion.spectral_norm)
        assert torch.allclose(new_spatial, spatial + attend(a, b, fusion.to_spatial), atol=1e-5)
        assert torch.allclose(new_spectral, spectral + attend(b, a, fusion.to_spectral), atol=1e-5)


def test_pooled_fusion_sends_cls_and_the_mean_of_the_rest():
    fusion = PooledFusion(2)
    for norm in (fusion.spatial_norm, fusion.spectral_norm):
        torch.nn.init.zeros_(norm.weight)  # the norms then give their bias, whatever comes
    fusion.spectral_norm.bias.data = torch.tensor([3.0, 5.0])
    fusion.to_spatial.weight.data = torch.tensor([[1.0, 0.0, 10.0, 0.0], [0.0, 1.0, 0.0, 10.0]])
    fusion.to_spatial.bias.data = torch.tensor([0.0, 1.0])
    spatial, _ = fusion(torch.zeros(1, 4, 2), torch.randn(1, 3, 2))
    assert torch.allclose(spatial, torch.tensor([33.0, 56.0]).expand(1, 4, 2))
    tokens = torch.tensor([[[1.0, 2.0], [3.0, 5.0], [7.0, 9.0]]])
    assert fusion.summary(tokens).tolist() == [[[1, 2, 5, 7]]]


def test_paper_fusion_is_a_matrix_product_over_tokens():
    torch.manual_seed(0)
    fusion = TokenMixFusion((69, 21), 21)
    for spatial_tokens in (69, 21):
        mix = fusion.mixes[str(spatial_tokens)]
        spatial, spectral = torch.randn(2, spatial_tokens, 4), torch.randn(2, 21, 4)
        new_spatial, new_spectral = fusion(spatial, spectral)
        for sample in range(2):
            both = [*spatial[sample], *spectral[sample]]
            for conv, old, new in ((mix.to_spatial, spatial, new_spatial), (mix.to_spectral, spectral, new_spectral)):
                weight = conv.weight[:, :, 0]
                for token in range(old.shape[1]):
                    mixed = sum(weight[token, other] * both[other] for other in range(len(both))) + conv.bias[token]
                    assert torch.allclose(new[sample, token], old[sample, token] + mixed, atol=1e-5)
