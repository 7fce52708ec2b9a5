"""Print the seconds of CPU of an answer, and of all the options, as users have them.

    python tests/fuzz/timing.py INPUT

The fuzzer's own measure has its instrumentation in it, which makes Python two to
three times slower.
"""

import sys
import time
from pathlib import Path

from answer import answer, answer_every_option


def main() -> None:
    """Time one input, after what is imported late was imported."""
    data = Path(sys.argv[1]).read_bytes()
    answer(b"")
    answer_every_option(b"depht: 12")
    began = time.process_time()
    answer(data)
    answered = time.process_time()
    answer_every_option(data)
    print(answered - began, time.process_time() - answered)


main()
