"""The published models: their sizes, costs and names."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from peers import import_timm
from support.published import PUBLISHED
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import deit_spec
from deit_spec.cost import total
from deit_spec.published import accuracies, names, read, read_recipe, recipe_names
from deit_spec.spec import check_spec

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "deit_spec" / "published" / "models"


def test_every_file_is_listed() -> None:
    assert set(names()) == {path.stem for path in MODELS.glob("*.yaml")}
    assert set(names()) == set(PUBLISHED)
    assert len(names()) == 16


@pytest.mark.parametrize("name", PUBLISHED)
def test_spec_has_the_published_values(name: str) -> None:
    checked = check_spec(name)
    assert checked.diagnostics == ()
    spec, wanted = checked.spec, PUBLISHED[name]
    assert spec is not None
    sizes = (spec.image_size, spec.patch_size, spec.embed_dim, spec.depth)
    assert sizes == wanted[:4]
    assert (spec.name, spec.num_heads) == (name, wanted.num_heads)
    distilled = "distilled" in name
    assert spec.variant.distillation_token == distilled
    assert spec.teacher_num_classes == (1000 if distilled else None)
    assert (spec.num_classes, spec.mlp_ratio) == (1000, 4.0)
    third = wanted.generation == 3
    assert spec.variant.position_embedding == ("patches" if third else "all")
    assert (spec.variant.layer_scale is not None) == third
    assert accuracies()[name].top1 == wanted.top1


@pytest.mark.parametrize("name", PUBLISHED)
def test_costs_are_the_published_ones(name: str) -> None:
    cost = total(deit_spec.compile(name).graph)
    assert cost.parameters == PUBLISHED[name].parameters
    assert f"{cost.macs / 1e9:.4f}" == PUBLISHED[name].billion_macs


@pytest.mark.parametrize("name", PUBLISHED)
def test_cost_of_the_built_model_is_that_of_its_graph(name: str) -> None:
    """torch counts two operations for each multiply-accumulate."""
    compiled = deit_spec.compile(name)
    model = compiled.build(device="meta").eval()
    assert sum(p.numel() for p in model.parameters()) == PUBLISHED[name].parameters
    side = compiled.spec.image_size
    counter = FlopCounterMode(display=False)
    # The fused kernel has no formula on this device.
    with counter, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        model(torch.empty(1, 3, side, side, device="meta"))
    assert counter.get_total_flops() == 2 * total(compiled.graph).macs


@pytest.mark.parametrize("name", PUBLISHED)
def test_state_dict_is_timms(name: str) -> None:
    with torch.device("meta"):
        theirs = import_timm().create_model(name, pretrained=False).state_dict()
    ours = deit_spec.load(name, device="meta").state_dict()
    assert {k: v.shape for k, v in ours.items()} == {
        k: v.shape for k, v in theirs.items()
    }


def test_a_name_is_accepted_wherever_a_spec_is() -> None:
    name = "deit_tiny_patch16_224"
    spec = deit_spec.load_spec(name)
    assert spec.name == name
    assert deit_spec.output_size(name) == 1000
    assert deit_spec.lower(name).name == name
    assert deit_spec.compile(name).spec == spec
    model = deit_spec.load(name, target="inference", device="meta")
    assert sum(p.numel() for p in model.parameters()) == 5_717_416
    assert deit_spec.load_spec({"extends": name}).digest == spec.digest


def test_a_name_wins_over_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name means the same in every folder; `./name` and a Path mean the file."""
    name = "deit_tiny_patch16_224"
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("depth: 3\n", encoding="utf-8")
    assert deit_spec.load_spec(name).depth == 12
    assert deit_spec.load_spec(f"./{name}").depth == 3
    assert deit_spec.load_spec(Path(name)).depth == 3


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("deit_tiny", "deit_tiny_patch16_224"),
        ("deit_base_patch16_244", "deit_base_patch16_224"),
        ("DeiT3-Large-patch16-384", "deit3_large_patch16_384"),
        ("deit3_huge_patch14_224.yaml", "deit3_huge_patch14_224"),
    ],
)
def test_misspelt_name(written: str, meant: str) -> None:
    (found,) = check_spec(written).diagnostics
    assert found.code == "DS009"
    assert found.helps == (
        f"did you mean `{meant}`? `deit-spec list` prints the published names",
    )


def test_unknown_name_that_is_not_a_file() -> None:
    (found,) = check_spec("nowhere.yaml").diagnostics
    assert (found.code, len(found.helps)) == ("DS009", 1)


def test_wheel_has_all_data_files(tmp_path: Path) -> None:
    """An installed wheel has every published model, every code, and the page."""
    pytest.importorskip("hatchling")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    subprocess.run(
        [*build, "-d", str(tmp_path)], cwd=ROOT, check=True, capture_output=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    place = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    for name in PUBLISHED:
        path = place / "deit_spec" / "published" / "models" / f"{name}.yaml"
        assert path.read_bytes() == read(name)
    recipes = {path.stem for path in ROOT.glob("recipes/published/*.yaml")}
    assert set(recipe_names()) == recipes
    for name in recipes:
        path = place / "deit_spec" / "published" / "recipes" / f"{name}.yaml"
        assert path.read_text(encoding="utf-8") == read_recipe(name)
    page = place / "deit_spec" / "diagram"
    assert {path.suffix for path in page.glob("html_page.*")} >= {
        ".html",
        ".css",
        ".js",
    }
    code = (
        "import sys, deit_spec; from deit_spec.published import names\n"
        "from deit_spec.diagnostics import CATALOGUE, explanation\n"
        "assert all(map(explanation.explanation, CATALOGUE))\n"
        "assert deit_spec.__file__.startswith(sys.argv[1]), deit_spec.__file__\n"
        "print(sum(deit_spec.load_spec(name).depth for name in names()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(place)],
        cwd=place,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"{sum(model.depth for model in PUBLISHED.values())}\n"
