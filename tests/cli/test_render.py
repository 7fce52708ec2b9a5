"""`deit-spec render`: the format of a file, and its options."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from support.commands import SPECS, run

from deit_spec.distill import optional_packages

TINY = str(SPECS / "tiny.yaml")
STARTS = {
    "svg": "<svg ",
    "html": "<!doctype html>",
    "htm": "<!doctype html>",
    "mmd": "---\ntitle:",
    "dot": "digraph ",
    "gv": "digraph ",
    "d2": '"images": ',
    "json": "{\n",
    "txt": "tiny, train",
}
FORMATS = {"mmd": "mermaid", "gv": "dot", "txt": "figure", "htm": "html"}


@pytest.mark.parametrize("suffix", STARTS)
def test_the_format_follows_from_the_extension(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"fig.{suffix.upper()}"
    assert run("render", TINY, "-o", str(file)).returncode == 0
    text = file.read_text(encoding="utf-8")
    assert text.startswith(STARTS[suffix])
    format_ = FORMATS.get(suffix, suffix)
    assert (
        run("render", TINY, "--output-format", format_).stdout.strip() == text.strip()
    )
    other = tmp_path / "fig.txt"
    run("render", TINY, "-o", str(other), "--output-format", format_)
    assert other.read_text(encoding="utf-8") == text


def test_bytes_do_not_depend_on_the_process() -> None:
    """Processes with different hash seeds write the same bytes in every format."""
    code = (
        "import json, sys, deit_spec; from deit_spec import diagram as d;"
        "g = deit_spec.compile({'depth': 4, 'variant': {'drop_path': 0.1}}).graph;"
        "writers = (d.as_svg, d.as_html, d.as_mermaid, d.as_dot, d.as_d2, d.as_json,"
        " d.as_model_explorer, lambda g: d.draw(g, width=80).plain);"
        "print(json.dumps([write(g) for write in writers]))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(found) == 1


def test_other_extensions_are_refused(tmp_path: Path) -> None:
    done = run("render", TINY, "-o", str(tmp_path / "fig.jpg"))
    assert done.returncode == 2
    assert ".jpg is not the extension of a format" in done.stderr
    assert ".svg" in done.stderr
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--width", "84mm"], "--width 84mm needs svg, pdf or png, not figure"),
        (["--width", "84", "--output-format", "svg"], "--width 84 has no unit"),
        (["--width", "3mm", "--output-format", "svg"], "not between 40mm and 1000mm"),
        (["--width", "widemm", "--output-format", "svg"], "is not a number"),
        (["--width", "nanmm", "--output-format", "svg"], "not between"),
        (["--width", "wide"], "is not a number of columns"),
        (["--width", "79"], "less than 80 columns"),
        (["--detail", "overview"], "--detail overview is not possible as figure"),
        (["--width", "84cm", "--output-format", "svg"], "--width 84cm is not in mm"),
        (["--heat", "macs"], "not figure; use -o FILE.svg"),
        (["--heat", "mac", "-o", "a.svg"], "a JSON file; did you mean macs?"),
        (["--heat", "flops", "-o", "a.svg"], "--heat flops is not one of parameters,"),
        (
            ["--for", "model-explorer", "-o", "a.svg"],
            "--for model-explorer needs json, not svg",
        ),
        (["--for", "netron"], "'netron' is not"),
        *(
            (["--ascii", "--output-format", name], f"needs figure or tree, not {name}")
            for name in ("svg", "html", "json", "dot")
        ),
        (
            ["--detail", "overview", "--expand", "--output-format", "svg"],
            "--detail overview and --expand cannot be used together",
        ),
    ],
)
def test_options_that_do_not_fit_the_format(options: list[str], message: str) -> None:
    done = run("render", TINY, *options)
    assert done.returncode == 2
    assert message in done.stderr


def test_detail_and_expand() -> None:
    sizes = [
        len(run("render", TINY, "--output-format", "d2", *options).stdout)
        for options in (["--detail", "overview"], [], ["--detail", "full"])
    ]
    assert sizes == sorted(set(sizes))
    full = run("render", TINY, "--detail", "full").stdout
    assert run("render", TINY, "--expand").stdout == full
    assert len(full) > len(run("render", TINY).stdout)


def test_a_tree_in_a_file_or_a_pipe_has_a_line_for_each_layer(tmp_path: Path) -> None:
    name = "a-long-name-" * 5
    spec, file = tmp_path / "long.yaml", tmp_path / "tree.txt"
    spec.write_text(f"name: {name}\nvariant: {{merge_tokens: 8}}\n")
    options = ["--output-format", "tree"]
    text = run("render", str(spec), *options).stdout
    run("render", str(spec), *options, "-o", str(file))
    assert file.read_text("utf-8") == text
    lines = text.rstrip("\n").split("\n")
    assert lines[0].startswith(name)
    assert max(map(len, lines[1:])) > 80
    assert all("─ " in line and line == line.rstrip() for line in lines[1:])
    wrapped = run("render", str(spec), *options, "--width", "80").stdout
    assert max(map(len, wrapped.split("\n"))) <= 80


def svg(*options: str) -> ET.Element:
    done = run("render", TINY, "--output-format", "svg", *options)
    assert done.stderr == ""
    return ET.fromstring(done.stdout)  # noqa: S314  -- we wrote it


def test_model_explorer_has_files_for_the_graph_and_for_numbers(
    tmp_path: Path,
) -> None:
    for name, options in {"graph": [], "macs": ["--heat", "macs"]}.items():
        file = tmp_path / f"{name}.json"
        done = run("render", TINY, "--for", "model-explorer", "-o", str(file), *options)
        assert (done.returncode, done.stderr) == (0, "")
    (graph,) = json.loads((tmp_path / "graph.json").read_text("utf-8"))["graphs"]
    numbers = json.loads((tmp_path / "macs.json").read_text("utf-8"))[graph["id"]]
    assert numbers["name"] == "MACs per image"
    assert numbers["results"].keys() == {node["id"] for node in graph["nodes"]}


def test_the_format_for_model_explorer_is_json() -> None:
    done = run("render", TINY, "--for", "model-explorer", "--heat", "macs")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)


def test_width_in_print() -> None:
    assert svg("--width", "84mm").get("width") == "84mm"
    assert svg("--width", "174mm").get("width") == "174mm"


def test_heat_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "sparsity.json"
    file.write_text(json.dumps({"blocks.0.attn": 0.25, "blocks.0.mlp.fc1": 1}))
    root = svg("--heat", str(file), "--detail", "full")
    looks = {
        group.attrib["id"]: rect.attrib["class"]
        for group in root.iter("{http://www.w3.org/2000/svg}g")
        if "id" in group.attrib
        for rect in group.findall("{http://www.w3.org/2000/svg}rect")
    }
    assert looks["blocks.0.mlp.fc1"] == "heat5"
    assert looks["blocks.0.attn"] == "heat1"
    assert looks["blocks.1.mlp.fc1"] == "cold"
    assert looks["blocks.0.mlp"] == "frame"


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ('{"blocks.99": 1, "head": 2}', "DS311", "does not have 1 of 2 paths"),
        ('{"head": "hot"}', "DS310", "the values of head are not finite numbers"),
        ('{"head": NaN, "norm": true}', "DS310", "head, norm are not finite"),
        ('{"head": 1' + "0" * 400 + "}", "DS310", "of head are not between -1e+300"),
        ('{"head": 1e308, "norm": -1e308}', "DS310", "head, norm are not between"),
        ('{"blocks.0.attn.qkw": 1}', "DS311", "did you mean `blocks.0.attn.qkv`?"),
        ("{}", "DS310", "the file has no numbers"),
        ("[1]", "DS310", "is not a JSON object"),
        ("{", "DS310", "is not valid JSON"),
        ("[" * 100_000, "DS310", "is not valid JSON"),
        (None, "DS310", "the numbers cannot be read"),
    ],
)
def test_invalid_heat_is_a_diagnostic(
    text: str | None, code: str, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "heat.json"
    if text is not None:
        file.write_text(text)
    done = run("render", TINY, "--output-format", "svg", "--heat", str(file))
    assert done.returncode == 1
    assert f"error[{code}]" in done.stderr
    assert message in done.stderr
    assert done.stdout == ""


def test_heat_does_not_overwrite_its_file(tmp_path: Path) -> None:
    file = tmp_path / "fig.svg"
    file.write_text('{"head": 1}')
    done = run("render", TINY, "-o", str(file), "--heat", str(file))
    assert done.returncode == 2
    assert file.read_text() == '{"head": 1}'


@pytest.mark.parametrize("found", [False, True])
def test_pdf_and_png_need_a_library(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, found: bool
) -> None:
    """The package, and the library that it loads."""
    reason = "no library called cairo-2 was found"

    def load(_: str) -> None:
        raise OSError(reason)

    monkeypatch.setattr(optional_packages, "find_spec", lambda _: found or None)
    monkeypatch.setattr(optional_packages, "import_package", load)
    done = run("render", TINY, "-o", str(tmp_path / "fig.pdf"))
    assert done.returncode == 2
    assert "PDF and PNG figures need cairosvg" in done.stderr
    assert (reason if found else 'pip install "deit-spec[figure]"') in done.stderr
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(("suffix", "magic"), [("pdf", b"%PDF"), ("png", b"\x89PNG")])
def test_pdf_and_png(suffix: str, magic: bytes, tmp_path: Path) -> None:
    pytest.importorskip("cairosvg", exc_type=(ImportError, OSError))
    file = tmp_path / f"fig.{suffix}"
    assert run("render", TINY, "-o", str(file), "--width", "84mm").returncode == 0
    assert file.read_bytes().startswith(magic)


@pytest.mark.slow
def test_a_png_of_many_blocks_is_within_the_limits_of_cairo(tmp_path: Path) -> None:
    pytest.importorskip("cairosvg", exc_type=(ImportError, OSError))
    spec, file = tmp_path / "deep.yaml", tmp_path / "deep.png"
    sizes = "image_size: 16\npatch_size: 8\nembed_dim: 4\nnum_heads: 1\n"
    spec.write_text(f"{sizes}depth: 40\n")
    assert run("render", str(spec), "-o", str(file), "--expand").returncode == 0
    assert int.from_bytes(file.read_bytes()[20:24]) < 32_768
