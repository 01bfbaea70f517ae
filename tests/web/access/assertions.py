"""Assertions as Google's proxy signs them, by keys of the test's own that are served on loopback."""

import base64
import json
import time
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

AUDIENCE = "/projects/1/global/backendServices/2"
ISSUER = "https://cloud.google.com/iap"


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_pem(key: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unsigned(header: dict[str, Any] | None = None, **claims: Any) -> str:
    now = int(time.time())
    head = {"alg": "ES256", "typ": "JWT", "kid": "one"} | (header or {})
    body = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "email": "ed@example.com",
        "iat": now - 10,
        "exp": now + 300,
    } | claims
    return f"{encoded(json.dumps(head).encode())}.{encoded(json.dumps(body).encode())}"


def signed(key: ec.EllipticCurvePrivateKey, header: dict[str, Any] | None = None, **claims: Any) -> str:
    text = unsigned(header, **claims)
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
