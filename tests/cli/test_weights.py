"""`deit-spec weights`; its JSON is what the documentation says."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from support import commands
from support.checkpoints import DISTILLED, same, save, state_of

import deit_spec
from deit_spec.diagnostics import json_form

DOCUMENT = (commands.ROOT / "docs" / "weights.md").read_text(encoding="utf-8")
TYPES: dict[str, type] = {
    "integer": int,
    "string": str,
    "boolean": bool,
    "object": dict,
    "list of strings": list,
    "list of objects": list,
}
SPEC = """\
image_size: 32
patch_size: 8
embed_dim: 24
depth: 2
num_heads: 3
num_classes: 5
teacher_num_classes: 5
"""


def documented(heading: str) -> dict[str, str]:
    """The fields of the first table below a heading, with their types, in order."""
    section = DOCUMENT.partition(f"### {heading}\n")[2]
    table = section[section.index("| field |") :].partition("\n\n")[0]
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", table, re.MULTILINE))


def sentence(start: str) -> list[str]:
    """The names in the sentence of the documentation that begins so."""
    return re.findall(r"`(\w+)`", DOCUMENT[DOCUMENT.index(start) :].partition(".")[0])


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return commands.run("weights", *arguments, cwd=folder)


MOVED = "note[DS428]: transformers crops some images in another place\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint, and specs that fit, need a change, do not fit or are invalid."""
    (tmp_path / "small.yaml").write_text(SPEC)
    (tmp_path / "large.yaml").write_text(
        "extends: small.yaml\nimage_size: 48\nnum_classes: 7\nvariant: {fusion: cls}\n"
    )
    (tmp_path / "plain.yaml").write_text(
        "extends: small.yaml\nimage_size: 48\nnum_classes: 7\n"
        "teacher_num_classes: null\n"
    )
    (tmp_path / "other.yaml").write_text("extends: small.yaml\ndepth: 3\n")
    (tmp_path / "wrong.yaml").write_text("depht: 2\n")
    save({"model": state_of(DISTILLED), "epoch": 3}, tmp_path / "w.pth")
    return tmp_path


def test_plan(folder: Path) -> None:
    done = run(folder, "plan", "large.yaml", "w.pth")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0][:3] == ["large", "from", "w.pth:"]
    assert ["norm.bias", "24", "taken"] in lines
    assert "4×4 → 6×6, bicubic; 2 prefix tokens kept" in done.stdout
    assert done.stdout.splitlines()[-2:] == [
        "32 taken, 1 resampled, 2 re-initialised, 2 dropped",
        "required permissions: heads, resample",
    ]
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("form", ["text", "json"])
def test_plan_of_another_model_is_exit_1(folder: Path, form: str) -> None:
    done = run(folder, "plan", "other.yaml", "w.pth", "--output-format", form)
    assert done.returncode == 1
    assert "error[DS411]: depth is 2 in the checkpoint and 3 in the spec" in done.stderr
    assert "other.yaml:2:8" in done.stderr
    assert form == "text" or json.loads(done.stdout)["reconciles"] is False


def test_inspect_prints_a_spec_that_fits(folder: Path) -> None:
    done = run(folder, "inspect", "w.pth", "-o", "found.yaml")
    assert (done.returncode, done.stdout) == (0, "")
    assert "note[DS423]: num_heads is assumed to be 1" in done.stderr
    done = run(folder, "plan", "found.yaml", "w.pth")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "35 taken"
    done = run(folder, "inspect", "w.pth", "--output-format", "json")
    assert json.loads(done.stdout)["spec"]["embed_dim"] == 24


def test_convert_there_and_back(folder: Path) -> None:
    steps = (
        ("w.pth", "t.safetensors", "timm"),
        ("t.safetensors", "hf", "hf"),
        ("hf", "back.pth", "deit"),
    )
    for source, out, to in steps:
        done = run(folder, "convert", "small.yaml", source, "-o", out, "--to", to)
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr.startswith(MOVED) if to == "hf" else not done.stderr
    found = torch.load(folder / "back.pth", weights_only=True)["model"]
    assert same(found, state_of(DISTILLED))


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        ([], []),
        (["--no-strict"], []),
        (["--strict"], ["heads", "resample"]),
        (["--allow", "heads"], ["resample"]),
        (["--no-strict", "--allow", "heads"], ["resample"]),
        (["--strict", "--allow", "heads", "--allow", "Resample"], []),
    ],
)
def test_a_plan_has_the_errors_of_loading(
    folder: Path, options: list[str], refused: list[str]
) -> None:
    """The findings are those of `load` with the same words."""
    done = run(folder, "plan", "large.yaml", "w.pth", *options)
    assert done.returncode == bool(refused)
    assert re.findall(r"error.DS414.*need `(\w+)`", done.stderr) == refused
    if refused:
        words = {o.lower() for o in options if not o.startswith("--")}
        with pytest.raises(deit_spec.WeightsError) as caught:
            deit_spec.load(
                folder / "large.yaml",
                weights=folder / "w.pth",
                allow=words or None,  # type: ignore[arg-type]
            )
        for found in caught.value.diagnostics:
            assert f"error[DS414]: {found.message}" in done.stderr
            assert all(note in done.stderr for note in found.notes)


