"""Both of PyYAML's parsers: which one there is depends on the installation."""

import pytest
import yaml

from deit_spec.yaml_source import composer


@pytest.fixture(params=["libyaml", "python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "python":
        monkeypatch.setattr(composer, "PARSER", yaml.SafeLoader)
    return str(request.param)
