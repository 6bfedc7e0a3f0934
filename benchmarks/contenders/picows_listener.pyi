class CollectingListener:
    messages: list[str | bytes]

class CountingListener:
    characters: int
