"""Where extension modules that were compiled with fastframe_api.h look for the table of functions:
this name is part of the ABI."""

from fastframe._codec.api import table

__all__ = ["table"]
