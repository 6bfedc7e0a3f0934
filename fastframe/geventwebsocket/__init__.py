"""geventwebsocket (the package gevent-websocket) on fastframe:
`fastframe.install("geventwebsocket")`.

functions  masking
target     for `install` and `fastframe run`
"""
