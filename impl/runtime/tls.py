"""TLS between nodes and from clients: both sides show a certificate of the cluster's authority.

Guarantees: TLS 1.3 only; a node that connects makes sure that the other one has a certificate in the name that it wants to reach;
what is wrong with this node's own files is a SettingsError that says which, and what.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime

from ratified.impl.runtime.errors import SettingsError
from ratified.impl.runtime.settings import Tls
from ratified.impl.services.extras import missing

try:
    from cryptography import x509
except ModuleNotFoundError as error:
    raise missing("cryptography", "cryptography", "serve", error) from None


def contexts(tls: Tls, now: datetime | None = None) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the contexts to serve with and to connect with. Raises SettingsError."""
    _check(tls, now or datetime.now(UTC))
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    dialing = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    for context in (serving, dialing):
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(tls.ca)
        except (ssl.SSLError, OSError) as error:
            raise SettingsError(f"tls.ca: {tls.ca}: {error.strerror or error}") from None
        try:
            context.load_cert_chain(tls.certificate, tls.key)
        except (ssl.SSLError, OSError) as error:
            raise SettingsError(
                f"tls.key: {tls.key} is not the key of {tls.certificate}: {error.strerror or error}"
            ) from None
    return serving, dialing


def _check(tls: Tls, now: datetime) -> None:
    """The files are there, and the certificate is valid today: others would refuse it one by one, and say less."""
    for name, path in (("ca", tls.ca), ("certificate", tls.certificate), ("key", tls.key)):
        try:
            text = path.read_bytes()
        except OSError as error:
            raise SettingsError(f"tls.{name}: {path} cannot be read: {error.strerror}") from None
        if name == "key":
            continue
        try:
            found = x509.load_pem_x509_certificate(text)
        except ValueError:
            raise SettingsError(f"tls.{name}: {path} is not a certificate in PEM") from None
        if found.not_valid_after_utc < now:
            raise SettingsError(
                f"tls.{name}: {path} expired on {found.not_valid_after_utc:%Y-%m-%d}; make a new one"
            )
        if found.not_valid_before_utc > now:
            raise SettingsError(
                f"tls.{name}: {path} is valid from {found.not_valid_before_utc:%Y-%m-%d %H:%M} on; is the clock right?"
            )
