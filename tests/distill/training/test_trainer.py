"""Runs in this process, and their results."""

import sys
from pathlib import Path

import pytest
import torch
from support.recipes import SPECS
from support.runs import KINDS, lines, recipe, state, weights

import deit_spec
from deit_spec.distill.data import open_data
from deit_spec.distill.evaluation import evaluate
from deit_spec.distill.training import Reporter, train
from deit_spec.distill.training.trainer import open_student
from deit_spec.recipe import check_recipe
from deit_spec.spec import check_spec


def test_what_a_finished_run_leaves(tmp_path: Path, trained_run: Path) -> None:
    checked, folder = recipe(tmp_path), trained_run
    assert check_spec(folder / "spec.yaml").diagnostics == ()
    assert check_recipe(folder / "recipe.yaml").diagnostics == ()
    assert {each.name for each in folder.iterdir()} == {
        ".lock",
        "checkpoints",
        "classes.json",
        "curves.png",
        "curves.svg",
        "metrics.jsonl",
        "model.safetensors",
        "recipe.yaml",
        "spec.yaml",
        "split.json",
        "summary.md",
        "teacher.safetensors",
    }
    assert len(list((folder / "checkpoints").iterdir())) == 1
    metrics = lines(folder)
    assert [line["step"] for line in metrics if "loss" in line] == [3, 6, 9, 12]
    assert [line["step"] for line in metrics if "cls" in line] == [6, 12]
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert "distillation head" in (folder / "summary.md").read_text()
    fusion = deit_spec.load_spec(folder / "spec.yaml").fusion
    model = deit_spec.load(folder / "spec.yaml", weights=folder / "model.safetensors")
    scores = evaluate(model, open_data(checked).val(50), fusion=fusion)
    assert scores.answer.top1 == metrics[-1]["fused"]["top1"]
    assert scores.answer.nll == pytest.approx(metrics[-1]["fused"]["nll"])


def test_the_recipe_in_the_folder_gives_the_same_run(tmp_path: Path) -> None:
    train(recipe(tmp_path, **KINDS["random layers"]), tmp_path / "run")
    again = check_recipe(tmp_path / "run" / "recipe.yaml")
    assert not again.diagnostics
    train(again, tmp_path / "again")
    assert weights(tmp_path / "again") == weights(tmp_path / "run")
    for name in ("recipe.yaml", "spec.yaml"):
        first = (tmp_path / "run" / name).read_text()
        assert (tmp_path / "again" / name).read_text() == first


def test_a_run_uses_the_threads_of_its_recipe(tmp_path: Path) -> None:
    seen: set[int] = set()

    class Counting(Reporter):
        def stepped(self, done: int) -> None:
            seen.add(torch.get_num_threads())

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for asked in (1, None):
            once = {"steps": 1, "warmup_steps": 0}
            checked = recipe(
                tmp_path / str(asked), run={"threads": asked}, schedule=once
            )
            train(checked, tmp_path / str(asked) / "run", reporter=Counting())
            assert seen == {asked or 2}
            assert torch.get_num_threads() == 2
            seen.clear()
    finally:
        torch.set_num_threads(before)


def test_the_average_is_evaluated_and_saved_in_place_of_the_weights(
    tmp_path: Path,
) -> None:
    """With a decay of 0 it is the weights; with a high one, nearly the first ones."""
    for name, decay in (("none", None), ("zero", 0.0), ("high", 0.999)):
        checked = recipe(tmp_path / name, run={"ema": decay})
        train(checked, tmp_path / name / "run")
    none, zero, high = (tmp_path / name / "run" for name in ("none", "zero", "high"))
    assert weights(zero) == weights(none)
    assert lines(zero) == lines(none)
    assert weights(high) != weights(none)
    assert lines(high)[0] == lines(none)[0]  # what is trained is the same


def test_the_seed_decides_all(tmp_path: Path) -> None:
    runs = {"a": 0, "b": 0, "c": 1}
    for name, seed in runs.items():
        checked = recipe(
            tmp_path / name, **KINDS["random layers"] | {"run": {"seed": seed}}
        )
        torch.manual_seed(len(name))
        train(checked, tmp_path / name / "run")
    a, b, c = (weights(tmp_path / name / "run") for name in runs)
    assert a == b
    assert a != c


def test_a_run_finds_the_code_of_its_teacher_from_its_own_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "flattening", raising=False)
    checked = recipe(
        tmp_path / "a", teacher={"python": "flattening:model", "num_classes": 10}
    )
    (tmp_path / "a" / "flattening.py").write_text(
        "from torch import nn\n\ndef model(classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, classes))\n"
    )
    train(checked, Path("run"), allow_code=True)
    del sys.modules["flattening"]
    again = check_recipe(Path("run", "recipe.yaml"))
    assert train(again, Path("again"), allow_code=True).complete
    assert train(checked, Path("run"), resume=True, allow_code=True).complete


@pytest.mark.parametrize("drop", [True, False])
def test_the_student_computes_what_the_heads_depend_on(
    tmp_path: Path, *, drop: bool
) -> None:
    """The same weights, with fewer tokens in the last block unless it is turned off."""
    options = {} if drop else {"drop_unread": False}
    student = open_student(recipe(tmp_path, run=options), None)
    shapes = []
    hook = lambda _m, _i, out: shapes.append(out.shape[1])  # noqa: E731
    student.norm.register_forward_hook(hook)
    student(torch.zeros(2, 1, 8, 8))
    assert shapes == [2 if drop else 2 + 4 * 4]


def test_a_student_that_merges_tokens_learns(tmp_path: Path) -> None:
    spec = tmp_path / "merging.yaml"
    text = f"extends: {SPECS / 'digits.yaml'}\nvariant:\n  merge_tokens: [3, 2, 1]\n"
    spec.write_text(text, encoding="utf-8")
    checked = recipe(tmp_path, student={"spec": str(spec)})
    student = open_student(checked, None)
    shapes = []
    for block in student.blocks:
        hook = lambda _m, inputs: shapes.append(inputs[0].shape[1])  # noqa: E731
        block.register_forward_pre_hook(hook)
    student(torch.zeros(2, 1, 8, 8))
    assert shapes == [18, 15, 13]
    begun = {name: p.clone() for name, p in student.named_parameters()}
    assert train(checked, tmp_path / "run").complete
    model = deit_spec.load(tmp_path / "run")
    trained = model.state_dict()
    assert not any(torch.equal(trained[name], begun[name]) for name in begun)
    assert model.predict(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


def test_bf16_trains_with_weights_of_fp32(tmp_path: Path) -> None:
    train(recipe(tmp_path, run={"precision": "bf16"}), tmp_path / "run")
    assert {
        value.dtype
        for name, value in state(tmp_path / "run").items()
        if name != "run.step"
    } == {torch.float32}
    assert all(
        "loss" not in line or line["loss"] < 4 for line in lines(tmp_path / "run")
    )
