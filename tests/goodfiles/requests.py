"""The half of a file that says what is sent: parameters, settings, secrets, auth, steps, the request."""

from __future__ import annotations

from typing import Any

from .answers import conditions
from .chance import (
    Draw,
    Strategy,
    booleans,
    composite,
    dictionaries,
    fixed_dictionaries,
    floats,
    integers,
    just,
    lists,
    one_of,
    sampled_from,
    some,
    tuples,
)
from .texts import (
    ascii_texts,
    expressions,
    lines,
    names,
    path_or_paths,
    paths,
    regexes,
    scalars,
    templates,
    texts,
    trees,
)

NUMBERS = ("heat", "top_p", "limit")
OTHERS = ("mode", "flag", "stops", "extra", "either")
CALL = ("model", "stream", "messages | length")
COLLECTIONS = ("messages", "tools")
MEDIA = ("url", "mime", "data", "link", "format", "detail", "filename", "file_id")


@composite
def numeric(draw: Draw, kind: str) -> dict[str, Any]:
    number = integers(-100, 100) if kind == "integer" else one_of(integers(-9, 9), floats(-9, 9))
    low, value, high = sorted(draw(tuples(number, number, number)))
    param = draw(some({}, min=low, max=high, default=value, out_of_range=sampled_from(["error", "clamp"])))
    if "default" not in param and draw(booleans()):
        param["values"] = {"0": draw(scalars), "-5": "low"}
    return {"type": kind, **param}


def of_enum(kind: Any, values: list[Any], named: dict[str, Any]) -> Strategy:
    """A parameter with some values: its default is one of them, and so is what stands for them on the wire."""
    return some({"type": kind}, enum=values, default=sampled_from(values), values=named)


def params() -> Strategy:
    """Of each type some; `either` may have two."""
    one = {
        "heat": numeric("number"),
        "top_p": numeric("number"),
        "limit": numeric("integer"),
        "mode": of_enum("string", ["fast", "slow", "true"], {"fast": 1, "slow": None, "true": "yes"}),
        "flag": some({"type": "boolean"}, default=booleans(), values={"true": "on", "false": "off"}),
        "stops": some({"type": "array"}, default=lists(texts, max_size=2)),
        "extra": some({"type": "object"}, default=dictionaries(names, scalars, max_size=2)),
        "either": of_enum(["string", "integer"], ["a", 1, 2], {"a": {"type": "a"}, "1": [1]}),
    }
    common = some({}, optional=booleans(), description=lines)
    return some({}, **{name: tuples(param, common).map(lambda both: both[0] | both[1]) for name, param in one.items()})


def settings() -> Strategy:
    text = some({"default": "eu-1"}, type="string", env="ACME_REGION", enum=["eu-1", "us-1"], description=lines)
    port = some({"type": "integer", "default": 8080}, env="ACME_PORT", enum=[8080, 9090])
    optional = some({"optional": True}, description=lines, env="ACME_ACCOUNT")
    return some({}, region=text, port=port, account=optional)


def secrets() -> Strategy:
    """All that any way to authenticate may name."""
    one = some({"env": ["ACME_KEY"]}, optional=booleans(), json=paths)
    two = some({"env": ["ACME_KEY_2", "ACME_OLD_KEY"]}, optional=booleans())
    return fixed_dictionaries({"api_key": one, "client_id": two, "client_secret": one})


secret = sampled_from(["api_key", "client_id", "client_secret"])
secret_name = secret.map("secrets.{}".format)


@composite
def tokens(draw: Draw, of: tuple[str, ...], *, assertion: bool) -> dict[str, Any]:
    names = [*of, "secrets.client_id", *(["assertion"] if assertion else [])]
    where = draw(sampled_from([{"url": "https://login.acme.com/token"}, {"path": "/token"}]))
    body = dictionaries(sampled_from(["grant_type", "id", "Ключ"]), templates(names), max_size=2)
    expiry = draw(sampled_from(["expires_in", "expires_at"]))
    return draw(
        some(
            {"value": draw(path_or_paths), **where},
            method=sampled_from(["GET", "POST"]),
            query=dictionaries(sampled_from(["scope", "v"]), templates(names), max_size=2),
            headers=fixed_dictionaries({"x-client": templates(names, plain="abc ")}),
            unit=sampled_from(["s", "ms"]),
            **{draw(sampled_from(["form", "json"])): body, expiry: path_or_paths},
        )
    )


