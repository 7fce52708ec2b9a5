"""Switch off the telemetry of OpenVINO and NNCF."""

import sys
from typing import Final

_SENDER: Final = "openvino_telemetry"


def switch_off_telemetry() -> None:
    """Keep OpenVINO and NNCF from sending data; call it before importing them.

    Both send usage data to Google Analytics, from the import on and unless the user
    opts out. They do so with the package `openvino_telemetry`, and without it they
    send nothing. So its import fails in this process from now on. If the program has
    already imported it, consent is withdrawn.
    """
    sender = sys.modules.get(_SENDER)
    if sender is None:
        sys.modules[_SENDER] = None  # type: ignore[assignment]
    else:
        sender.Telemetry().consent = False  # the only instance
