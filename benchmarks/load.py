"""`deit_spec.load` against `timm.create_model`: a model made, freshly initialised.

    python benchmarks/load.py [--rounds N]

Both run in this process, once with torch's own number of threads and once with one,
which is the steadier figure: random numbers come from one thread anyway.
"""

import argparse

import torch
from paired import COLUMNS, in_turns, show
from peers import import_timm
from torch import nn

import deit_spec

CLASSES = {"num_classes": 1000, "teacher_num_classes": 1000}
SPECS = {
    "deit_tiny_distilled_patch16_224": {"embed_dim": 192, "num_heads": 3, **CLASSES},
    "deit_base_distilled_patch16_224": {"embed_dim": 768, "num_heads": 12, **CLASSES},
}
AIM = "≤ 1.00"

timm = import_timm()


def theirs(name: str) -> nn.Module:
    """Make timm's model of a name."""
    model: nn.Module = timm.create_model(name, pretrained=False)
    return model


def require_equal(name: str) -> None:
    """See that both make the same tensors."""
    ours, peers = (
        {key: value.shape for key, value in model.state_dict().items()}
        for model in (deit_spec.load(SPECS[name]), theirs(name))
    )
    if ours != peers:
        raise SystemExit(f"{name}: the two models differ")


def measure(name: str, threads: int, rounds: int) -> tuple[str, ...]:
    """Measure one model with a number of threads, as a row."""
    torch.set_num_threads(threads)
    spec = SPECS[name]
    pairs = in_turns(lambda: deit_spec.load(spec), lambda: theirs(name), rounds)
    unit = "thread" if threads == 1 else "threads"
    return f"{name}, {threads} {unit}", *pairs.cells(AIM)


def main() -> None:
    """Measure, and print the figures beside their aim."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    usual = torch.get_num_threads()
    for name in SPECS:
        require_equal(name)
    rows = [
        measure(name, threads, options.rounds)
        for threads in dict.fromkeys((usual, 1))
        for name in SPECS
    ]
    show("load a spec, against timm.create_model", COLUMNS, rows)


if __name__ == "__main__":
    main()
