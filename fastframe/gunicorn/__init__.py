"""gunicorn's own ASGI worker on fastframe: `fastframe run gunicorn -k asgi app:app`.

functions  unmasking
target     for `install` and `fastframe run`
"""
