"""Both of PyYAML's parsers: which one there is depends on the installation."""

import pytest

from deit_spec.yaml_source import composer


@pytest.fixture(params=["libyaml", "python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "python":
        monkeypatch.setattr(composer, "FastestParser", composer.PythonParser)
    return str(request.param)
