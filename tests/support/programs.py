"""The command in several processes, as `torchrun` and `accelerate launch` start it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from support.commands import ROOT


def launch(
    *arguments: str | Path, processes: int = 2
) -> subprocess.CompletedProcess[str]:
    """Run `deit-spec` in several processes of this machine, on its CPU."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run"),
            *("--nproc_per_node", str(processes), "--master_port", str(port)),
            *("-m", "deit_spec", *map(str, arguments)),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
