"""A redirect of any kind to anywhere: it is not followed, nothing is sent there, and only the place is shown."""

from __future__ import annotations

import json

import pytest

from engine.errors import EngineError, ProviderError
from engine.testing import FaultServer, Pause, Request, Send, head, whole

from .callers import Caller
from .faults import fault
from .quickfiles import KEY, SECRET, TEXT, catalog_of

pytestmark = pytest.mark.usefixtures("few_authorities")

PASSWORD = "hush-hush-1"
FILES = {
    "plain": TEXT,
    "bearer": f"{TEXT}\n{SECRET}\nauth: {{type: bearer, secret: api_key}}",
    "header": f"{TEXT}\n{SECRET}\nauth: {{type: header, name: x-api-key, secret: api_key}}",
    "query": f"{TEXT}\n{SECRET}\nauth: {{type: query, name: key, secret: api_key}}",
    "basic": f"{TEXT}\n{SECRET}\nauth: {{type: basic, user: user, password: api_key}}",
    "body": f"{TEXT}\n{SECRET}\nauth: {{type: body, key: key, secret: api_key}}",
}


REDIRECTS = "Redirects"
STATUSES = (300, 301, 302, 303, 304, 305, 307, 308)
TARGETS = {
    "to the same host": ("http://{own}/elsewhere", "http://{own}/elsewhere"),
    "to another host": ("http://{other}/x", "http://{other}/x"),
    "to another port": ("http://127.0.0.1:{port}/x", "http://127.0.0.1:{port}/x"),
    "to another scheme": ("https://{own}/x", "https://{own}/x"),
    "with a user": ("http://user:{password}@{other}/x", "http://{other}/x"),
    "with the host as a user": ("http://{own}@{other}/x", "http://{other}/x"),
    "without a scheme": ("//{other}/x", "http://{other}/x"),
    "with backslashes": ("\\\\{other}\\x", "http://{other}/x"),
    "with a slash and a backslash": ("/\\user:{password}@{other}/x", "http://{other}/x"),
    "to a path": ("/login?next={password}", "/login"),
    "to a path beside": ("../login#{password}", "../login"),
    "to a query": ("?token={password}", "nowhere"),
    "to a script": ("javascript:alert(1)", "javascript:alert(1)"),
    "to data": ("data:text/plain,hi", "data:text/plain,hi"),
    "to a file": ("file:///etc/passwd", "file:/etc/passwd"),
    "with a user and no slashes": ("http:user:{password}@{other}/x", "http:{other}/x"),
    "to an address that is none": ("http://[::1", "nowhere"),
    "nowhere": ("", "nowhere"),
    "to more than a line": ("http://{other}/" + "y" * 3000, "http://{other}/yyy"),
}


@fault(REDIRECTS, "a redirect of any status", "`ProviderError` of kind `protocol`, not followed and not retried")
@pytest.mark.parametrize(
    ("status", "auth"),
    [*((status, "header") for status in STATUSES), *((307, auth) for auth in ("bearer", "query", "basic", "body"))],
)
def test_a_redirect_with_any_credentials(call, status, auth):
    with (
        FaultServer([whole(b"gotcha")]) as target,
        FaultServer([whole(b"", status, location=f"{target.url}/x?key={KEY}")]) as server,
    ):
        error = call(server, auth, secrets={auth: {"api_key": KEY, "user": "someone"}}).error
        assert target.journal.opened == 0
        assert len(server.requests) == 1
    assert (type(error), error.kind, error.status, error.attempts) == (ProviderError, "protocol", status, 1)
    assert KEY not in error.message + json.dumps(error.headers) + error.body


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=fault(REDIRECTS, f"a redirect {name}", "refused; nothing is sent there"))
        for name in TARGETS
    ],
)
def test_a_redirect(call, name):
    location, shown = TARGETS[name]
    with FaultServer([whole(b"gotcha")]) as target, FaultServer([whole(b"hi")]) as server:
        words = {"own": server.host, "other": target.host, "port": target.port, "password": PASSWORD}
        server._script = [[Request(), whole(b"", 307, location=location.format(**words)), Pause(0.01)]]
        error = call(server, "header", secrets={"header": {"api_key": KEY}}).error
        assert target.journal.opened == 0
        assert len(server.requests) == 1
    assert (type(error), error.kind, error.status) == (ProviderError, "protocol", 307)
    assert f"to {shown.format(**words)}" in error.message
    assert len(error.message) < 400
    assert PASSWORD not in error.message + json.dumps(error.headers)


@fault(REDIRECTS, "a redirect of a request for a token", "refused; nothing is sent there")
def test_a_redirect_of_a_token_request(call, tmp_path):
    token = '{{type: oauth2, token: {{url: "{url}/token", form: {{secret: "{{{{ secrets.api_key }}}}"}}, value: t}}}}'
    with (
        FaultServer([whole(b'{"t": "token"}')]) as target,
        FaultServer([whole(b"", 308, location=f"{target.url}/token?{KEY}")]) as server,
    ):
        auth = f"auth: {token.format(url=server.url)}"
        catalog = catalog_of(tmp_path, {"token": f"{TEXT}\n{SECRET}\n{auth}"})
        error = Caller(call.kind, catalog)(server, "token", secrets={"token": {"api_key": KEY}}).error
        assert target.journal.opened == 0
        assert len(server.requests) == 1
    assert isinstance(error, EngineError)
    assert error.status == 308, repr(error)
    assert KEY not in repr(vars(error))


def test_a_head_without_a_location(call):
    with FaultServer([Send(head(302, None, content_length="0"))]) as server:
        assert "to nowhere, which is not followed" in call(server, "plain").error.message
