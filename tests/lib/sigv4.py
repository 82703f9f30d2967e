# SPDX-License-Identifier: MIT
"""AWS's signature, version 4, as its manual describes it: what the stand-in checks requests with.

test_secret_services.py holds it against AWS's published example and against botocore.
"""

import hashlib
import hmac
import re
from urllib.parse import parse_qsl, quote

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
    r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$")


def signature(secret, method, path, query, headers, signed, body, region, service):
    """The signature of a request. `headers` by lower-case name, `signed` the names in order."""
    when = headers["x-amz-date"]
    scope = f"{when[:8]}/{region}/{service}/aws4_request"
    pairs = sorted((quote(k, "-_.~"), quote(v, "-_.~"))
                   for k, v in parse_qsl(query, keep_blank_values=True))
    canonical = "\n".join([
        method, quote(path, "/-_.~%"), "&".join(f"{k}={v}" for k, v in pairs),
        *(f"{name}:{' '.join(headers[name].split())}" for name in signed), "",
        ";".join(signed), hashlib.sha256(body).hexdigest()])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", when, scope,
                         hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in (when[:8], region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


def check(keys, method, path, query, headers, body):
    """The access key, region and service of a request that is signed well, or None. `keys` maps
    access keys to secret keys."""
    found = AUTHORIZATION.match(headers.get("authorization", ""))
    if not found or found[1] not in keys:
        return None
    access, _, region, service, signed, told = found.groups()
    signed = signed.split(";")
    # What must be signed: the host, the time, and all that steers the call.
    must = {"host", "x-amz-date"} | {h for h in headers if h.startswith("x-amz-")}
    if signed != sorted(signed) or not must <= set(signed):
        return None
    right = signature(keys[access], method, path, query, headers, signed, body, region, service)
    return (access, region, service) if hmac.compare_digest(right, told) else None
