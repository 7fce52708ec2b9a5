"""Print the CPU seconds that `answer` and `answer_every_option` take on an input.

    python tests/fuzz/timing.py INPUT KIND

Times measured in the fuzzer include its instrumentation, which makes Python two to
three times slower.
"""

import sys
import time
from pathlib import Path

from fuzz.answer import answer, answer_every_option


def main() -> None:
    """Time one input, after all lazy imports."""
    data, kind = Path(sys.argv[1]).read_bytes(), sys.argv[2]
    answer(b"", kind)
    answer_every_option(b"depht: 12", kind)
    began = time.process_time()
    answer(data, kind)
    answered = time.process_time()
    answer_every_option(data, kind)
    print(answered - began, time.process_time() - answered)


main()
