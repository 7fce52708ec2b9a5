"""Behaviour of a DeiT. Each check is also shown to fail on a broken source."""

from collections.abc import Callable

import pytest
import torch
from support.execution import images_for
from torch import Tensor, nn

import deit_spec
from deit_spec.runtime import import_source

SPEC = {
    "image_size": 8,
    "patch_size": 4,
    "embed_dim": 24,
    "depth": 2,
    "num_heads": 4,
    "dropout": 0.5,
    "num_classes": 5,
    "teacher_num_classes": 5,
    "variant": {"init": "fan_in"},
}


def source() -> str:
    return deit_spec.compile(SPEC).source


def model_of(text: str) -> nn.Module:
    torch.manual_seed(0)
    model: nn.Module = import_source(text, "behaviour").DeiT()
    return model.eval()


def images() -> Tensor:
    return images_for(deit_spec.load_spec(SPEC))


def heads_matter(text: str) -> None:
    """The same weights with another number of heads give another output."""
    one = model_of(text)
    other = model_of(deit_spec.compile({**SPEC, "num_heads": 2}).source)
    other.load_state_dict(one.state_dict())
    assert (one(images()).cls - other(images()).cls).abs().max() > 1e-3


def positions_differ(text: str) -> None:
    """Each patch has its own position, so swapping two patches changes the output."""
    model, x = model_of(text), images()
    rows = model.pos_embed[0]
    assert len(torch.unique(rows, dim=0)) == 4 + 2
    exchanged = x.clone()
    exchanged[..., :4, :4], exchanged[..., 4:, 4:] = x[..., 4:, 4:], x[..., :4, :4]
    assert (model(x).cls - model(exchanged).cls).abs().max() > 1e-3


def tokens_learn(text: str) -> None:
    """Both tokens are parameters, differ, and get a gradient from either head."""
    model = model_of(text)
    parameters = dict(model.named_parameters())
    assert not torch.equal(parameters["cls_token"], parameters["dist_token"])
    for head in ("cls", "dist"):
        model.zero_grad()
        getattr(model(images()), head).square().sum().backward()
        for token in ("cls_token", "dist_token"):
            gradient = parameters[token].grad
            assert gradient is not None
            assert gradient.abs().sum() > 0


def heads_read_their_tokens(text: str) -> None:
    """The class head reads the first token, the distillation head the second."""
    model = model_of(text)
    seen = []
    model.norm.register_forward_hook(lambda _m, _i, out: seen.append(out))
    out = model(images())
    assert torch.equal(out.cls, model.head(seen[0][:, 0]))
    assert torch.equal(out.dist, model.head_dist(seen[0][:, 1]))


def dropout_acts_in_training_only(text: str) -> None:
    """Two passes differ in training and agree in evaluation, at every dropout."""
    model, x = model_of(text), images()
    assert torch.equal(model(x).cls, model(x).cls)
    places = [m for m in model.modules() if isinstance(m, nn.Dropout)]
    assert len(places) == 1 + 2 * 3
    for place in places:
        place.train()
        assert not torch.equal(model(x).cls, model(x).cls)
        place.eval()


BROKEN: list[tuple[Callable[[str], None], str, str]] = [
    (heads_matter, "\nHEADS = 4 ", "\nHEADS = 2 "),
    (positions_differ, "x + self.pos_embed)", "x + self.pos_embed[:, :1])"),
    (
        positions_differ,
        "nn.init.trunc_normal_(self.pos_embed, std=INIT_STD)",
        "nn.init.ones_(self.pos_embed)",
    ),
    (
        tokens_learn,
        "self.dist_token = nn.Parameter(torch.empty(1, 1, DIM))",
        'self.register_buffer("dist_token", torch.empty(1, 1, DIM))',
    ),
    (tokens_learn, "self.cls_token.expand", "self.cls_token.detach().expand"),
    (heads_read_their_tokens, "self.head_dist(x[:, 1])", "self.head_dist(x[:, 0])"),
    (dropout_acts_in_training_only, "self.proj_drop(self.proj(x))", "self.proj(x)"),
    (
        dropout_acts_in_training_only,
        "self.drop1 = nn.Dropout(DROPOUT)",
        "self.drop1 = nn.Dropout(0.0)",
    ),
]


@pytest.mark.parametrize(
    "check", dict.fromkeys(check for check, _, _ in BROKEN), ids=lambda c: c.__name__
)
def test_holds(check: Callable[[str], None]) -> None:
    check(source())


@pytest.mark.parametrize(("check", "right", "wrong"), BROKEN)
def test_fails_when_broken(
    check: Callable[[str], None], right: str, wrong: str
) -> None:
    text = source()
    assert right in text
    with pytest.raises((AssertionError, KeyError)):
        check(text.replace(right, wrong))


def test_drop_path_drops_whole_images() -> None:
    """The rate rises to the last block; the mean and evaluation do not change."""
    spec = {**SPEC, "dropout": 0.0, "depth": 3, "variant": {"drop_path": 0.5}}
    model = deit_spec.load(spec)
    rates = [m.rate for m in model.modules() if type(m).__name__ == "DropPath"]
    assert rates == [0.25, 0.25, 0.5, 0.5]
    drop = model.blocks[2].drop_path1
    x = torch.ones(4096, 2, 3)
    torch.manual_seed(0)
    kept = drop.train()(x)
    assert set(kept.unique().tolist()) == {0.0, 2.0}
    assert (kept.flatten(1).std(1) == 0).all()
    assert abs(kept.mean() - 1) < 0.05
    assert torch.equal(drop.eval()(x), x)


@pytest.mark.parametrize(
    ("init", "std", "tables"), [("deit", 0.02, 0.02), ("fan_in", 192**-0.5, 0.5)]
)
def test_initial_weights_follow_the_spec(init: str, std: float, tables: float) -> None:
    torch.manual_seed(0)
    spec = {
        "embed_dim": 192,
        "num_heads": 3,
        "depth": 1,
        "num_classes": 10,
        "variant": {"init": init, "layer_scale": 0.25, "distillation_token": False},
    }
    model = deit_spec.load(spec)
    block = model.blocks[0]
    assert abs(block.attn.qkv.weight.std().item() / std - 1) < 0.02
    assert abs(model.pos_embed.std().item() / tables - 1) < 0.02
    assert not block.attn.qkv.bias.any()
    assert (block.norm1.weight == 1).all()
    assert not block.norm1.bias.any()
    assert (block.ls1.gamma == 0.25).all()
    projection = model.patch_embed.proj
    bound = (3 * 16 * 16) ** -0.5
    assert bound * 0.99 < projection.weight.abs().max() <= bound
    assert projection.bias.any()
