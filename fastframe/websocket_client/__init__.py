"""websocket-client on fastframe: `fastframe.install("websocket-client")`.

functions  masking, and validating UTF-8
target     for `install` and `fastframe run`
"""
