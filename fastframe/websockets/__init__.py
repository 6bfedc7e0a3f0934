"""websockets on fastframe: `fastframe.install("websockets")`.

_frames      frames in, and frames out, for websockets' Protocol: asyncio, threads, and sans-I/O
connection   messages of an asyncio connection, without what websockets puts between them and
             the frames
names        what websockets calls the same thing in one release and in another
compression  another back-end for permessage-deflate
target       for `install` and `fastframe run`
"""
