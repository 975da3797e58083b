"""WebRTC: one RTP packetiser per camera, and for each viewer ICE, DTLS-SRTP, a sender and a data channel.

``ice``, ``rtp`` and ``peer`` bring 20 MB of libraries with them, so they are imported for the first viewer.
"""
