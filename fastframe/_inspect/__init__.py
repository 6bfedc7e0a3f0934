"""`fastframe inspect`: from a capture to the messages in it. The files are the steps of a byte:

source          the file, read in blocks, growing if it is followed
captures        what kind of file it is; pcap and pcapng to packets
packets         packet to TCP segment, through link layer and IP
streams         segments to the ordered bytes of a direction
flows           all TCP connections: beginnings, ends, gaps
sides           a direction before its frames
connections     the two directions of a connection: handshake, frames, or TLS
handshake       request and response to what was agreed on
messages        bytes to payloads, with the offsets of their frames
objects         payloads and frames to objects
subprotocols    what a payload is for
reading         all of these together
events          what all of this yields
filters         which messages are wanted
lines, records, stats, plot     what is printed, by `report`
"""
