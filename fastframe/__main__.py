"""`python -m fastframe` is the command `fastframe`."""

import sys

from fastframe.cli import main

sys.exit(main())
