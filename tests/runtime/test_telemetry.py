import sys
from types import ModuleType, SimpleNamespace

import pytest

from deit_spec.distill.optional_packages import import_package
from deit_spec.runtime.telemetry import switch_off_telemetry


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