def ways(of: tuple[str, ...], *, body: bool) -> Strategy:
    """A way to authenticate of each type; templates may use the names `of` settings."""
    request = (*of, "method", "path", "query", "body")
    signed = expressions(["secrets.api_key", *request])
    header = one_of(
        some({"type": "header", "name": "x-api-key", "secret": "api_key"}, prefix=ascii_texts),
        signed.map(lambda text: {"type": "header", "name": "x-sign", "value": "v1 {{ " + text + " }}"}),
    )
    claims = dictionaries(sampled_from(["iss", "exp", "sub"]), templates(["secrets.client_id", *of]), max_size=2)
    send = some({}, header=just("x-access-token"), prefix=sampled_from(["", "Bearer ", "Token "]))
    plain = [
        just({"type": "none"}),
        secret.map(lambda name: {"type": "bearer", "secret": name}),
        header,
        secret.map(lambda name: {"type": "query", "name": "key", "secret": name}),
        just({"type": "basic", "user": "client_id", "password": "client_secret"}),
        some({"type": "jwt", "algorithm": "HS256", "key": "api_key"}, header=claims, claims=claims, send=send),
        some({"type": "jwt", "algorithm": "RS256", "key": "api_key"}, claims=claims),
        some(
            {
                "type": "aws_sigv4",
                "service": "bedrock",
                "access_key": "client_id",
                "secret_key": "client_secret",
                "region": "{{ region }}" if "region" in of else "eu-1",
            },
            session_token="api_key",
        ),
        *[oauth2(of)] * 4,
    ]
    if body:
        plain.append(secret.map(lambda name: {"type": "body", "key": "account.key", "secret": name}))
    return one_of(*plain)


@composite
def oauth2(draw: Draw, of: tuple[str, ...]) -> dict[str, Any]:
    assertion = draw(booleans())
    claims = dictionaries(sampled_from(["iss", "exp"]), templates(["secrets.client_id", *of]), max_size=2)
    algorithm = sampled_from(["HS256", "RS256"])
    keyed = fixed_dictionaries({"algorithm": algorithm, "key": secret, "claims": claims}, optional={"header": claims})
    sign = some({}, at_least=1, status=statuses, header=header_predicates, body=conditions())
    query = just({"query": "access_token"})
    send = one_of(some({}, header="x-token", prefix="Token "), query, query.map(lambda way: way | {"prefix": ""}))
    return {
        "type": "oauth2",
        "token": draw(tokens(of, assertion=assertion)),
        **({"assertion": draw(keyed)} if assertion else {}),
        **draw(some({}, send=send, refresh=lists(sign, min_size=1, max_size=2))),
    }


status = one_of(integers(100, 599), sampled_from(["4xx", "5xx"]))
statuses = one_of(status, lists(status, min_size=1, max_size=3))
comparison_texts = one_of(texts, integers(0, 9), fixed_dictionaries({"contains": texts}))
header_predicates = dictionaries(sampled_from(["x-error", "X-Type"]), comparison_texts, min_size=1, max_size=2)

method = sampled_from(["GET", "POST"])


def slots(of: tuple[str, ...]) -> Strategy:
    """A path: what stands between its templates is a URL's."""
    return templates(of, plain="abcXY019-_/").map(lambda text: "/v/" + text)


def fields(of: tuple[str, ...], *, plain: str) -> Strategy:
    value = one_of(templates(of, plain=plain), integers(0, 99), booleans(), floats(0, 9))
    return dictionaries(sampled_from(["x-trace", "X-Mode", "api-version", "accept"]), value, max_size=2)


@composite
def main_request(draw: Draw, of: tuple[str, ...], step: dict[str, Any] | None) -> dict[str, Any]:
    """Everything about the request but its body."""
    follows = step is not None and draw(booleans())
    where = {} if follows else draw(some({}, path=slots(of)))
    if follows:
        where["follow"] = "{{ steps." + step["name"] + "." + next(iter(step["read"])) + " }}"
    rest = some(where, method=method, query=fields(of, plain="abc "), headers=fields(of, plain="abc ;="), poll=polls())
    return draw(rest)


