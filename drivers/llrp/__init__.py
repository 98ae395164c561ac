"""RFID readers by LLRP: set-up, connection, session, decoding."""
