def return_free_memory() -> bool:
    """Gives the memory that is free inside this process back to the system, where that is known
    how: with glibc. True if there was some."""
