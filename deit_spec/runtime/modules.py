"""Import of generated source as a Python module whose lines tracebacks can show."""

import hashlib
import importlib.util
import linecache
import re
import sys
import threading
from importlib.abc import InspectLoader
from types import ModuleType

PREFIX = "deit_spec_generated_"
"""A top-level name, because pickle imports the parent packages of a module."""

_LOCK = threading.RLock()
"""Prevents access to a module while another thread executes it."""


class _SourceLoader(InspectLoader):
    """Executes source that is in memory."""

    def __init__(self, source: str, filename: str) -> None:
        self.source = source
        self.filename = filename

    def get_source(self, fullname: str) -> str:  # noqa: ARG002
        return self.source

    def exec_module(self, module: ModuleType) -> None:
        code = compile(self.source, self.filename, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102  -- our own generated source


def import_source(source: str, name: str) -> ModuleType:
    """Import generated source under a unique name.

    The name consists of `name` and a hash of the source, so equal sources are the same
    module. Its classes can be pickled, and `inspect` and tracebacks find their lines.
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
    # Without a modification time, linecache does not look for a file on disk.
    lines = source.splitlines(keepends=True)
    linecache.cache[filename] = (len(source), None, lines, filename)
    sys.modules[fullname] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[fullname]
        raise
    return module
