import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from support.commands import run_process

from deit_spec.distill.optional_packages import import_package
from deit_spec.runtime.inference_engines import switch_off_telemetry


def test_openvino_has_no_sender() -> None:
    openvino = import_package("openvino")
    kind = type(openvino.tools.ovc.telemetry)
    assert kind.__module__ == "openvino.tools.ovc.telemetry_stub"
    with pytest.raises(ImportError):
        import_package("openvino_telemetry")


def test_a_sender_that_the_program_has_started_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = SimpleNamespace(consent=True)
    sender = ModuleType("openvino_telemetry")
    sender.Telemetry = lambda: started  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "openvino_telemetry", sender)
    switch_off_telemetry()
    assert not started.consent


@pytest.mark.slow
def test_an_export_leaves_no_identity_to_send(
    trained_run: Path, tmp_path: Path
) -> None:
    """Telemetry writes an identity of the user into the home folder first."""
    model, file = str(trained_run), str(tmp_path / "digits.xml")
    options = ("--precision", "int8", "--no-check")
    home = tmp_path / "home"
    home.mkdir()
    found = run_process("export", model, "-o", file, *options, env={"HOME": str(home)})
    assert found.returncode == 0, found.stderr
    assert not (home / "intel").exists()
