"""The command `fastframe`: `main` reads the command line, each other module is what one part of it
does."""
