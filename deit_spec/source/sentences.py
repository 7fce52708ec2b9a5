"""What PyYAML's parser says where it stops, in its own words."""

from typing import Final

ENDS: Final = "found unexpected end of stream"
NO_COLON: Final = "could not find expected ':'"
NO_CONTENT: Final = "did not find expected node content"
NO_DASH: Final = "block sequence entries are not allowed in this context"
NO_KEY: Final = "did not find expected key"
NO_MAPPING: Final = "mapping values are not allowed in this context"
NO_START: Final = "did not find expected <document start>"
