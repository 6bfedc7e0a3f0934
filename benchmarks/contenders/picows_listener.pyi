class CollectingListener:
    messages: list[str | bytes]

class CountingListener:
    count: int

class PayloadListener:
    count: int

class EchoListener: ...
