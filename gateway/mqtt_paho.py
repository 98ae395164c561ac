"""paho's client with what it hides: why TLS ended it, closing at once, asking for a sign."""

from __future__ import annotations

import socket
import ssl

import paho.mqtt.client as paho


class MendedPaho(paho.Client):
    """See the module."""

    alert: ssl.SSLError | None = None
    """With what TLS ended the connection; paho itself keeps only that it ended."""

    def _sock_recv(self, bufsize: int) -> bytes:
        try:
            return super()._sock_recv(bufsize)
        except ssl.SSLError as error:
            self.alert = error
            raise

    def drop(self) -> None:
        """Close the socket now, without a farewell."""
        self._sock_close()

    def ask(self) -> None:
        """Ask the broker whether it is there (PINGREQ)."""
        self._send_pingreq()

    def _ssl_wrap_socket(self, tcp_sock: socket.socket) -> ssl.SSLSocket:
        """Shake hands as paho does, but close the socket when that fails."""
        assert self._ssl_context is not None
        wrapped = self._ssl_context.wrap_socket(
            tcp_sock, server_hostname=self._host, do_handshake_on_connect=False
        )
        try:
            wrapped.settimeout(self._connect_timeout)
            wrapped.do_handshake()
        except BaseException:
            wrapped.close()
            raise
        return wrapped
