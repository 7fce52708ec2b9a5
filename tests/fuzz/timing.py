"""Print the CPU seconds that `answer` and `answer_every_option` take on an input.

    python tests/fuzz/timing.py INPUT

Times measured in the fuzzer include its instrumentation, which makes Python two to
three times slower.
"""

import sys
import time
from pathlib import Path

from answer import answer, answer_every_option


def main() -> None:
    """Time one input, after all lazy imports."""
    data = Path(sys.argv[1]).read_bytes()
    answer(b"")
    answer_every_option(b"depht: 12")
    began = time.process_time()
    answer(data)
    answered = time.process_time()
    answer_every_option(data)
    print(answered - began, time.process_time() - answered)


main()
