"""Three WebSocket servers of one's own: docs/howto/own-server.md explains them step by step."""
