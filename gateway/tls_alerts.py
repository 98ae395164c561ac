"""What a broker means by the TLS alert with which it ends a connection, for people.

In TLS 1.3 the broker looks at our certificate when our handshake is over already: its refusal
arrives as an alert where its first answer should be.
"""

from __future__ import annotations

import ssl

_MEANING = {
    "CERTIFICATE_REQUIRED": "it wants a certificate of ours: set tls_cert and tls_key",
    "CERTIFICATE_EXPIRED": "our certificate has expired: renew it (tls_cert), and look at the "
    "clocks of both machines",
    "CERTIFICATE_REVOKED": "our certificate is revoked: ask who runs the broker to admit this "
    "device again",
    "UNKNOWN_CA": "our certificate is of an authority that the broker does not know: take the "
    "one that was issued for this broker (tls_cert)",
    "BAD_CERTIFICATE": "our certificate is not valid, perhaps not yet: look at the clocks of "
    "both machines, and at tls_cert",
}


def meaning(error: ssl.SSLError) -> str:
    """A sentence on what was refused and what to do; names the alert where it is an unusual one."""
    alert = error.reason or str(error)
    for name, sentence in _MEANING.items():
        if alert.endswith(name):
            return sentence
    return f"TLS broke off with {alert}: look at the broker's log"