def polls() -> Strategy:
    until = fixed_dictionaries({"path": paths, "equals": one_of(booleans(), texts)})
    fail = one_of(until, fixed_dictionaries({"path": paths, "in": lists(texts, min_size=1, max_size=2)}))
    every = floats(0.01, 60)
    return fixed_dictionaries({"until": until}, optional={"fail": fail, "every": every, "for": floats(1, 60)})


reads = one_of(
    paths,
    paths.map(lambda path: {"json": path}),
    just({"header": "x-session"}),
    just({"cookie": "sid"}),
    regexes.map(lambda regex: {"regex": regex}),
)


@composite
def step(draw: Draw, name: str, of: tuple[str, ...]) -> dict[str, Any]:
    """A step of its own, which reads nothing of another; one that is kept reads nothing of the call either."""
    kept = draw(booleans())
    of = tuple(name for name in of if name in ("region", "port", "account")) or ("'a'",) if kept else of
    body = one_of(trees(one_of(scalars, templates(of))).map(lambda tree: {"a": tree}), just([1, "{{ 1 }}"]))
    form = dictionaries(sampled_from(["a", "b"]), templates(of), max_size=2)
    values = {
        "name": name,
        **draw(some({}, url="https://login.acme.com/v2", path=slots(of))),
        "read": draw(dictionaries(names, reads, min_size=1, max_size=2)),
    }
    optional = {"method": sampled_from(["GET", "POST", "DELETE"]), "poll": polls()}
    optional |= {"query": fields(of, plain="abc "), "headers": fields(of, plain="abc ")}
    optional |= draw(sampled_from([{"json": body}, {"form": form}]))
    if kept:
        optional["expires_in"] = one_of(floats(1, 86400), paths.map(lambda path: {"json": path}))
        values = {"expires_in": 60, **values}
    else:
        follow = {"follow": "{{ steps." + name + "." + next(iter(values["read"])) + " }}"}
        cleanup = some({}, path=slots(of), url="https://api.acme.com")
        whole = one_of(cleanup, just(follow))
        rest = {"method": sampled_from(["GET", "POST", "DELETE"]), "headers": fields(of, plain="abc ")}
        rest |= {"query": fields(of, plain="abc "), draw(sampled_from(["json", "form"])): just({"a": "{{ 1 }}"})}
        optional["cleanup"] = tuples(whole, some({}, at_least=1, **rest)).map(lambda both: both[0] | both[1])
    return draw(some(values, **optional))


@composite
def steps(draw: Draw, of: tuple[str, ...]) -> list[dict[str, Any]]:
    """One step, or two of which the second may go where the reply to the first leads."""
    first = draw(step("login", of))
    if draw(booleans()):
        return [first]
    second = draw(step("job", of))
    if "expires_in" not in second and draw(booleans()):
        second = {key: value for key, value in second.items() if key not in ("url", "path")}
        second["follow"] = "{{ steps.login." + next(iter(first["read"])) + " }}"
    return [first, second]


@composite
def payloads(draw: Draw, encoding: str, of: tuple[str, ...], reads: list[str]) -> Any:
    """A body that reads these names, which hold lists or maps, and whatever else."""
    if encoding == "text":
        pieces = ["{{ " + name + " | tojson }}" for name in reads]
        return "\n".join([*pieces, draw(templates(of, COLLECTIONS))])
    if encoding != "json":
        form = {name: "{{ " + name + " | tojson }}" for name in reads}
        leaf = one_of(templates(of, COLLECTIONS), texts, booleans(), integers(0, 9))
        return form | draw(dictionaries(sampled_from(["prompt", "n", "поле"]), leaf, max_size=3))
    body: dict[str, Any] = {name: "{{ " + name + " }}" for name in reads}
    leaf = one_of(scalars, templates(of, COLLECTIONS), just("{{ omit }}"), just("{{ {'a': [1]} }}"))
    when = sampled_from(["model is defined", "{{ stream }}", "not (1 > 2)"])
    maps = dictionaries(sampled_from(["a", "b c", "options"]), trees(leaf), max_size=3)
    tree = tuples(maps, one_of(just({}), when.map(lambda text: {"$when": text})))
    return body | {"options": draw(tree.map(lambda both: both[1] | both[0]))} | draw(maps)