def test_choices_ignore_case(folder: Path) -> None:
    out = ("-o", "o.safetensors", "--to", "Timm", "--dtype", "Float64")
    done = run(folder, "convert", "small.yaml", "w.pth", *out)
    assert (done.returncode, done.stderr) == (0, "")
    model = deit_spec.load(folder / "small.yaml", weights=folder / "o.safetensors")
    assert model.pos_embed.dtype is torch.float64
    done = run(folder, "convert", "small.yaml", "w.pth", "-o", "hf", "--to", "HF")
    assert (done.returncode, done.stderr[:11]) == (0, "note[DS423]")
    assert MOVED in done.stderr


@pytest.mark.parametrize(
    ("option", "choices"),
    [
        (("--dtype", "int8"), ["float64", "float32", "float16", "bfloat16"]),
        (("--to", "jax"), ["deit", "timm", "hf"]),
        (
            ("--allow", "all"),
            ["resample", "heads", "channels", "distillation", "drop"],
        ),
    ],
)
def test_unknown_choices(
    folder: Path, option: tuple[str, str], choices: list[str]
) -> None:
    out = ("-o", "o.pth", "--to", "timm")
    done = run(folder, "convert", "small.yaml", "w.pth", *out, *option)
    assert done.returncode == 2
    assert all(f"'{choice}'" in done.stderr for choice in choices)


@pytest.mark.parametrize("out", ["w.pth", "link.pth"])
def test_convert_does_not_write_what_it_reads(folder: Path, out: str) -> None:
    (folder / "link.pth").symlink_to("w.pth")
    before = (folder / "w.pth").read_bytes()
    to = ("-o", out, "--to", "timm", "--force")
    done = run(folder, "convert", "small.yaml", "w.pth", *to)
    assert done.returncode == 2
    assert (
        done.stderr
        == f"error: cannot write {out}: this is the checkpoint w.pth itself\n"
    )
    assert (folder / "w.pth").read_bytes() == before
    assert (folder / "link.pth").is_symlink()


def test_convert_does_what_is_allowed_alone(folder: Path) -> None:
    command = ("convert", "large.yaml", "w.pth", "-o", "o.safetensors", "--to", "deit")
    done = run(folder, *command)
    assert done.returncode == 1
    assert done.stderr.count("error[DS414]") == 2
    done = run(folder, *command, "--allow", "resample")
    assert done.returncode == 1
    assert not (folder / "o.safetensors").exists()
    done = run(folder, *command, "--allow", "resample", "--allow", "heads")
    assert done.returncode == 0
    assert run(folder, *command).returncode == 1
    done = run(folder, *command, "--no-strict")
    assert done.returncode == 2
    assert "already exists; use --force to overwrite it" in done.stderr
    done = run(folder, *command, "--no-strict", "--force", "--dtype", "bfloat16")
    assert done.returncode == 0
    model = deit_spec.load(folder / "large.yaml", weights=folder / "o.safetensors")
    assert model.pos_embed.dtype is torch.bfloat16


def test_labels(folder: Path) -> None:
    """In the config of transformers and of timm; their number is checked first."""
    names = ["cat", "dog", "bird", "frog", "猫"]
    (folder / "names.txt").write_text("\n".join(names), encoding="utf-8")
    (folder / "two.json").write_text('["cat", "dog"]')
    command = ("convert", "small.yaml", "w.pth", "-o", "out", "--to")
    for labels, said in (
        (
            "two.json",
            "two.json has 2 labels, but the model has 5 classes",
        ),
        ("no.txt", "cannot read no.txt: no such file or directory"),
    ):
        done = run(folder, *command, "hf", "--labels", labels)
        assert (done.returncode, done.stderr) == (2, f"error: {said}\n")
        assert not (folder / "out").exists()
    for to in ("hf", "timm"):
        done = run(folder, *command, to, "--labels", "names.txt", "--force")
        assert (done.returncode, done.stderr[:11]) == (0, "note[DS423]")
        assert (MOVED in done.stderr) == (to == "hf")
        config = json.loads((folder / "out/config.json").read_text(encoding="utf-8"))
        found = config["label_names"] if to == "timm" else [*config["label2id"]]
        assert sorted(found) == sorted(names)
    assert config["pretrained_cfg"]["mean"] == [0.485, 0.456, 0.406]


