"""The examples of the documentation, as tests.

A document runs from top to bottom, in a separate folder that contains the documents,
recipes and specs of this repository:

- ```` ```python ```` blocks are executed, or checked as a session if they start with
  `>>>`;
- ```` ```console ```` blocks run the lines that start with `$`, and their output is
  compared with the lines below; `...` matches any number of lines;
- ```` ```yaml ```` blocks whose first line is a comment with a file name are written
  to that file;
- relative links must point to an existing file and heading.

The doctests of `deit_spec/` run as well. `--force-regen` updates the output in the
documents, except for tracebacks.
"""

import difflib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

# Tests run side by side, so each uses one core. Set before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from support.commands import run as run_deit_spec
from sybil import Document, Example, Region, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser
from sybil.parsers.rest import DocTestParser
from sybil.sybil import SybilCollection
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from deit_spec.runtime.inference_engines import switch_off_telemetry

switch_off_telemetry()  # some tests import OpenVINO themselves

ROOT = Path(__file__).parent
COPIED = ("docs", "recipes", "specs")
SECONDS = 120

_FENCED = re.compile(r"^(```+).*?^\1\s*$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:)([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
_FILE_NAME = re.compile(r"# ([\w.-]+\.yaml)\n")
_REDIRECTION = re.compile(r"([12]?)>(.*)")


@dataclass
class Shell:
    """Runs commands one after the other, so that `$?` is the last one's.

    `deit-spec` runs in this process, so that a document pays for its imports once.
    Anything else runs in a real shell.
    """

    folder: Path
    regenerate: bool
    status: int = 0

    def run(self, line: str) -> str:
        """Run a command, or several in a pipe, and return what a terminal shows."""
        piped = shown = ""
        *first, last = line.split(" | ")
        for command in first:
            piped, printed = self._run(command, piped, to_pipe=True)
            shown += printed
        return shown + self._run(last, piped, to_pipe=False)[1]

    def _run(self, command: str, stdin: str, *, to_pipe: bool) -> tuple[str, str]:
        """Run one command: what it writes to the pipe, and to the terminal."""
        if command.startswith("deit-spec "):
            return self._run_here(command, stdin, to_pipe=to_pipe)
        result = subprocess.run(  # noqa: S602  -- the commands are our own
            f"(exit {self.status})\n{command}",
            shell=True,
            cwd=self.folder,
            env={
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "HOME": str(self.folder),
                "PYTHONPATH": str(ROOT),  # this checkout, whatever is installed
                "LC_ALL": "C.UTF-8",
                "OMP_NUM_THREADS": "1",
            },
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if to_pipe else subprocess.STDOUT,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )
        self.status = result.returncode
        return (result.stdout, result.stderr) if to_pipe else ("", result.stdout)

    def _run_here(self, command: str, stdin: str, *, to_pipe: bool) -> tuple[str, str]:
        words, targets = split_redirections(
            shlex.split(command)[1:], {1: "|" if to_pipe else "", 2: ""}
        )
        result = run_deit_spec(
            *words,
            cwd=self.folder,
            stdin=stdin,
            env={"HOME": str(self.folder)},
            merged=targets[1] == targets[2],
        )
        self.status = result.returncode
        # Where both have one target, stdout has the text of both.
        written = {targets[2]: result.stderr, targets[1]: result.stdout}
        piped, shown = written.pop("|", ""), written.pop("", "")
        for name, text in written.items():
            (self.folder / name).write_text(text, encoding="utf-8")
        return piped, shown


def split_redirections(
    words: list[str], targets: dict[int, str]
) -> tuple[list[str], dict[int, str]]:
    """Split words into arguments and the file that each stream goes to.

    `> FILE`, `2> FILE` and `2>&1` change the targets from left to right, as in a shell.
    """
    arguments = []
    rest = iter(words)
    for word in rest:
        if match := _REDIRECTION.fullmatch(word):
            name = match[2] or next(rest)
            stream = int(match[1] or 1)
            targets = {**targets, stream: targets[1] if name == "&1" else name}
        else:
            arguments.append(word)
    return arguments, targets


@pytest.fixture(scope="module")
def shell(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Shell]:
    """A shell in the document's folder, where the document's code runs too."""
    folder = tmp_path_factory.mktemp("documentation") / "deit-spec"
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield Shell(folder, pytestconfig.getoption("force_regen"))


@dataclass
class Command:
    """A command of a console block, and the output below it."""

    lines: list[str]
    output: list[str]

    @property
    def text(self) -> str:
        """The command without its prompts."""
        return "\n".join(line[2:] for line in self.lines)


def run_console(example: Example) -> str | None:
    """Run the commands of a block; return how their output differs."""
    terminal: Shell = example.namespace["shell"]
    commands = list(read_commands(str(example.parsed).splitlines()))
    shown: list[str] = []
    expected: list[str] = []
    for command in commands:
        printed = [line.rstrip() for line in terminal.run(command.text).splitlines()]
        fits = fits_pattern(printed, command.output)
        shown += [*command.lines, *(command.output if fits else printed)]
        expected += [*command.lines, *command.output]
    if shown == expected:
        return None
    failed = any(line.startswith(("Traceback", "error[DS9")) for line in shown)
    if terminal.regenerate and not failed:
        path = Path(example.path)
        text = path.read_text(encoding="utf-8")
        new = "".join(f"{line}\n" for line in shown)
        path.write_text(text.replace(str(example.parsed), new), encoding="utf-8")
    return "\n".join(
        difflib.unified_diff(expected, shown, "documented", "printed", lineterm="")
    )


def read_commands(lines: Iterable[str]) -> Iterator[Command]:
    """Read a block: `$` starts a command, `>` right below continues it."""
    command: Command | None = None
    for line in lines:
        if line.startswith("$ "):
            if command:
                yield command
            command = Command([line], [])
        elif command is None:
            raise ValueError(f"a console block begins with a command, not {line!r}")
        elif line.startswith("> ") and not command.output:
            command.lines.append(line)
        else:
            command.output.append(line)
    if command:
        yield command


def fits_pattern(printed: list[str], output: list[str]) -> bool:
    """Whether the lines are as documented; `...` stands for any number of lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else rf"{re.escape(line)}\n" for line in output
    )
    return bool(re.fullmatch(pattern, "".join(f"{line}\n" for line in printed)))


def write_file(example: Example) -> None:
    """Write a YAML block that begins with a file's name to that file."""
    text = str(example.parsed)
    if name := _FILE_NAME.match(text):
        terminal: Shell = example.namespace["shell"]
        (terminal.folder / name.group(1)).write_text(text, encoding="utf-8")


def find_links(document: Document) -> Iterator[Region]:
    """Find the relative links outside of code."""
    code = [match.span() for match in _FENCED.finditer(document.text)]
    for match in _LINK.finditer(document.text):
        if not any(start <= match.start() < end for start, end in code):
            yield Region(*match.span(), match.group(1), check_link)


def check_link(example: Example) -> str | None:
    """Return what is missing at the target of a link."""
    name, _, heading = str(example.parsed).partition("#")
    path = Path(example.path)
    target = path.parent / name if name else path
    if not target.exists():
        return f"{name} does not exist"
    if heading and heading not in anchors(target.read_text(encoding="utf-8")):
        return f"{target.name} has no heading #{heading}"
    return None


def anchors(text: str) -> set[str]:
    """The headings of a document, as links name them."""
    titles = (title.lower().strip() for title in _HEADING.findall(text))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


documents = Sybil(
    parsers=[
        PythonCodeBlockParser(),
        CodeBlockParser(language="console", evaluator=run_console),
        CodeBlockParser(language="yaml", evaluator=write_file),
        find_links,
    ],
    pattern="*.md",
    # The examples of the catalogue are run by tests/diagnostics/test_catalogue.py.
    excludes=["docs/diagnostics.md", "diagnostics/codes/*.md"],
    fixtures=["shell"],
)
catalogue = Sybil(parsers=[find_links], pattern="docs/diagnostics.md")
docstrings = Sybil(parsers=[DocTestParser()], pattern="deit_spec/**/*.py")

pytest_collect_file = SybilCollection([documents, catalogue, docstrings]).pytest()


class Scheduling(LoadScopeScheduling):
    """Runs the examples of a document on one worker, because they build on each other.

    Every other test goes to the next free worker.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return path if path.endswith(".md") else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Use that schedule with `-n`."""
    return Scheduling(config, log)
