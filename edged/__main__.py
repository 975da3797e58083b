"""``python -m edged`` is the command ``edged``."""

import sys

from edged.cli import main

sys.exit(main())
