class CollectingListener:
    messages: list[str | bytes]
