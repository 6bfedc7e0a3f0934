"""tornado on fastframe: `fastframe.install("tornado")`.

functions  reading, writing
target     for `install` and `fastframe run`
"""
