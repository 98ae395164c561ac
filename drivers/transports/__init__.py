"""How bytes come: serial, TCP, MQTT, Bluetooth; a protocol does not know which."""
