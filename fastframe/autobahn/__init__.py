"""autobahn on fastframe, and with it crossbar, daphne and Django's channels:
`fastframe.install("autobahn")`.

functions  masking
target     for `install` and `fastframe run`
"""
