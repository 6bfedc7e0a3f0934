table: object
"""A capsule: include/fastframe_api.h says what is in it."""
