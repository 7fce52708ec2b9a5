"""Generated source as a real Python module, with lines that tracebacks show."""

import hashlib
import importlib.util
import linecache
import re
import sys
import threading
from importlib.abc import InspectLoader
from types import ModuleType

PREFIX = "deit_spec_generated_"
"""Flat, without a package: pickle imports the parents of a module by name."""

_LOCK = threading.RLock()
"""A module that another thread is executing is not there yet."""


class _SourceLoader(InspectLoader):
    """Runs a source that is in memory."""

    def __init__(self, source: str, filename: str) -> None:
        self.source = source
        self.filename = filename

    def get_source(self, fullname: str) -> str:  # noqa: ARG002
        return self.source

    def exec_module(self, module: ModuleType) -> None:
        code = compile(self.source, self.filename, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102  -- our own generated source


def import_source(source: str, name: str) -> ModuleType:
    """Import generated source under a name of its own.

    The name is made of `name` and the source's hash, so equal source is the same
    module: its classes pickle, and `inspect` and tracebacks find their lines.
    """
    digest = hashlib.sha256(source.encode()).hexdigest()[:12]
    plain = re.sub(r"\W", "_", name)
    fullname = f"{PREFIX}{plain}_{digest}"
    with _LOCK:
        return sys.modules.get(fullname) or _execute(source, fullname)


def _execute(source: str, fullname: str) -> ModuleType:
    filename = f"<{fullname}>"
    loader = _SourceLoader(source, filename)
    spec = importlib.util.spec_from_loader(fullname, loader, origin=filename)
    if spec is None:
        raise ImportError(f"no import spec for {fullname}")
    module = importlib.util.module_from_spec(spec)
    module.__file__ = filename
    # No modification time: linecache then never looks for a file on disk.
    lines = source.splitlines(keepends=True)
    linecache.cache[filename] = (len(source), None, lines, filename)
    sys.modules[fullname] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[fullname]
        raise
    return module
