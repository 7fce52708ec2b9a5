"""Both of PyYAML's parsers: which one there is depends on the installation."""

import pytest

from deit_spec.yaml_source import events


@pytest.fixture(params=["libyaml", "python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "python":
        monkeypatch.setattr(events, "FastestParser", events.PythonParser)
    return str(request.param)
