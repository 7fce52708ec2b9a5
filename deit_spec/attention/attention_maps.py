"""Attention maps of the class token and the distillation token.

Three methods, for a token and its row over the patches:

- `attention`: the weights of one block;
- `rollout`: the weights of all blocks up to one, multiplied, where the residual
  connection keeps half of each token (Abnar and Zuidema, "Quantifying attention flow
  in transformers", ACL 2020, section 3);
- `gradient-attention`: the relevance to the logit of a class: the mean over heads of
  the positive part of weights times their gradient, accumulated over the blocks in
  their order (Chefer, Gur and Wolf, "Generic attention-model explainability for
  interpreting bi-modal and encoder-decoder transformers", ICCV 2021, equations 5 and
  6).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import torch
from torch import Tensor, nn

from deit_spec.pipeline import compile as compile_spec
from deit_spec.runtime.build import make_empty
from deit_spec.runtime.exported_module import ExportedModule
from deit_spec.spec import DeiTSpec
from deit_spec.weights.weight_findings import exported

Method: TypeAlias = Literal["attention", "rollout", "gradient-attention"]
Token: TypeAlias = Literal["cls", "dist"]
Heads: TypeAlias = Literal["mean", "max", "all"]

METHODS: Final = get_args(Method)
HEADS_OF: Final[dict[Method, tuple[Heads, ...]]] = {
    "attention": ("mean", "max", "all"),
    "rollout": ("mean", "max"),
    "gradient-attention": ("mean",),
}
"""How each method can join the heads of a block."""
TOKENS: Final[tuple[Token, ...]] = ("cls", "dist")
"""The tokens before the patches, in their order."""


@dataclass(frozen=True)
class AttentionMaps:
    """The maps of a batch of images by token, `[B, h, w]`, and the logits of each head.

    Maps of each head are `[B, H, h, w]`, and those of all blocks `[B, L, …]`.
    """

    maps: dict[Token, Tensor]
    output: Tensor | tuple[Tensor, Tensor]


class AttentionReader:
    """Computes attention maps with the weights of a model.

    The module docstring explains the methods. `block` is the block of `attention`, or
    the last block of the other methods; None means all blocks of `attention`. With
    `heads="max"`, `rollout` divides each row of the maximum by its sum.

    Raises ValueError if the model has no such block, merges tokens or lacks the logits
    that the method needs, or if the method does not join heads like this.
    """

    def __init__(
        self,
        spec: DeiTSpec,
        model: nn.Module,
        *,
        method: Method = "attention",
        block: int | None = -1,
        heads: Heads = "mean",
    ) -> None:
        if isinstance(model, ExportedModule):
            raise exported(str(model.path))
        if method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}")
        if heads not in HEADS_OF[method]:
            allowed = " or ".join(HEADS_OF[method])
            raise ValueError(f"heads of {method} must be {allowed}, not {heads}")
        if block is None and method != "attention":
            raise ValueError(f"{method} ends at one block")
        if block is not None and not -spec.depth <= block < spec.depth:
            raise ValueError(f"there is no block {block} in a model of {spec.depth}")
        if method == "gradient-attention" and spec.num_classes is None:
            raise ValueError("the model has no class head: num_classes is null")
        if spec.merges_tokens:
            raise ValueError("the model merges patches, so there is no map over them")
        self.spec, self.method, self.heads = spec, method, heads
        self.blocks = range(spec.depth) if block is None else (block % spec.depth,)
        self.is_single = block is not None
        self.model = _with_taps(spec, model, self._taps())

    def _taps(self) -> list[str]:
        if self.method == "attention":
            rows = TOKENS[: self.spec.num_prefix_tokens]
            return [
                f"blocks.{block}.attn.weights.{token}"
                for block in self.blocks
                for token in rows
            ]
        values = ["weights"]
        if self.method == "gradient-attention":
            values += ["v", "sdpa"]
        blocks = self._up_to_last()
        return [f"blocks.{block}.attn.{each}" for block in blocks for each in values]

    def _up_to_last(self) -> range:
        """The blocks that `rollout` and `gradient-attention` combine."""
        return range(self.blocks[-1] + 1)

    def read(
        self, images: Tensor, tokens: Sequence[Token], category: int | None = None
    ) -> AttentionMaps:
        """Make the maps of some tokens for images `[B, C, S, S]`.

        `category` is the class that `gradient-attention` explains, by default the one
        that the head of the token predicts. Raises ValueError if the model has no such
        token or class.
        """
        for token in tokens:
            require_token(self.spec, token)
        with torch.set_grad_enabled(self.method == "gradient-attention"):
            *outputs, taps = self.model(images)
            maps = self._maps(outputs, taps, tokens, category)
        first = outputs[0].detach()
        output = first if len(outputs) == 1 else (first, outputs[1].detach())
        return AttentionMaps(maps, output)

    def _maps(
        self,
        outputs: Sequence[Tensor],
        taps: dict[str, Tensor],
        tokens: Sequence[Token],
        category: int | None,
    ) -> dict[Token, Tensor]:
        found: dict[Token, Tensor] = {}
        relation = rollout(self._weights(taps)) if self.method == "rollout" else None
        for token in tokens:
            if self.method == "attention":
                names = [
                    f"blocks.{block}.attn.weights.{token}" for block in self.blocks
                ]
                rows = [_joined(_wide(taps[name]), self.heads) for name in names]
                row = rows[0] if self.is_single else torch.stack(rows, dim=1)
                found[token] = self._grid(row)
                continue
            if self.method == "gradient-attention":
                relation = self._relevance(logits_of(outputs, token), taps, category)
            assert relation is not None  # noqa: S101  -- of one of both methods
            row = relation[:, TOKENS.index(token), self.spec.num_prefix_tokens :]
            found[token] = self._grid(row)
        return found

    def _weights(self, taps: dict[str, Tensor]) -> list[Tensor]:
        """The weights of each block, `[B, N, N]`, with rows that sum to 1."""
        found = []
        for block in self._up_to_last():
            weights = _joined(_wide(taps[f"blocks.{block}.attn.weights"]), self.heads)
            found.append(weights / weights.sum(dim=-1, keepdim=True))
        return found

    def _relevance(
        self, logits: Tensor, taps: dict[str, Tensor], category: int | None
    ) -> Tensor:
        """The relevance `[B, N, N]` of tokens to a class."""
        if category is not None and not 0 <= category < logits.shape[1]:
            count = logits.shape[1]
            raise ValueError(f"there is no class {category}: the head has {count}")
        chosen = logits.max(dim=1).values if category is None else logits[:, category]
        names = [f"blocks.{block}.attn" for block in self._up_to_last()]
        attended = [taps[f"{name}.sdpa"] for name in names]
        gradients = torch.autograd.grad(chosen.sum(), attended, retain_graph=True)
        pairs = []
        for name, gradient in zip(names, gradients, strict=True):
            # Attention returns weights @ v, so this is the gradient of the weights.
            of_weights = _wide(gradient) @ _wide(taps[f"{name}.v"].detach()).mT
            pairs.append((_wide(taps[f"{name}.weights"].detach()), of_weights))
        return relevance(pairs)

    def _grid(self, row: Tensor) -> Tensor:
        """The patches of a row, `[…, P] -> […, h, w]`."""
        side = self.spec.grid_size
        return row.reshape(*row.shape[:-1], side, side)


def logits_of(outputs: Tensor | Sequence[Tensor], token: Token) -> Tensor:
    """The logits `[B, K]` of the head of a token, or of the only head."""
    if isinstance(outputs, Tensor):
        return outputs
    return outputs[0 if token == TOKENS[0] else -1]


def rollout(weights: Sequence[Tensor]) -> Tensor:
    """Multiply the attention of blocks, `[B, N, N]` each, with residual connections.

    `½W + ½I` of each block, from the last to the first (Abnar and Zuidema 2020,
    section 3). Rows sum to 1 if those of the weights do.
    """
    joined = _identity(weights[0])
    for each in weights:
        joined = (each @ joined + joined) / 2
    return joined


def relevance(pairs: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Accumulate weights times gradients, `[B, H, N, N]` each, over blocks in order.

    `R = R + mean(max(W·∇W, 0))R` from `R = I` (Chefer et al. 2021, equations 5 and 6).
    """
    weights, _ = pairs[0]
    found = _identity(weights[:, 0])
    for weights, gradient in pairs:
        found = found + (weights * gradient).clamp(min=0).mean(dim=1) @ found
    return found


def require_token(spec: DeiTSpec, token: Token) -> None:
    """Check that a model has a token.

    Raises:
        ValueError: It has not.
    """
    if token not in TOKENS:
        raise ValueError(f"token must be one of {', '.join(TOKENS)}, not {token!r}")
    if token not in TOKENS[: spec.num_prefix_tokens]:
        raise ValueError("the model has no distillation token")


def _with_taps(spec: DeiTSpec, model: nn.Module, taps: Sequence[str]) -> nn.Module:
    """A model with the weights of another, which also returns taps."""
    compiled = compile_spec(spec, taps=taps)
    made = make_empty(compiled.source, compiled.graph.name)
    made.load_state_dict(model.state_dict(), assign=True)
    return made.eval()


def _identity(like: Tensor) -> Tensor:
    return torch.eye(like.shape[-1], dtype=like.dtype, device=like.device).expand_as(
        like
    )


def _wide(values: Tensor) -> Tensor:
    """Values of at least float32, in which products of many blocks keep digits."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _joined(weights: Tensor, heads: Heads) -> Tensor:
    """The heads of `[B, H, …]`, joined."""
    if heads == "all":
        return weights
    return weights.mean(dim=1) if heads == "mean" else weights.amax(dim=1)
