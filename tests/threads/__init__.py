"""Threads that share objects, and interpreters that share a process."""
