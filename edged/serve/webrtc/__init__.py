"""WebRTC: one RTP packetiser per camera, and for each viewer ICE, DTLS-SRTP, a sender and a data channel."""

from edged.serve.webrtc.ice import IceOptions
from edged.serve.webrtc.peer import Peer
from edged.serve.webrtc.rtp import RtpPicture
from edged.serve.webrtc.sdp import Offer, SdpError, UnsupportedOfferError, parse_offer

__all__ = ["IceOptions", "Offer", "Peer", "RtpPicture", "SdpError", "UnsupportedOfferError", "parse_offer"]
