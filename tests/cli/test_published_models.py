"""`deit-spec list` and `deit-spec new` as processes."""

import json
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pytest_regressions.file_regression import FileRegressionFixture
from support.commands import run
from support.published import PUBLISHED
from support.strategies import specs

import deit_spec
from deit_spec import DeiTSpec, Variant
from deit_spec.cli.published_models import starter
from deit_spec.published import recipe_names
from deit_spec.recipe import check_recipe
from deit_spec.spec import check_spec, check_text
from deit_spec.spec.origin import is_published


@pytest.mark.parametrize("form", ["table", "json"])
def test_list(form: str, file_regression: FileRegressionFixture) -> None:
    done = run("list", "--output-format", form)
    assert (done.returncode, done.stderr) == (0, "")
    extension = ".txt" if form == "table" else ".json"
    file_regression.check(done.stdout, extension=extension)


def test_list_has_the_published_figures(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    assert run("list", "--output-format", "json", "-o", str(path)).stdout == ""
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["version"] == 1
    assert [model["name"] for model in data["models"]] == list(PUBLISHED)
    for model in data["models"]:
        wanted = PUBLISHED[model["name"]]
        assert model["parameters"] == wanted.parameters
        assert f"{model['macs'] / 1e9:.4f}" == wanted.billion_macs
        assert model["imagenet_top1"] == wanted.top1
        assert "Touvron et al." in model["source"]


def test_render_and_compile_take_a_name() -> None:
    assert "HEADS = 3" in run("compile", "deit_tiny_patch16_224").stdout
    done = run("validate", "deit3_base_patch16_384")
    assert done.stdout.startswith("deit3_base_patch16_384: deit3_base_patch16_384, 577")


def test_new(tmp_path: Path, file_regression: FileRegressionFixture) -> None:
    done = run("new", "mine", "--from", "deit3_small_patch16_384", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "wrote mine.yaml\n"
    file_regression.check((tmp_path / "mine.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("published", PUBLISHED)
def test_a_new_spec_is_valid_and_equal_to_its_source(
    published: str, tmp_path: Path
) -> None:
    spec = deit_spec.load_spec(published)
    path = tmp_path / "other.yaml"
    path.write_text(starter("mine", published, spec, published), encoding="utf-8")
    checked = check_spec(path)
    assert checked.diagnostics == ()
    assert checked.spec is not None
    assert (checked.spec.name, checked.spec.digest) == ("mine", spec.digest)
    assert_commented(path.read_text(encoding="utf-8"))


def assert_commented(text: str) -> None:
    """Every field is there once, below the description of the schema."""
    lines = [line.strip() for line in text.splitlines()]
    assert max(map(len, text.splitlines())) <= 80
    for model in (DeiTSpec, Variant):
        for field, info in model.model_fields.items():
            (place,) = [
                place
                for place, line in enumerate(lines)
                if line.removeprefix("# ").startswith(f"{field}: ")
                or line == f"{field}:"
            ]
            comment: list[str] = []
            while (line := lines[place - 1 - len(comment)]).startswith("# "):
                comment.insert(0, line.removeprefix("# "))
            assert info.description in " ".join(comment)


@given(st.sampled_from(list(PUBLISHED)) | specs())
def test_a_new_spec_names_its_source(source: str | DeiTSpec) -> None:
    """To us, and to a reader of YAML 1.1, to which `1e-06` would be a string."""
    spec = deit_spec.load_spec(source)
    text = starter("mine", spec.name, spec, spec.name)
    read = check_text(text.encode(), "t.yaml").spec
    assert read == spec.model_copy(update={"name": "mine"})
    data = yaml.safe_load(text)
    assert DeiTSpec(**{**data, "variant": Variant(**data["variant"])}) == read


def test_new_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("depth: 3\n", encoding="utf-8")
    done = run("new", "mine", cwd=tmp_path)
    assert done.returncode == 2
    assert "--force" in done.stderr
    assert path.read_text(encoding="utf-8") == "depth: 3\n"
    assert run("new", "mine", "--force", cwd=tmp_path).returncode == 0
    assert deit_spec.load_spec(path).depth == 12
    assert [p.name for p in tmp_path.iterdir()] == ["mine.yaml"]


def test_new_writes_through_no_link(tmp_path: Path) -> None:
    """A link that leads nowhere is there, too; --force follows it, as -o does."""
    (tmp_path / "mine.yaml").symlink_to("elsewhere.yaml")
    done = run("new", "mine", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr == "error: mine.yaml already exists; use --force to overwrite it\n"
    )
    assert not (tmp_path / "elsewhere.yaml").exists()
    assert run("new", "mine", "--force", cwd=tmp_path).returncode == 0
    assert (tmp_path / "mine.yaml").is_symlink()
    assert deit_spec.load_spec(tmp_path / "elsewhere.yaml").name == "mine"


def test_new_names_the_schema_beside_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    run("schema", "-o", "sub/deit-spec.schema.json", cwd=tmp_path)
    assert run("new", "a", "-o", "sub/a.yaml", cwd=tmp_path).returncode == 0
    first, *_ = (tmp_path / "sub" / "a.yaml").read_text(encoding="utf-8").splitlines()
    assert first == "# yaml-language-server: $schema=deit-spec.schema.json"
    here = run("new", "b", "-o", "-", cwd=tmp_path / "sub").stdout
    assert here.startswith(f"{first}\n# b, based on")
    assert run("new", "b", "-o", "-", cwd=tmp_path).stdout.startswith("# b, based on")


@pytest.mark.parametrize(
    ("source", "output", "said"),
    [
        ("base.yaml", "sub/x.yaml", "../base.yaml"),
        ("sub/inner.yaml", "sub/x.yaml", "inner.yaml"),
        ("sub/../base.yaml", "x.yaml", "base.yaml"),
        ("./deit_tiny_patch16_224", "x.yaml", "./deit_tiny_patch16_224"),
        ("./deit_tiny_patch16_224", "sub/x.yaml", "../deit_tiny_patch16_224"),
        ("deit_tiny_patch16_224", "sub/x.yaml", "deit_tiny_patch16_224"),
        ("base.yaml", "link/x.yaml", "../../base.yaml"),
        ("link/deep.yaml", "x.yaml", "sub/deeper/deep.yaml"),
    ],
)
def test_the_source_of_a_new_spec_is_relative_to_it(
    source: str, output: str, said: str, tmp_path: Path
) -> None:
    """The comment made a line of the spec extends what the command was given."""
    (tmp_path / "sub" / "deeper").mkdir(parents=True)
    (tmp_path / "link").symlink_to("sub/deeper")
    files = ("base.yaml", "sub/inner.yaml", "link/deep.yaml", "deit_tiny_patch16_224")
    for number, name in enumerate(files, 1):
        (tmp_path / name).write_text(f"depth: {number}\n", encoding="utf-8")
    done = run("new", "x", "-o", output, "--from", source, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, f"wrote {output}\n")
    written = (tmp_path / output).read_text(encoding="utf-8")
    assert f"\n# extends: {said}\n" in written
    bare = tmp_path / output
    bare.write_text(f"extends: {said}\n", encoding="utf-8")
    own = 1 + files.index(os.path.normpath(source))
    assert deit_spec.load_spec(bare).depth == (12 if source in PUBLISHED else own)


def test_new_from_standard_input(tmp_path: Path) -> None:
    """Nothing could be extended."""
    done = run("new", "x", "-o", "-", "--from", "-", cwd=tmp_path, stdin="depth: 3\n")
    assert done.stdout.startswith("# x, based on standard input.\n")
    assert "extends" not in done.stdout
    assert "\ndepth: 3\n" in done.stdout


@pytest.mark.parametrize("name", ["-x", "a/b", "a\nb", "x" * 61, ""])
def test_invalid_names(name: str, tmp_path: Path) -> None:
    done = run("new", "--", name, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    shown = name.replace("\n", "␊")
    assert done.stderr.startswith(f"error: invalid name: `{shown}`; ")
    assert list(tmp_path.iterdir()) == []


def test_an_incomplete_name_is_completed(tmp_path: Path) -> None:
    done = run("new", "x", "--from", "deit3_hug", cwd=tmp_path)
    assert done.returncode == 1
    assert "did you mean `deit3_huge_patch14_224`? `deit-spec list`" in done.stderr


def test_new_to_standard_output(tmp_path: Path) -> None:
    done = run("new", "123", "-o", "-", cwd=tmp_path)
    assert 'name: "123"\n' in done.stdout
    checked = run("validate", "-", stdin=done.stdout)
    assert checked.stdout.startswith("<stdin>: 123, 198")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["mine", "--from", "deit_tine_patch16_224"], 1),
        (["mine", "-o", "nowhere/mine.yaml"], 2),
    ],
)
def test_new_refuses(arguments: list[str], code: int, tmp_path: Path) -> None:
    done = run("new", *arguments, cwd=tmp_path)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", recipe_names())
def test_a_new_recipe_is_valid_where_it_is_written(name: str, tmp_path: Path) -> None:
    done = run("new", "--recipe", name, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"wrote {name}.yaml\n"
    checked = check_recipe(tmp_path / f"{name}.yaml")
    assert checked.recipe is not None, checked.diagnostics
    assert is_published(checked.recipe.student.spec)
    again = run("new", "--recipe", name, cwd=tmp_path)
    assert again.returncode == 2
    assert "already exists; use --force" in again.stderr


def test_the_name_of_a_new_recipe(tmp_path: Path) -> None:
    printed = run("new", "--recipe", "finetune", "-o", "-").stdout
    run("new", "pets", "--recipe", "finetune", cwd=tmp_path)
    run("new", "--recipe", "finetune", "-o", "birds.yml", cwd=tmp_path)
    assert (tmp_path / "pets.yaml").read_text(encoding="utf-8") == printed
    assert (tmp_path / "birds.yml").read_text(encoding="utf-8") == printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--recipe", "fine-tune"), "there is no recipe `fine-tune`; did you mean"),
        (("--recipe", "cooking"), "there is no recipe `cooking`; the recipes are fine"),
        (("--recipe", "finetune", "--from", "a.yaml"), "--from cannot be combined"),
        ((), "name the model to write a spec for, or write a recipe"),
    ],
)
def test_new_recipes_that_are_refused(arguments: tuple[str, ...], message: str) -> None:
    done = run("new", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {message}")