def test_a_file_describes_itself(folder: Path) -> None:
    """With the spec, the preprocessing and the class names in its metadata."""
    (folder / "names.txt").write_text("a\nb\nc\nd\ne\n")
    command = ("convert", "small.yaml", "w.pth", "-o", "o.safetensors", "--to", "deit")
    assert run(folder, *command, "--labels", "names.txt").returncode == 0
    with safe_open(folder / "o.safetensors", "pt") as file:
        metadata = file.metadata()
    spec = deit_spec.load_spec(folder / "small.yaml")
    assert metadata["deit_spec.digest"] == spec.digest
    assert json.loads(metadata["deit_spec.spec"])["embed_dim"] == 24
    assert json.loads(metadata["deit_spec.classes"]) == list("abcde")
    assert json.loads(metadata["deit_spec.preprocessing"])["crop"] == 0.875


def test_control_characters_in_tensor_names(folder: Path) -> None:
    """Nor do they leave the comment that they stand in."""
    evil = "pooler\x1b[31m\ndepth: 9"
    save(
        {"model": {**state_of(DISTILLED), evil: torch.zeros(1)}, evil: {"x": 1}},
        folder / "e.pth",
    )
    plan = ["plan", "small.yaml", "e.pth"]
    commands = (
        ["inspect", "e.pth"],
        plan,
        [*plan, "--key", evil],
        [*plan, "--key", "x"],
    )
    for command, code in zip(commands, (0, 1, 1, 1), strict=True):
        done = run(folder, *command)
        assert done.returncode == code
        assert "\x1b" not in done.stdout + done.stderr
        assert "\ndepth: 9" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["hf.safetensors", "hf.pth", "hf.pt", "hf.bin"])
def test_a_folder_is_not_named_like_a_file(folder: Path, name: str) -> None:
    done = run(folder, "convert", "small.yaml", "w.pth", "-o", name, "--to", "hf")
    assert done.returncode == 2
    words = "`--to hf` writes a directory, and this is a file name; try hf"
    assert done.stderr == f"error: cannot write {name}: {words}\n"
    assert not (folder / name).exists()


