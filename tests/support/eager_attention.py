"""DeiT with explicit attention, written from the paper, to compare weights with."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from deit_spec import DeiTSpec


def eager_forward(
    spec: DeiTSpec, state: Mapping[str, Tensor], images: Tensor
) -> tuple[dict[str, Tensor], list[Tensor]]:
    """The logits of each head, and the weights `[B, H, N, N]` of each block.

    The weights are leaves of no graph but steps of it: autograd can differentiate the
    logits with respect to them. For specs without layer scale and dropout.
    """
    size, eps = spec.patch_size, spec.variant.layer_norm_eps
    has_dist = spec.variant.distillation_token
    x = F.conv2d(
        images,
        state["patch_embed.proj.weight"],
        state["patch_embed.proj.bias"],
        stride=size,
    )
    x = x.flatten(2).mT
    names = ["cls_token", *(["dist_token"] if has_dist else [])]
    tokens = [state[name].expand(len(x), 1, spec.embed_dim) for name in names]
    x = torch.cat([*tokens, x], dim=1) + state["pos_embed"]

    def norm(x: Tensor, name: str) -> Tensor:
        x = (x - x.mean(-1, keepdim=True)) / (
            x.var(-1, keepdim=True, unbiased=False) + eps
        ).sqrt()
        return x * state[f"{name}.weight"] + state[f"{name}.bias"]

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    weights = []
    for index in range(spec.depth):
        block = f"blocks.{index}"
        q, k, v = linear(norm(x, f"{block}.norm1"), f"{block}.attn.qkv").chunk(3, -1)
        q, k, v = (
            torch.stack(each.split(spec.head_dim, dim=-1), dim=1) for each in (q, k, v)
        )
        each = torch.exp(q @ k.mT / spec.head_dim**0.5)
        each = each / each.sum(dim=-1, keepdim=True)
        weights.append(each)
        joined = torch.cat((each @ v).unbind(1), dim=-1)
        x = x + linear(joined, f"{block}.attn.proj")
        hidden = F.gelu(linear(norm(x, f"{block}.norm2"), f"{block}.mlp.fc1"))
        x = x + linear(hidden, f"{block}.mlp.fc2")
    x = norm(x, "norm")
    logits = {"cls": linear(x[:, 0], "head")}
    if "head_dist.weight" in state:
        logits["dist"] = linear(x[:, 1], "head_dist")
    return logits, weights
