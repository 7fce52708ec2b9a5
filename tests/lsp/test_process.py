"""The server as a process: its output, its exit codes and its imports."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest


def talk(
    *messages: dict[str, Any], command: tuple[str, ...] = ("-m", "deit_spec", "lsp")
) -> subprocess.CompletedProcess[bytes]:
    """Send messages, and close the pipe."""
    data = b""
    for message in messages:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        data += b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    return subprocess.run(
        [sys.executable, *command],
        input=data,
        capture_output=True,
        check=False,
        timeout=60,
    )


def answers(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    """Parse the output; anything that is not a message fails."""
    rest, read = done.stdout, []
    while rest:
        head = re.match(rb"Content-Length: (\d+)\r\n(?:.+\r\n)*\r\n", rest)
        assert head is not None, rest
        end = head.end() + int(head[1])
        read.append(json.loads(rest[head.end() : end]))
        rest = rest[end:]
    return read


INITIALIZE = {"id": 1, "method": "initialize", "params": {"capabilities": {}}}


def test_nothing_but_the_protocol_is_printed() -> None:
    item = {"uri": "file:///nowhere/a.yaml", "languageId": "yaml", "version": 1}
    done = talk(
        INITIALIZE,
        {
            "method": "textDocument/didOpen",
            "params": {"textDocument": {**item, "text": "deph: 3\n"}},
        },
        {"id": 2, "method": "shutdown"},
        {"method": "exit"},
    )
    assert done.returncode == 0
    read = answers(done)
    assert [each.get("id", each.get("method")) for each in read] == [
        1,
        "textDocument/publishDiagnostics",
        2,
    ]
    (found,) = read[1]["params"]["diagnostics"]
    assert found["code"] == "DS101"
    assert b"Traceback" not in done.stderr


FAILING = """
import sys
from deit_spec.lsp import server

def fail(*args, **options):
    print("printed")
    raise KeyError("impossible")

server.field_help.hover = fail
sys.exit(server.serve())
"""


def test_an_internal_error_does_not_end_the_server() -> None:
    """The error is reported, and printed text is not part of the protocol."""
    item = {"uri": "file:///nowhere/a.yaml", "languageId": "yaml", "version": 1}
    position = {"line": 0, "character": 0}
    done = talk(
        INITIALIZE,
        {
            "method": "textDocument/didOpen",
            "params": {"textDocument": {**item, "text": "depth: 3\ud800\n"}},
        },
        {
            "id": 2,
            "method": "textDocument/hover",
            "params": {"textDocument": {"uri": item["uri"]}, "position": position},
        },
        {"id": 3, "method": "shutdown"},
        {"method": "exit"},
        command=("-c", FAILING),
    )
    assert done.returncode == 0
    by_id = {each.get("id"): each for each in answers(done)}
    assert "KeyError: 'impossible'" in by_id[2]["error"]["message"]
    assert "error" not in by_id[3]


@pytest.mark.parametrize("messages", [[], [INITIALIZE, {"method": "exit"}]])
def test_an_end_without_a_shutdown_is_1(messages: list[dict[str, Any]]) -> None:
    done = talk(*messages)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr


def test_without_pygls_it_says_what_to_install() -> None:
    code = (
        "import sys\nsys.modules['pygls'] = None\n"
        "sys.argv = ['deit-spec', 'lsp']\n"
        "from deit_spec.cli import main\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'deit-spec[lsp]'" in done.stderr


def test_neither_torch_nor_rich_is_imported() -> None:
    code = (
        "import sys\nimport deit_spec.lsp.server\n"
        "assert not {'torch', 'rich', 'typer'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
