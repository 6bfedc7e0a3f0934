"""The native codec: a client's bytes in, messages out, answers back."""

from fastframe import Close, Decoder, Encoder, Ping, ProtocolError, Role

client = Encoder(Role.CLIENT)
data = (
    client.message("zażółć 😀")
    + client.ping(b"are you there?")
    + client.message(b"\x00\x01")
    + client.close(1000, "bye")
)

decoder = Decoder(Role.SERVER, max_message_size=2**20)
encoder = Encoder(Role.SERVER)
answers = []
try:
    for message in decoder.feed(data):
        match message:
            case Ping(payload):
                answers.append(encoder.pong(payload))
            case _ if encoder.finished:
                pass  # this end has sent its Close: nothing but Pongs may follow
            case str() | bytes():
                print("message", repr(message))
                answers.append(encoder.message(message))
            case Close(code):
                answers.append(encoder.close(code))
except ProtocolError as error:
    if not encoder.finished:
        answers.append(encoder.close(error.code, error.reason))
print("answers", b"".join(answers).hex(" "))
