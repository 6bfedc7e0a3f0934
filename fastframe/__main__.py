"""`python -m fastframe` is the command `fastframe`."""

import sys

from fastframe._cli.main import main

sys.exit(main())
