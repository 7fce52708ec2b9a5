"""Compare `deit_spec.load` with `timm.create_model` for a new, initialised model.

    python benchmarks/load.py [--rounds N]

Both run in this process, first with torch's default number of threads and then with
one. The result with one thread varies less; random numbers use one thread in any case.
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
TARGET = "≤ 1.00"

timm = import_timm()


def theirs(name: str) -> nn.Module:
    """Create the timm model with this name."""
    model: nn.Module = timm.create_model(name, pretrained=False)
    return model


def require_equal(name: str) -> None:
    """Check that both models have the same tensors."""
    ours, peers = (
        {key: value.shape for key, value in model.state_dict().items()}
        for model in (deit_spec.load(SPECS[name]), theirs(name))
    )
    if ours != peers:
        raise SystemExit(f"{name}: the two models differ")


def measure(name: str, threads: int, rounds: int) -> tuple[str, ...]:
    """Measure one model with a number of threads, and return a table row."""
    torch.set_num_threads(threads)
    spec = SPECS[name]
    pairs = in_turns(lambda: deit_spec.load(spec), lambda: theirs(name), rounds)
    unit = "thread" if threads == 1 else "threads"
    return f"{name}, {threads} {unit}", *pairs.cells(TARGET)


def main() -> None:
    """Measure all models, and print the results next to their targets."""
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
    show("load a spec, compared with timm.create_model", COLUMNS, rows)


if __name__ == "__main__":
    main()
