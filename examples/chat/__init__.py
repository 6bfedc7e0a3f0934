"""A chat: several servers behind nginx, one order of messages in Redis, clients that come back.
Made to be copied.

protocol     what goes over the wire: messages, close codes
settings     every limit, in one place
door         who may come in: Origin, token, rates
guests       the page's sign-in: a name without a token, if that is allowed
log          a room's messages in Redis: appended once, in one order, replayed
presence     who is in a room, on all servers
rooms        the rooms of this process: one reader for all, each message prepared once and handed to
             every member
connection   one client of a server
server       the ASGI application, and uvicorn under it
watching     metrics and logs
client       a client in Python that reconnects; page/ is the one for browsers
up           Redis, nginx and servers on one machine
load         how much it carries
"""
