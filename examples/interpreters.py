"""Frames in several interpreters at the same time, each with a GIL of its own (CPython 3.14 and
newer).

Each call of `echo` runs in one of the pool's interpreters, which are threads of this process and
need no pickled copies of the code.
"""

import sys


def echo(wire: bytes) -> bytes:
    """What a server answers to these bytes of a client."""
    from fastframe import Close, Decoder, Encoder, Ping, Role

    decoder, encoder = Decoder(Role.SERVER), Encoder(Role.SERVER)
    answer = b""
    for message in decoder.feed(wire):
        if isinstance(message, Ping):
            answer += encoder.pong(message.payload)
        elif isinstance(message, Close):
            answer += encoder.close(message.code)
        elif isinstance(message, str | bytes):
            answer += encoder.message(message)
    return answer


if sys.version_info >= (3, 14):
    from concurrent.futures import InterpreterPoolExecutor

    def main() -> None:
        from fastframe import Decoder, Encoder, Role

        client = Encoder(Role.CLIENT)
        wires = [
            client.text(f"message {number}") + client.binary(bytes(1000)) for number in range(20)
        ]
        with InterpreterPoolExecutor(max_workers=4) as pool:
            for number, answer in enumerate(pool.map(echo, wires)):
                text, data = Decoder(Role.CLIENT).feed(answer)
                assert (text, data) == (f"message {number}", bytes(1000))
        print(f"{len(wires)} connections served by 4 interpreters")

else:

    def main() -> None:
        sys.exit("this needs CPython 3.14, which has InterpreterPoolExecutor")


if __name__ == "__main__":
    main()
