"""AWS signatures: fixed ones that botocore made, and, where botocore is installed, many more compared with it."""

from __future__ import annotations

import random
from datetime import datetime
from itertools import product

import pytest

from engine.auth.sigv4 import AwsKeys, signature_headers
from engine.secrets import Secret, shown
from engine.wire import Headers, WireRequest

KEYS = AwsKeys(
    Secret("AKIDEXAMPLE", name="AWS_ACCESS_KEY_ID"),
    Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", name="AWS_SECRET_ACCESS_KEY"),
)
TOKEN = Secret("IQoJb3JpZ2luX2VjE//+==", name="AWS_SESSION_TOKEN")
STAMP = "20260131T235959Z"
SCOPE = ("us-east-1", "bedrock")

HOSTS = [
    "https://bedrock-runtime.us-east-1.amazonaws.com",
    "https://Bedrock-Runtime.US-east-1.amazonaws.com:443",
    "http://127.0.0.1:8080",
    "http://[::1]:80",
]
PATHS = [
    "",
    "/",
    "/model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/converse-stream",
    "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.x/converse",
    "/a//b/./c/../d/",
    "/%D0%BF%D1%80/~x/a+b/(c)/@!$&',;=*",
    "/..",
]
QUERIES = ["", "?b=2&a=1&a=0", "?x", "?x=&y=%20%2F%2B&X=1", "?a=%D0%BF&a-b=1&a=%7E"]
HEADERS = [
    [("content-type", "application/json"), ("user-agent", "x"), ("accept-encoding", "identity")],
    [("X-Amz-Target", "  a   b\tc "), ("Content-Type", "application/json; charset=utf-8"), ("accept", "*/*")],
    [("x-amz-b", "1"), ("x-amz-a", "2"), ("x-amz-b", "3")],
]
BODIES = [b"", b"{}", '{"text":"Привет \U0001f600"}'.encode(), bytes(range(256)) * 40]

# Indexes of the lists above, whether there is a session token, and what botocore 1.44.5 made of it.
FIXED = [
    (0, 2, 0, 0, False, "0fea7eb5500930193de256f0693569696f49302da986aa183847af3aa6d9f173"),
    (0, 2, 1, 0, True, "98cd789d9f7cfd07738065cd162a95e9e64fc9371c3431c7e7bc4be8a33da9a9"),
    (0, 3, 0, 1, False, "a9a2eeea1b2fdb1a50cd46f49531b3090128283c761978b7e9fc296c086030dd"),
    (1, 0, 2, 0, False, "5e60e5de027fd788ebade2fd35482d2aef52ed8c786c96d0523a692eefeee4ad"),
    (2, 5, 3, 1, True, "7e3b3ef254de70f728c02ee4ab8256ef34b89b57518b81864689ac0212f16b59"),
    (3, 4, 4, 2, False, "376cedc9122f2fdf35e82bb1fdd184a259529d942b0bc8da655bfafcf58e1251"),
    (0, 6, 1, 2, True, "53fe69b7549f3b8d7fbc4eaca07a01a6cdf79562d75573d28ab6aa5838e04787"),
    (1, 1, 0, 1, False, "516a93721a3c1837de0a112ddd64c4217addbda4bc1568ab732328ede381a4ed"),
    (2, 4, 2, 0, True, "1f91a18ce69dec7b91ad415834c16efac835d6efc388a5442b5bc867e19a656a"),
    (0, 5, 4, 1, True, "cfaac9ed31de7eec54e91529745a701a7bfc9508a25df0cc0f12e0420dff8274"),
]


def request(host: int, path: int, query: int, headers: int, body: int = 1, method: str = "POST") -> WireRequest:
    return WireRequest(method, HOSTS[host] + PATHS[path] + QUERIES[query], Headers(HEADERS[headers]), BODIES[body])


def keys(token: bool) -> AwsKeys:
    return AwsKeys(KEYS.access_key, KEYS.secret_key, TOKEN if token else None)


def ours(wire: WireRequest, token: bool, scope: tuple[str, str] = SCOPE) -> dict[str, str]:
    headers, signature = signature_headers(wire, keys(token), scope, STAMP)
    assert dict(headers)["authorization"].endswith(f"Signature={signature}")
    return {name: str.__str__(value) for name, value in headers}


