"""What must hold of each parser, for any bytes at all: one definition for fuzzer and tests.

A target takes bytes and returns; whatever it raises is a finding. Parsers may answer with their
declared error and nothing else, their output is bounded by their input, and where they are fed
piece by piece, where the pieces are cut changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fuzz import devices, files, payloads
from fuzz.road import central_road

Target = Callable[[bytes], None]

TARGETS: dict[str, Target] = {
    **{name: partial(devices.device, builds) for name, builds in devices.DECODERS.items()},
    "device-scale": devices.device_scale,
    "llrp-session": devices.llrp_session,
    "decode-command": devices.decode_command,
    "mqtt-batch": payloads.mqtt_batch,
    "mqtt-words": payloads.mqtt_words,
    "mqtt-topics": payloads.mqtt_topics,
    "edge-watermark": payloads.edge_watermark,
    "broker-packets": payloads.broker_packets,
    "broker-session": payloads.broker_session,
    "central-road": central_road,
    "epc": files.epc,
    "barcode": files.barcode,
    "gs1-text": files.gs1_text,
    "edge-config": files.edge_config,
    "central-config": files.central_config,
    "recording": files.recording,
    "digest-file": files.digest_file,
}
