"""A passkey made of software: what a phone or a security key answers to the browser, signed with a real key."""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


class SoftPasskey:
    def __init__(self, origin: str = "http://localhost") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._origin = origin
        self._uses = 0
        self.id = secrets.token_bytes(16)
        self.user_handle = b""

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self._origin, "crossOrigin": False}).encode()

    def _facts(self, rp_id: str, flags: int) -> bytes:
        self._uses += 1
        return hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", flags, self._uses)

    def register(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to `navigator.credentials.create`."""
        public = options["publicKey"]
        self.user_handle = websafe_decode(public["user"]["id"])
        client = self._client_data("webauthn.create", public["challenge"])
        facts = self._facts(public["rp"]["id"], PRESENT | VERIFIED | ATTESTED)
        facts += bytes(16) + struct.pack(">H", len(self.id)) + self.id
        facts += cbor.encode(dict(ES256.from_cryptography_key(self._key.public_key())))
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": facts})
        return {
            "id": websafe_encode(self.id),
            "rawId": websafe_encode(self.id),
            "type": "public-key",
            "response": {"clientDataJSON": websafe_encode(client), "attestationObject": websafe_encode(attestation)},
            "clientExtensionResults": {"credProps": {"rk": True}},
        }

    def sign(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to `navigator.credentials.get`."""
        public = options["publicKey"]
        client = self._client_data("webauthn.get", public["challenge"])
        facts = self._facts(public["rpId"], PRESENT | VERIFIED)
        signature = self._key.sign(facts + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return {
            "id": websafe_encode(self.id),
            "rawId": websafe_encode(self.id),
            "type": "public-key",
            "response": {
                "clientDataJSON": websafe_encode(client),
                "authenticatorData": websafe_encode(facts),
                "signature": websafe_encode(signature),
                "userHandle": websafe_encode(self.user_handle),
            },
            "clientExtensionResults": {},
        }