def botocore_s(
    wire: WireRequest, token: bool, scope: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """What botocore adds to the same request, given those of its headers that are to be signed."""
    from botocore import auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    now = datetime.strptime(STAMP, "%Y%m%dT%H%M%SZ")
    monkeypatch.setattr(auth, "get_current_datetime", lambda remove_tzinfo=True: now)
    mine = ours(wire, token, scope)
    given = {"x-amz-content-sha256": mine["x-amz-content-sha256"]} | {
        name: wire.headers[name]
        for name in wire.headers
        if name.lower() == "content-type" or name.lower().startswith("x-amz-")
    }
    their = AWSRequest(wire.method, wire.url, headers=given, data=wire.content)
    credentials = Credentials(KEYS.access_key.reveal(), KEYS.secret_key.reveal(), TOKEN.reveal() if token else None)
    auth.SigV4Auth(credentials, scope[1], scope[0]).add_auth(their)
    return {name.lower(): value for name, value in their.headers.items()}


@pytest.mark.parametrize(("host", "path", "query", "headers", "token", "signature"), FIXED)
def test_signatures_that_botocore_made(
    host: int, path: int, query: int, headers: int, token: bool, signature: str
) -> None:
    assert ours(request(host, path, query, headers), token)["authorization"].endswith(f"Signature={signature}")


def test_all_that_is_added() -> None:
    added = ours(request(0, 2, 0, 0), token=True)
    assert list(added) == ["x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "authorization"]
    assert added["x-amz-date"] == STAMP
    # sha256 of the two bytes {}
    assert added["x-amz-content-sha256"] == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert added["x-amz-security-token"] == TOKEN.reveal()
    assert added["authorization"].startswith(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260131/us-east-1/bedrock/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature="
    )


def test_everything_that_is_sent_is_signed() -> None:
    base = request(0, 2, 1, 0)
    others = [
        WireRequest("PUT", base.url, base.headers, base.content),
        WireRequest("POST", base.url + "&c=1", base.headers, base.content),
        WireRequest("POST", base.url.replace("%3A", "%2F"), base.headers, base.content),
        WireRequest("POST", base.url, base.headers.replaced([("content-type", "text/plain")]), base.content),
        WireRequest("POST", base.url, base.headers, b"{} "),
    ]
    signatures = {ours(wire, token=False)["authorization"] for wire in (base, *others)}
    assert len(signatures) == 1 + len(others)
    assert ours(base, token=False, scope=("eu-west-1", "bedrock")) != ours(base, token=False)


def test_what_a_proxy_may_change_is_not_signed() -> None:
    base = request(0, 2, 1, 0)
    without = WireRequest(base.method, base.url, Headers([("content-type", "application/json")]), base.content)
    assert ours(base, token=False) == ours(without, token=False)


def test_the_signature_is_shown_nowhere() -> None:
    headers, signature = signature_headers(request(0, 2, 1, 0), keys(True), SCOPE, STAMP)
    visible = {name: shown(value) for name, value in headers}
    assert visible["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=<AWS_ACCESS_KEY_ID>/20260131/us-east-1/bedrock/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=***"
    )
    assert visible["x-amz-security-token"] == "<AWS_SESSION_TOKEN>"
    assert not [word for word in (signature, "AKIDEXAMPLE", TOKEN.reveal()) if word in repr(headers)]


CASES = list(product(range(len(HOSTS)), range(len(PATHS)), range(len(QUERIES)), range(len(HEADERS)), (False, True)))


@pytest.mark.parametrize("body", range(len(BODIES)))
def test_the_same_as_botocore(body: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("botocore", minversion="1.44", reason="botocore, an independent signer, is not installed")
    dice = random.Random(body)
    for host, path, query, headers, token in CASES:
        wire = request(host, path, query, headers, body, dice.choice(["POST", "GET", "PUT"]))
        scope = dice.choice(["us-east-1", "eu-west-3"]), dice.choice(["bedrock", "bedrock-mantle"])
        mine, theirs = ours(wire, token, scope), botocore_s(wire, token, scope, monkeypatch)
        assert mine == {name: theirs[name] for name in mine}, wire


@pytest.mark.parametrize("seed", range(4))
def test_the_same_as_botocore_for_random_requests(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("botocore", minversion="1.44", reason="botocore, an independent signer, is not installed")
    dice = random.Random(seed)
    for _ in range(250):
        path = "".join(dice.choices(["/", ".", "..", "%3A", "%2F", "%25", "~", "a", "B9", "-_", "+", "@", "="], k=9))
        query = "".join(dice.choices(["&", "=", "a", "b", "%20", "%D0%BF", "-", "~"], k=9))
        value = "".join(dice.choices(["a", " ", "  ", "\t", ";", ":", ",", '"'], k=8)) + "x"
        headers = Headers([("content-type", value.strip()), (f"x-amz-{dice.choice('abz')}", f" {value}")])
        url = f"https://h.example.com{dice.choice(['', ':443', ':8443', ':80'])}/{path}?{query}"
        wire = WireRequest("POST", url, headers, dice.randbytes(dice.randrange(99)))
        token = dice.random() < 0.5
        mine, theirs = ours(wire, token), botocore_s(wire, token, SCOPE, monkeypatch)
        assert mine == {name: theirs[name] for name in mine}, wire