def test_links_to_themselves_and_empty_names(folder: Path) -> None:
    (folder / "loop").symlink_to("loop")
    done = run(folder, "inspect", "loop")
    assert done.returncode == 1
    assert "cannot be read: too many levels of symbolic links" in done.stderr
    with pytest.raises(deit_spec.WeightsError, match="DS401"):
        deit_spec.load(folder / "small.yaml", weights="")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plan", "small.yaml", "-"], "a checkpoint cannot be standard input"),
        (["inspect", "-"], "a checkpoint cannot be standard input"),
        (["inspect", "w.pth", "-o", ""], "cannot write .: it is a directory"),
    ],
)
def test_invalid_names(folder: Path, arguments: list[str], said: str) -> None:
    done = run(folder, *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_swapped_arguments(folder: Path) -> None:
    done = run(folder, "plan", "w.pth", "small.yaml")
    assert done.returncode == 1
    assert "error[DS426]: the file has no spec in its metadata" in done.stderr
    assert "SPEC comes first" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["plan"], 2),
        (["plan", "small.yaml"], 2),
        (["plan", "nowhere.yaml", "w.pth"], 1),
        (["plan", "small.yaml", "nowhere.pth"], 1),
        (["plan", "small.yaml", "small.yaml"], 1),
        (["plan", "small.yaml", "."], 1),
        (["plan", "small.yaml", "w.pth", "--key", "ema"], 1),
        (["inspect", "a\x1b[31mb"], 1),
        (["inspect", "w.pth", "-o", "nowhere/found.yaml"], 2),
        (["convert", "small.yaml", "w.pth", "--to", "timm"], 2),
        (["convert", "small.yaml", "w.pth", "-o", "w.pth", "--to", "timm"], 2),
        (["convert", "small.yaml", "w.pth", "-o", "o.yaml", "--to", "timm"], 2),
        (["convert", "small.yaml", "w.pth", "-o", "no/o.pth", "--to", "timm"], 2),
        (["convert", "small.yaml", "w.pth", "-o", "o", "--to", "jax"], 2),
        (["convert", "nowhere.yaml", "w.pth", "-o", "o", "--to", "hf"], 1),
    ],
)
def test_exit_codes(folder: Path, arguments: list[str], code: int) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    done = run(folder, *arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def run_json(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code of a command, and the object that it prints."""
    done = run(folder, *arguments, "--output-format", "json")
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return done.returncode, value


def check(value: dict[str, Any], heading: str) -> None:
    """Check that the fields, their order and their types are those of a table."""
    fields = documented(heading)
    assert list(value) == list(fields)
    for field, kind in fields.items():
        assert type(value[field]) is TYPES[kind], field
        inside = {"list of strings": str, "list of objects": dict}.get(kind)
        assert inside is None or all(type(each) is inside for each in value[field])


def check_diagnostics(found: list[dict[str, Any]]) -> None:
    read = json_form.from_json({"version": json_form.VERSION, "diagnostics": found})
    assert json_form.listed(read) == found


@pytest.mark.parametrize(
    ("spec", "options", "code", "codes"),
    [
        ("small", [], 0, []),
        ("plain", [], 0, ["DS209"]),
        ("plain", ["--strict"], 1, ["DS209", "DS414", "DS414"]),
        ("plain", ["--strict", "--allow", "heads"], 1, ["DS209", "DS414"]),
        ("plain", ["--allow", "resample", "--allow", "HEADS"], 0, ["DS209"]),
        ("other", [], 1, ["DS411"]),
    ],
)
def test_plan_as_json(
    folder: Path, spec: str, options: list[str], code: int, codes: list[str]
) -> None:
    exit_code, value = run_json(folder, "plan", f"{spec}.yaml", "w.pth", *options)
    assert exit_code == code
    check(value, "Plan output as JSON")
    check_diagnostics(value["diagnostics"])
    assert [each["code"] for each in value["diagnostics"]] == codes
    assert value["version"] == 1
    assert value["reconciles"] == (spec != "other")
    if value["reconciles"]:
        assert (set(value["needs"]) <= set(value["allowed"])) == (code == 0)
    for step in value["steps"]:
        assert list(step) == sentence("A step has")
    for each in value["dropped"]:
        assert list(each) == sentence("A dropped tensor has")


def test_a_plan_as_json_has_every_tensor(folder: Path) -> None:
    _, value = run_json(folder, "plan", "plain.yaml", "w.pth")
    state = state_of(DISTILLED)
    used = {name for step in value["steps"] for name in step["sources"]}
    assert used | {each["tensor"] for each in value["dropped"]} == state.keys()
    (step,) = (s for s in value["steps"] if s["tensor"] == "pos_embed")
    assert step == {
        "tensor": "pos_embed",
        "shape": [1, 38, 24],
        "fate": "resampled",
        "sources": ["pos_embed"],
        "reason": "4×4 → 6×6, bicubic; 2 prefix tokens kept",
        "needs": ["resample"],
    }


def test_related_spans_are_in_the_spec(folder: Path) -> None:
    _, value = run_json(folder, "plan", "other.yaml", "w.pth")
    (found,) = value["diagnostics"]
    assert found["span"]["file"] == "w.pth"
    (label,) = found["related"]
    place = {"line": 2, "column": 8, "end_line": 2, "end_column": 9}
    assert label["span"] == {"file": "other.yaml", **place}


def test_inspect_as_json(folder: Path) -> None:
    code, value = run_json(folder, "inspect", "w.pth")
    assert code == 0
    check(value, "Inspect output as JSON")
    check_diagnostics(value["diagnostics"])
    assert value["version"] == 1
    assert (value["path"], value["beside"]) == (["model"], ["epoch"])
    assert value["spec"]["embed_dim"] == 24
    assert [each["code"] for each in value["diagnostics"]] == ["DS423"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["plan", "small.yaml", "nowhere.pth"], "DS401"),
        (["plan", "small.yaml", "small.yaml"], "DS402"),
        (["plan", "wrong.yaml", "w.pth"], "DS101"),
        (["plan", "nowhere.yaml", "w.pth"], "DS009"),
        (["inspect", "nowhere.pth"], "DS401"),
        (["inspect", "w.pth", "--key", "ema"], "DS405"),
    ],
)
def test_errors_as_json(folder: Path, arguments: list[str], code: str) -> None:
    exit_code, value = run_json(folder, *arguments)
    assert exit_code == 1
    assert list(value) == list(json_form.as_json([]))
    assert value["version"] == json_form.VERSION
    check_diagnostics(value["diagnostics"])
    assert code in [each["code"] for each in value["diagnostics"]]


def test_diagnostics_are_on_stderr_as_well(folder: Path) -> None:
    done = run(
        folder,
        "inspect",
        "nowhere.pth",
        "--output-format",
        "JSON",
        "-o",
        "found.json",
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["diagnostics"][0]["code"] == "DS401"
    assert "error[DS401]" in done.stderr
    assert not (folder / "found.json").exists()
