# SPDX-License-Identifier: MIT
"""JSON Web Tokens: keys of each kind, and tokens that they sign."""

import base64
import json
import os
import subprocess
import time

ISSUER, AUDIENCE = "https://login.example.com", "fahrend"


def b64(data):
    data = json.dumps(data).encode() if isinstance(data, dict) else data
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True,
                          check=True).stdout


class Key:
    """A private key in a file, with the JSON of its public one."""

    KINDS = {"RS256": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
             "ES256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
             "EdDSA": ["-algorithm", "ED25519"]}

    def __init__(self, folder, alg, kid):
        self.alg, self.kid, self.file = alg, kid, os.path.join(folder, kid)
        openssl("genpkey", *self.KINDS[alg], "-out", self.file)
        point = openssl("pkey", "-in", self.file, "-pubout", "-outform", "DER")
        if alg == "RS256":
            modulus = openssl("rsa", "-in", self.file, "-noout", "-modulus").decode().strip()
            self.jwk = {"kty": "RSA", "n": b64(bytes.fromhex(modulus.split("=")[1])), "e": "AQAB"}
        elif alg == "ES256":
            self.jwk = {"kty": "EC", "crv": "P-256", "x": b64(point[-64:-32]), "y": b64(point[-32:])}
        else:
            self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(point[-32:])}
        self.jwk["kid"] = kid

    def sign(self, said):
        if self.alg == "EdDSA":
            with open(self.file + ".said", "wb") as file:
                file.write(said)
            return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.file, "-in",
                           self.file + ".said")
        signature = openssl("dgst", "-sha256", "-sign", self.file, data=said)
        return self.raw(signature) if self.alg == "ES256" else signature

    @staticmethod
    def raw(der):
        """Both numbers of a signature in DER, 32 bytes each."""
        n = der[3]
        numbers = der[4:4 + n], der[6 + n:]
        return b"".join(number.lstrip(b"\0").rjust(32, b"\0") for number in numbers)

    def token(self, header=None, signature=None, **claims):
        payload = {"iss": ISSUER, "aud": [AUDIENCE, "other"], "sub": "app", "tenant": "acme",
                   "exp": int(time.time()) + 600, **claims}
        payload = {name: value for name, value in payload.items() if value is not None}
        head = {"alg": self.alg, "kid": self.kid, **(header or {})}
        head = {name: value for name, value in head.items() if value is not None}
        said = f"{b64(head)}.{b64(payload)}"
        return f"{said}.{b64(self.sign(said.encode()) if signature is None else signature)}"
