"""Certificates to try TLS with: an authority of one's own, and a certificate from it for each name.

Guarantees: keys are for the owner's eyes only; nothing that exists is written over.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from ratified.impl.runtime.errors import SettingsError
from ratified.impl.services.extras import missing

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ModuleNotFoundError as error:
    raise missing("cryptography", "cryptography", "serve", error) from None

Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]

AUTHORITY = "ca"


def make_certificates(
    folder: Path,
    names: Iterable[str],
    *,
    days: int = 30,
    hosts: Iterable[str] = ("localhost", "127.0.0.1", "::1"),
    begin: datetime | None = None,
) -> list[Path]:
    """Write `NAME.pem` and `NAME.key` for each name, and `ca.pem` and `ca.key` unless they are there. Return what was written.

    Each certificate is for its name, and for `hosts`, where clients reach it. Raises SettingsError.
    """
    begin = begin or datetime.now(UTC) - timedelta(minutes=5)
    until = begin + timedelta(days=days)
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        authority = _authority(folder, begin, until, written)
        for name in names:
            if not name or name == AUTHORITY or "/" in name:
                raise SettingsError(f"{name!r} is not a name for a certificate")
            _write(folder, name, _issued(name, list(hosts), authority, begin, until), written)
    except OSError as error:
        raise SettingsError(f"{error.filename or folder} cannot be written: {error.strerror}") from None
    return written


def _authority(folder: Path, begin: datetime, until: datetime, written: list[Path]) -> Pair:
    if (folder / f"{AUTHORITY}.pem").exists():
        try:
            certificate = x509.load_pem_x509_certificate((folder / f"{AUTHORITY}.pem").read_bytes())
            key = serialization.load_pem_private_key((folder / f"{AUTHORITY}.key").read_bytes(), None)
        except ValueError:
            raise SettingsError(f"{folder / AUTHORITY}.pem and .key are no authority in PEM") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise SettingsError(f"{folder / AUTHORITY}.key is not a key on an elliptic curve")
        return certificate, key
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named("ratified test authority")
    certificate = (
        _builder(name, name, key, begin, until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(folder, AUTHORITY, (certificate, key), written)
    return certificate, key


def _issued(name: str, hosts: list[str], authority: Pair, begin: datetime, until: datetime) -> Pair:
    certificate, signing = authority
    key = ec.generate_private_key(ec.SECP256R1())
    names = [_general(host) for host in dict.fromkeys([name, *hosts])]
    made = (
        _builder(_named(name), certificate.subject, key, begin, until)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
            critical=False,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False
        )
        .sign(signing, hashes.SHA256())
    )
    return made, key


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, begin: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write(folder: Path, name: str, pair: Pair, written: list[Path]) -> None:
    certificate, key = pair
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for path, data, mode in (
        (folder / f"{name}.key", private, 0o600),
        (folder / f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644),
    ):
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            raise SettingsError(f"{path} exists; remove it first to make a new one") from None
        with os.fdopen(file, "wb") as out:
            out.write(data)
        written.append(path)
