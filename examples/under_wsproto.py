"""Anything that runs on wsproto, faster: one call, before or after the server is imported."""

from wsproto.connection import CLIENT, SERVER, Connection
from wsproto.events import TextMessage

import fastframe

fastframe.install("wsproto")
print(fastframe.status()["wsproto"])

client, server = Connection(CLIENT), Connection(SERVER)
server.receive_data(client.send(TextMessage("hello")))
print(list(server.events()))
