"""То же, что команда ``lecture``: ``python -m lecture_lib.cli``."""

import sys

from lecture_lib.cli import main

if __name__ == "__main__":
    sys.exit(main())
