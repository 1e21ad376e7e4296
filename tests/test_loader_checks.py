"""What is wrong beyond YAML: schema, templates, secrets and hosts, and what parts of a file say of each other."""

from __future__ import annotations

import pytest

from engine.errors import SpecError
from engine.loader import load_text, problems_of, problems_of_text
from tests.badfiles import place_of, problems, text_of

KEY = "secrets: {api_key: {env: [ACME_KEY]}}\nauth: {type: bearer, secret: api_key}"
SSE = "response: {codec: sse, end: '[DONE]', rules: [{text: a}]}"


def response(rules: str, *, codec: str = "sse", end: str = "'[DONE]'") -> str:
    return f"response:\n  codec: {codec}\n  end: {end}\n  rules:\n    - {rules}"


def params(declared: str) -> str:
    return f"params:\n  heat: {{type: number, default: 1}}\n  p: {{{declared}}}"


SCHEMA = [
    ("unknown-key", {"url": "¦ulr: https://api.acme.com"}, "did you mean 'url'?"),
    ("unknown-key", {"models": "models: {¦defualt: a}"}, "did you mean 'default'?"),
    ("unknown-key", {"x": "¦codec: text"}, "belongs under `response`"),
    ("unknown-key", {"response": "response: {codec: text, ¦headers: {a: b}}"}, "belongs under `the top`"),
    ("unknown-key", {"retry": "retry: {¦retries: 3}"}, "known keys: max"),
    ("unknown-key", {"auth": "secrets: {k: {env: [K]}}\nauth: {type: bearer, secret: k, ¦name: x}"}, "auth"),
    ("missing-key", {"url": "", "version": "¦spec_version: 1"}, "`url`"),
    ("missing-key", {"params": "params: {¦heat: {default: 1}}"}, "`type`"),
    ("missing-key", {"auth": "auth: ¦{type: bearer}".replace("auth: ¦", "¦auth: ")}, "`secret`"),
    ("missing-key", {"response": "¦response: {finish: {a: stop}}"}, "codec"),
    ("wrong-type", {"retry": "retry: {max: ¦'2'}"}, "without quotes"),
    ("wrong-type", {"retry": "retry: {max: ¦2.0}"}, "a whole number"),
    ("wrong-type", {"flags": "flags: {working: ¦1}"}, "true or false"),
    ("wrong-type", {"flags": 'flags: {working: ¦"true"}'}, "without quotes"),
    ("wrong-type", {"models": "models: ¦[a]"}, "a map"),
    ("wrong-type", {"payload": "payload: ¦5"}, "a whole number"),
    ("not-in-enum", {"method": "method: ¦POTS"}, "did you mean 'POST'?"),
    ("not-in-enum", {"response": "response: {codec: ¦sse-stream}"}, "'sse'"),
    ("not-in-enum", {"errors": "errors: [{status: 400, kind: ¦rate_limt}]"}, "did you mean 'rate_limit'?"),
    ("not-in-enum", {"response": response("{text: a}").replace("  end", "  finish: {x: ¦stopp}\n  end")}, "'stop'?"),
    ("out-of-range", {"timeout": "timeout: {idle: ¦-1}"}, "3600"),
    ("out-of-range", {"timeout": "timeout: {total: ¦0}"}, "above 0"),
    ("out-of-range", {"retry": "retry: {max: ¦1000}"}, "0 to 10"),
    ("out-of-range", {"errors": "errors: [{status: ¦99, kind: auth}]"}, "100 to 599"),
    ("empty-value", {"title": 'title: ¦""'}, "fill it"),
    ("bad-id", {"name": "name: ¦a/b"}, "hyphens"),
    ("bad-id", {"name": "name: ¦.."}, "hyphens"),
    ("bad-id", {"name": "name: ¦Acme"}, "hyphens"),
    ("bad-id", {"name": "name: ¦аcme"}, "hyphens"),  # a Cyrillic a
    ("bad-id", {"name": "name: ¦" + "a" * 300}, "hyphens"),
    ("bad-id", {"name": 'name: ¦"acme\\n"'}, "hyphens"),
    ("bad-id", {"name": "name: ¦other"}, "'acme'"),
    ("bad-name", {"headers": 'headers: {¦"a b": c}'}, "names match"),
    ("bad-name", {"headers": 'headers: {¦"accept\\n": c}'}, "names match"),
    ("bad-name", {"params": "params: {heat: {type: number, default: 1}, ¦Top-P: {type: number}}"}, "names match"),
    ("future-version", {"version": "spec_version: ¦99"}, "knows 1"),
    ("bad-version", {"version": "", "name": "¦name: acme"}, "add spec_version: 1"),
    ("bad-version", {"version": "spec_version: ¦'1'"}, "text"),
    ("bad-version", {"version": "spec_version: ¦1.0"}, "a number"),
    ("bad-version", {"version": "spec_version: ¦0"}, "spec_version is 0"),
    ("bad-version", {"version": "spec_version: ¦true"}, "boolean"),
    ("bad-value", {"secrets": "secrets: {k: {env: [¦A-B]}}"}, "env"),
    (
        "conflict",
        {"errors": "errors: [{body: {path: a, equals: b, ¦in: [c]}, kind: auth}]"},
        "has both 'equals' and 'in'",
    ),
    ("ambiguous-rule", {"errors": "errors: [¦{kind: auth}]"}, "add a predicate"),
]

TEMPLATES = [
    ("undefined-variable", {"path": "path: /{{ ¦modle }}"}, "did you mean 'model'?"),
    ("undefined-variable", {"path": "path: /{{ ¦zzz }}"}, "known names here: heat, messages"),
    ("template-syntax", {"path": "path: /a¦{{ model "}, "never closed"),
    ("template-syntax", {"path": "path: /a ¦}} b"}, "open it"),
    ("template-syntax", {"path": "path: /{{ model ¦model }}"}, "not expected"),
    ("template-syntax", {"path": "path: '/{{¦ }}'"}, "no expression"),
    (
        "template-syntax",
        {"payload": "payload: {a: {$when: '¦{{ heat }} {{ heat }}'}}".replace("'¦", "¦'")},
        "always true",
    ),
    ("template-forbidden", {"path": "path: '/¦{% if model %}a{% endif %}'"}, "statement"),
    ("template-forbidden", {"path": "path: '/¦{# note #}'"}, "comment"),
    ("template-forbidden", {"path": "path: '/{{ model.¦upper() }}'"}, "method"),
    ("template-forbidden", {"path": "path: '/{{ model.¦__class__ }}'"}, "'_'"),
    ("template-forbidden", {"path": "path: \"/{{ ¦'a' * 9 }}\""}, "only for numbers"),
    ("template-forbidden", {"payload": 'payload: {¦"{{ model }}": 1}'}, "keys are literal"),
    ("template-forbidden", {"headers": 'headers: {¦"x-{{ model }}": a}'}, "literal"),
    ("template-forbidden", {"auth": KEY.replace("bearer", "header, name: x, prefix: '¦{{ model }}'")}, "literal"),
    ("unknown-filter", {"path": "path: /{{ model|¦lenght }}"}, "did you mean 'length'?"),
    ("unknown-test", {"path": "path: /{{ model is ¦defind }}"}, "did you mean 'defined'?"),
    ("template-type", {"headers": 'headers: {a: "{{ ¦messages }}"}'}, "tojson"),
    ("template-type", {"payload": 'payload: {a: "x {{ ¦messages }}"}'}, "text is due"),
    ("template-type", {"encoding": "encoding: form", "payload": 'payload: {a: "{{ ¦messages }}"}'}, "text is due"),
    ("template-type", {"query": 'query: {a: "{{ ¦[1] }}"}'}, "text is due"),
    ("template-too-big", {"path": 'path: ¦"' + "x" * 65_537 + '{{ model }}"'}, "65536"),
    ("template-too-big", {"path": "path: '/{{ model" + "|tojson" * 4 + " }}'"}, "too large"),
    ("payload-as-text", {"payload": 'payload: ¦\'{"m": "{{ model }}"}\''}, "tree"),
    ("payload-as-text", {"payload": 'payload: ¦\'[{"m": {"a": "{{ model }}"}}]\''}, "tree"),
    ("wrong-type", {"payload": "payload: {a: {$when: ¦true}}"}, "expression"),
    ("unknown-key", {"payload": "payload: {a: {¦$wen: heat}}"}, "did you mean '$when'?"),
    ("reserved-name", {"params": "params: {¦model: {type: string}, heat: {type: number, default: 1}}"}, "another"),
    ("reserved-name", {"params": "params: {¦now: {type: string}, heat: {type: number, default: 1}}"}, "another"),
    ("reserved-name", {"params": "params: {¦self: {type: string}, heat: {type: number, default: 1}}"}, "another"),
    ("reserved-name", {"params": "params: {¦settings: {type: string}, heat: {type: number, default: 1}}"}, "another"),
    ("reserved-name", {"settings": "settings: {¦none: {default: a}}"}, "another"),
    ("conflict", {"settings": "settings: {heat: {default: a}}", "params": "params:\n  ¦heat: {type: number}"}, "both"),
]

TRUST = [
    ("inline-secret", {"headers": "headers: {authorization: Bearer ¦sk-abcdefghijklmnopqrst}"}, "sk-a***"),
    ("inline-secret", {"query": "query: {key: ¦AIzaSyA-1234567890abcdefghijklmnopqrs}"}, "AIza***"),
    ("inline-secret", {"payload": "payload: {password: ¦eyJhbGciOiJI.eyJzdWIiOiIx.c2ln}"}, "eyJh***"),
    ("inline-secret", {"headers": "headers: {X-Api-Key: ¦3f9a1c7e5b2d8046ac91}"}, "3f9a***"),
    ("inline-secret", {"auth": KEY.replace("secret: api_key", "secret: ¦sk-abcdefghijklmnopqrst")}, "revoke it"),
    ("inline-secret", {"params": "params: {heat: {type: string, default: ¦sk-abcdefghijklmnopqrst}}"}, "secrets"),
    ("env-not-allowed", {"secrets": "secrets: {k: {env: [A, ¦AWS_SECRET_ACCESS_KEY]}}"}, "AWS"),
    ("env-not-allowed", {"secrets": "secrets: {k: {env: [¦HOME]}}"}, "HOME"),
    ("env-not-allowed", {"settings": "settings: {s: {env: ¦Path}}"}, "Path"),
    ("secret-not-allowed-here", {"headers": 'headers: {a: "{{ ¦secrets.api_key }}"}'}, "auth"),
    ("secret-not-allowed-here", {"auth": KEY, "headers": 'headers: {a: "Bearer {{ ¦api_key }}"}'}, "auth"),
    ("secret-not-allowed-here", {"auth": KEY, "payload": 'payload: {a: "{{ ¦api_key }}"}'}, "auth"),
    ("insecure-url", {"url": "url: ¦http://api.acme.com", "auth": KEY}, "https://"),
    (
        "private-host",
        {"url": 'url: "{{ b }}"', "settings": "settings: {b: {default: ¦http://169.254.169.254}}"},
        "host",
    ),
    (
        "bad-scheme",
        {"url": 'url: "{{ b }}"', "settings": "settings: {b: {enum: [https://a.com, ¦ftp://b.com]}}"},
        "ftp",
    ),
    ("bad-scheme", {"url": "url: ¦ftp://api.acme.com"}, "ftp"),
    ("bad-scheme", {"url": "url: ¦file:///etc/passwd"}, "https://"),
    ("bad-scheme", {"url": "url: ¦gopher://x"}, "https://"),
    ("bad-scheme", {"url": "url: ¦data:text/plain,hi"}, "https://"),
    ("bad-scheme", {"url": "url: ¦unix:/run/docker.sock"}, "https://"),
    ("bad-scheme", {"url": "url: ¦api.acme.com"}, "https://"),
    ("bad-url", {"url": "url: ¦https://"}, "no host"),
    ("bad-url", {"url": "url: ¦https://api.acme.com:http"}, "cannot be read"),
    ("bad-url", {"url": "url: ¦https://api.acme.com/v1?key=1"}, "`query`"),
    ("bad-url", {"url": 'url: ¦"https://api.acme.com/#x"'}, "`query`"),
    ("bad-url", {"url": "url: ¦https://api.acme.com/a b"}, "percent-encoded"),
    ("bad-url", {"url": "url: ¦https://api%2eacme.com"}, "host"),
    ("bad-url", {"path": "path: /chat¦?a=b"}, "`query`"),
    ("bad-url", {"path": "path: /{{ model }}/¦../x"}, "segment"),
    ("userinfo", {"url": "url: ¦https://user:pw@api.acme.com"}, "secrets"),
    ("dynamic-host", {"url": 'url: "https://{{ ¦model }}.acme.com"'}, "only settings"),
    ("dynamic-host", {"url": 'url: "https://{{ ¦heat }}"'}, "only settings"),
    ("forbidden-header", {"headers": "headers: {¦Host: a}"}, "remove it"),
    ("forbidden-header", {"headers": "headers: {¦content-length: 5}"}, "engine"),
    ("forbidden-header", {"headers": "headers: {¦Transfer-Encoding: chunked}"}, "engine"),
    ("forbidden-header", {"headers": "headers: {¦connection: close}"}, "engine"),
    ("forbidden-header", {"auth": KEY.replace("bearer", "header, name: ¦Host")}, "engine"),
    ("bad-header-value", {"headers": 'headers: {a: "b¦\\r\\nx: y"}'}, "one line"),
    ("bad-header-value", {"headers": 'headers: {a: "b¦\\0"}'}, "one line"),
    ("bad-header-value", {"headers": 'headers: {a: "b¦\\x7f"}'}, "one line"),
    ("bad-header-value", {"headers": "headers: {a: caf¦é}"}, "ASCII"),
    ("bad-header-value", {"auth": KEY.replace("bearer", 'header, name: x, prefix: "a¦\\n"')}, "one line"),
    ("duplicate-header", {"headers": "headers: {Accept: a, ¦accept: b}"}, "'Accept'"),
    ("conflict", {"encoding": "encoding: multipart", "headers": "headers: {¦content-type: a}"}, "boundary"),
]

PARTS = [
    ("wrong-type", {"params": params("type: integer, default: ¦a")}, "the type is integer"),
    ("wrong-type", {"params": params("type: string, enum: [a, ¦1]")}, "quotes"),
    ("wrong-type", {"params": params("type: integer, min: ¦0.5")}, "whole number"),
    ("wrong-type", {"settings": "settings: {s: {type: integer, default: ¦a}}"}, "the type is integer"),
    ("not-in-enum", {"params": params("type: string, default: ¦hihg, enum: [low, high]")}, "did you mean 'high'?"),
    ("not-in-enum", {"settings": "settings: {s: {default: ¦eu, enum: [us]}}"}, "enum"),
    ("out-of-range", {"params": params("type: number, min: ¦2, max: 1")}, "swap"),
    ("out-of-range", {"params": params("type: number, default: ¦3, max: 2")}, "beyond"),
    ("conflict", {"params": params("type: string, ¦min: 2")}, "numbers"),
    ("conflict", {"params": params("type: [string, array], ¦max: 2")}, "string or array"),
    ("not-in-enum", {"params": params("type: [string, ¦numbr]")}, "'number'"),
    ("empty-value", {"params": params("type: ¦[]")}, "empty"),
    ("wrong-type", {"params": params("type: [string, array], default: ¦1")}, "string or array"),
    ("wrong-type", {"params": params("type: [integer, number], values: {¦low: 1}")}, "may give"),
    ("wrong-type", {"params": params("type: boolean, values: {¦'yes': 1}")}, "may give"),
    ("not-in-enum", {"params": params("type: string, enum: [low], values: {¦lwo: 1}")}, "did you mean 'low'?"),
    ("conflict", {"params": params("type: number, maps_to: ¦model")}, "the payload says model itself"),
    ("conflict", {"params": params("type: number, maps_to: ¦a.b.c"), "payload": "payload: {a: {b: 1}}"}, "says a.b "),
    ("reserved-name", {"params": "params: {heat: {type: number, default: 1}, ¦extra_body: {type: object}}"}, "already"),
    ("reserved-name", {"params": "params: {heat: {type: number, default: 1}, ¦strict: {type: boolean}}"}, "already"),
    ("conflict", {"models": "models: {default: ¦lage, allow: [large]}"}, "did you mean 'large'?"),
    ("conflict", {"models": "models: {allow: [large], aliases: {l: ¦larg}}"}, "did you mean 'large'?"),
    ("conflict", {"payload": 'payload: ["{{ messages }}"]', "unknown_params": "unknown_params: ¦forward"}, "map"),
    ("conflict", {"payload": "payload: [1]", "params": params("type: number, maps_to: ¦a")}, "map"),
    ("wrong-type", {"encoding": "encoding: form", "payload": "payload: ¦[1]"}, "map"),
    ("wrong-type", {"encoding": "encoding: form", "payload": "payload: {a: ¦null}"}, "null"),
    ("wrong-type", {"encoding": "encoding: text", "payload": "payload: ¦{a: 1}"}, "text"),
    ("undefined-reference", {"auth": KEY.replace("secret: api_key", "secret: ¦apikey")}, "did you mean 'api_key'?"),
    ("bad-path", {"response": response('{text: "¦a[0].b"}')}, "brackets"),
    ("bad-path", {"response": response("{text: a.¦.b}")}, "empty segments"),
    ("bad-path", {"response": response("{text: a.¦*}")}, "`for`"),
    ("path-too-costly", {"response": response("{text: ¦$..*}")}, "search everything"),
    ("bad-regex", {"errors": "errors: [{body: {path: a, regex: 'x¦('}, kind: auth}]"}, "cannot be read"),
    ("regex-unsafe", {"errors": "errors: [{body: {path: a, regex: ¦'(a+)+$'}, kind: auth}]"}, "quantifier"),
    ("regex-unsafe", {"errors": "errors: [{body: {path: a, regex: ¦.*x.*y}, kind: auth}]"}, "quantifier"),
    ("no-text-rule", {"response": response("{finish: a}").replace("response", "¦response")}, "add rules"),
    ("no-text-rule", {"response": "¦response: {codec: json}"}, "add rules"),
    ("no-end-rule", {"response": "¦response: {codec: sse, rules: [{text: a}]}"}, "end:"),
    ("no-end-rule", {"response": "response: {¦stream: {codec: sse, rules: [{text: a}]}}"}, "end:"),
    ("no-end-rule", {"response": response("{text: a}", end="¦finish")}, "finish: PATH"),
    ("dead-rule", {"response": response("{text: a}\n    - ¦{when: {a: b}}")}, "reads nothing"),
    ("no-slot", {"response": response("{¦when: {slot: a}, slot: {key: b}, text: a}")}, "rule that has one"),
    ("no-slot", {"response": response("{rules: [{text: a}, {¦when: {b: 1, slot: a}, text: a}]}")}, "has one"),
    ("no-slot", {"response": response("{text: a}", end="{slot: a}").replace("end", "¦end")}, "stands in no rule"),
    ("no-slot", {"errors": "errors: [{¦frame: {slot: a}, kind: auth}]"}, "stands in no rule"),
    (
        "missing-key",
        {"response": response("{text: a, ¦tool_call: {id: a, mode: patch, path: b, value: c}}")},
        "`patches`",
    ),
    ("missing-key", {"response": response("{text: a, ¦tool_call: {mode: patch, patches: a, path: b}}")}, "`value`"),
    ("conflict", {"response": response("{text: a, tool_call: {id: a, ¦patches: b}}")}, "mode: patch"),
    ("missing-key", {"response": response("{text: a, carry: {x: ¦{path: a, append: [text]}}}")}, "by: index"),
    ("bad-path", {"response": response("{text: a, carry: {x: a.¦*}}")}, "`for`"),
    (
        "bad-path",
        {"response": response("{text: a, error: {path: a, code: '¦a[0]'}}")},
        "brackets",
    ),
    ("bad-name", {"response": response("{text: a, carry: {¦a-b: a}}")}, "names match"),
    ("not-in-enum", {"response": response("{text: a, end: ¦false}")}, "true"),
    ("not-in-enum", {"response": response("{text: {path: a, mode: ¦finall}}")}, "did you mean 'final'?"),
    ("text-codec", {"response": response("{text: $}", codec="text", end="¦'[DONE]'")}, "write end: body"),
    ("text-codec", {"response": response("¦{text: a}", codec="text", end="body")}, "{text: $}"),
    ("text-codec", {"response": response("¦{text: {path: $, mode: cumulative}}", codec="text", end="body")}, "frames"),
    ("text-codec", {"response": response("¦{when: {a: 1}, text: $}", codec="text", end="body")}, "frames"),
    ("text-codec", {"response": "response: {codec: text, unwrap: ¦[json]}"}, "remove it"),
    ("bad-value", {"response": "response: {codec: text, think: {open: ¦' ', close: x}}"}, "white space"),
    ("bad-value", {"response": 'response: {codec: text, think: {open: x, close: ¦"\\n"}}'}, "white space"),
    ("ambiguous-rule", {"errors": "errors: [¦{kind: auth, message: a}]"}, "every answer"),
    ("ambiguous-rule", {"errors": "errors:\n  - {status: 400, kind: auth}\n  - ¦{status: 400, kind: quota}"}, "line"),
    ("duplicate-example", {"x": "", "examples": text_of().partition("examples:")[2].replace("busy", "¦answer")}, "two"),
    ("unknown-param", {"examples": text_of().partition("examples:")[2].replace("hi}", "hi, ¦haet: 1}", 1)}, "'heat'?"),
    (
        "unknown-setting",
        {"examples": text_of().partition("examples:")[2].replace("hi}", "hi, settings: {¦a: 1}}", 1)},
        "a",
    ),
    (
        "bad-value",
        {"examples": text_of().partition("examples:")[2].replace("text: Hello", "base64: ¦abc", 1)},
        "base64",
    ),
    ("conflict", {"examples": text_of().partition("examples:")[2].replace("Hello}", "a, ¦json: 1}", 1)}, "keep one"),
    ("not-in-enum", {"examples": text_of().partition("examples:")[2].replace("unavail", "¦unavial", 1)}, "unavailable"),
    (
        "missing-example",
        {"examples": "¦examples: [{name: a, call: {messages: a}, reply: {}, expect: {text: a}}]"},
        "an error",
    ),
]


def way(auth: str) -> dict[str, str]:
    return {"secrets": "secrets: {k: {env: [ACME_KEY]}}", "auth": f"auth: {auth}"}


JWT = "{type: jwt, algorithm: HS256, key: k, claims: {iss: %s}}"
AWS = '{type: aws_sigv4, service: bedrock, region: "%s", access_key: k, secret_key: k}'

AUTH = [
    (
        "missing-key",
        way("{type: header, name: a}") | {"auth": "¦auth: {type: header, name: a}"},
        "secret: NAME, or value",
    ),
    ("conflict", way('{type: header, name: a, secret: k, ¦value: "{{ secrets.k }}"}'), "'secret' and 'value'"),
    ("conflict", way('{type: header, name: a, value: "{{ secrets.k }}", ¦prefix: b}'), "'value' and 'prefix'"),
    ("forbidden-header", way('{type: header, name: ¦Host, value: "{{ secrets.k }}"}'), "'Host'"),
    ("forbidden-header", way("{type: jwt, algorithm: HS256, key: k, send: {header: ¦expect}}"), "'expect'"),
    ("bad-header-value", way("{type: jwt, algorithm: HS256, key: k, send: {prefix: ¦Ключ}}"), "ASCII"),
    ("bad-header-value", way('{type: header, name: a, value: "¦ключ {{ secrets.k }}"}'), "ASCII"),
    ("undefined-reference", way('{type: header, name: a, value: "{{ ¦secrets.key }}"}'), "'secrets.key'"),
    ("undefined-reference", way("{type: jwt, algorithm: HS256, key: ¦key}"), "declare it"),
    ("undefined-reference", way(AWS.replace("secret_key: k", "secret_key: ¦key") % "eu"), "'key'"),
    ("undefined-reference", way(AWS[:-1] % "eu" + ", session_token: ¦t}"), "'t'"),
    ("template-forbidden", way('{type: header, name: a, value: "{{ ¦secrets | tojson }}"}'), "secrets.NAME"),
    ("template-forbidden", way("{type: header, name: a, value: \"{{ ¦secrets['k'] }}\"}"), "secrets.NAME"),
    ("template-forbidden", way('{type: bearer, secret: "¦{{ k }}"}'), "no template is needed"),
    ("template-forbidden", way('{type: body, secret: k, key: "¦{{ k }}"}'), "no template is needed"),
    ("undefined-variable", way('{type: header, name: a, value: "{{ ¦k }}"}'), "write secrets.k"),
    ("undefined-variable", way('{type: header, name: a, value: "{{ ¦heat }}"}'), "'heat'"),
    ("undefined-variable", way(JWT % '"{{ ¦messages }}"'), "'messages'"),
    ("undefined-variable", way(JWT % "{$when: ¦model is defined}"), "'model'"),
    ("undefined-reference", way(JWT % "{$when: ¦secrets.key == 'a'}"), "'secrets.key'"),
    ("unknown-filter", way('{type: header, name: a, value: "{{ body | ¦hmac_sha1(secrets.k) }}"}'), "hmac_sha256"),
    ("template-type", way('{type: header, name: a, value: "{{ body | ¦hmac_sha256 }}"}'), "1 arguments"),
    ("secret-not-allowed-here", way(AWS % "{{ ¦secrets.k }}"), "auth"),
    ("not-in-enum", way("{type: jwt, algorithm: ¦none, key: k}"), "HS256"),
    ("not-in-enum", way("{type: ¦sigv4, secret: k}"), "aws_sigv4"),
    ("unknown-key", way("{type: jwt, algorithm: HS256, key: k, ¦prefix: x}"), "`auth`"),
    ("bad-path", way("{type: body, key: a.¦.b, secret: k}"), "no path"),
    ("conflict", way("{type: body, key: ¦a, secret: k}") | {"payload": 'payload: ["{{ heat }}"]'}, "a map"),
    (
        "conflict",
        way("{type: body, key: ¦a, secret: k}") | {"payload": "payload: '{{ heat }}'", "encoding": "encoding: text"},
        "a map",
    ),
    (
        "conflict",
        way('{type: header, name: a, value: "{{ secrets.k }}"}') | {"settings": "settings: {¦body: {default: a}}"},
        "rename",
    ),
]


@pytest.mark.parametrize(("rule", "parts", "word"), [*SCHEMA, *TEMPLATES, *TRUST, *PARTS, *AUTH])
def test_a_bad_file_is_refused_at_its_place(rule: str, parts: dict[str, str], word: str) -> None:
    parts = {
        key: f"examples:{text}" if key == "examples" and "examples" not in text else text for key, text in parts.items()
    }
    marked = text_of(**parts)
    text, place = place_of(marked) if "¦" in marked else (marked, None)
    found = [problem for problem in problems(text) if problem.rule == rule]
    assert found, problems(text)
    assert place in (None, (found[0].line, found[0].column))
    assert word in f"{found[0].message} {found[0].hint}"


PRIVATE = [
    *("169.254.169.254", "metadata.google.internal", "metadata.google.internal.", "METADATA", "2130706433", "0x7f.1"),
    *("0x7f000001", "0177.0.0.1", "127.1", "localhost.", "a.localhost", "10.0.0.1.nip.io", "127.0.0.1.sslip.io"),
    *("localtest.me", "10.1.2.3", "192.168.0.1", "172.16.0.1", "100.64.0.1", "0.0.0.0", "0", "224.0.0.1"),
    *("[::]", "[::ffff:169.254.169.254]", "[::ffff:127.0.0.1]", "[fe80::1]", "[fc00::1]", "[64:ff9b::a9fe:a9fe]"),
    *("[2002:a9fe:a9fe::1]", "[::a9fe:a9fe]", "１６９.254.169.254", "169。254。169。254", "127.0.0.1."),
]


@pytest.mark.parametrize("host", PRIVATE)
def test_a_private_host_is_refused(host: str) -> None:
    text, place = place_of(text_of(url=f'url: ¦"https://{host}:8443/v1"'))
    assert [(p.rule, p.line, p.column) for p in problems(text)] == [("private-host", *place)]


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.1", "[::1]", "1.1.1.1", "a_b.example", "x1"]
)
def test_loopback_and_public_hosts_are_allowed(host: str) -> None:
    assert problems(text_of(url=f'url: "http://{host}:8080"')) == []


def test_loopback_takes_secrets_over_http() -> None:
    assert problems(text_of(url="url: http://127.0.0.1:8080", auth=KEY)) == []


GOOD = [
    {"url": 'url: "{{ base }}"', "settings": "settings: {base: {env: ACME_URL}}"},
    {"url": 'url: "https://{{ r }}.a.com:{{ p }}/v1"', "settings": "settings: {r: {default: eu}, p: {type: integer}}"},
    {"params": "params: {heat: {type: number, default: null}}"},
    {"params": params("type: array, optional: true")},
    {"models": "models: {default: s, allow: [small], aliases: {s: small}}"},
    {"payload": "payload: {a: {$when: heat is defined, b: '{{ heat }}'}, c: null, d: [1, 2.5, true]}"},
    {"payload": "payload: {a: {$when: '{{ heat }}'}}"},
    {"payload": "payload: {a: '{b: {c: 1}} is balanced', b: '{\"literal\": \"json\"}', c: '{{ \"}}\" }}'}"},
    {"payload": ""},
    {"payload": "payload: '{{ messages|last }}'"},
    {"encoding": "encoding: form", "payload": "payload: {m: '{{ messages|tojson }}', n: 5}"},
    {"encoding": "encoding: text", "payload": "payload: 'Q: {{ messages[0].content }}'"},
    {"response": response("{text: [a.0, b], when: {event: x, a.b: {in: [1, null]}}}")},
    {"response": "response: {stream: {codec: sse, end: finish, rules: [{text: a, finish: b}]}, "
     "whole: {codec: json, rules: [{for: a.*, rules: [{text: b}]}]}}"},
    {"auth": "secrets: {a: {env: [A]}, b: {env: [B]}}\nauth: [{type: basic, user: a, password: b}, {type: none}]"},
    {"headers": "headers: {x-key: anonymous, authorization: Basic YTpi, n: 5, x-trace: '{{ uuid4() }}'}"},
    {"path": "path: /v1/{{ model|path_segments }}/a.b/...x"},
    {"x": "x-anything: {a: [1, {b: null}]}"},
    {"errors": "errors: [{status: [4xx, 500], header: {x: {regex: '^a'}}, kind: auth}, {frame: error, kind: quota}]"},
]  # fmt: skip


@pytest.mark.parametrize("parts", GOOD)
def test_a_good_file_has_no_problem(parts: dict[str, str]) -> None:
    # Some replace the payload, and leave the param of the good file without a reader.
    assert [problem for problem in problems(text_of(**parts)) if problem.rule != "unused-param"] == []


def test_a_secret_is_shown_in_no_problem() -> None:
    key = "sk-proj-abcdefghijklmnop0123456789"
    text = text_of(
        title=f"title: [{key}]",
        method=f"method: {key}",
        headers=f"headers: {{a: {key}}}",
        auth=f"secrets: {{k: {{env: [{key}]}}}}\nauth: {{type: bearer, secret: {key}}}",
        x=f"{key}: 1",
    )
    found = problems(text)
    assert len(found) >= 6
    assert "proj-abc" not in "\n".join(map(repr, found))


def test_protected_variables_are_for_shipped_files_alone(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "acme.yaml"
    path.write_text(text_of(auth=KEY.replace("ACME_KEY", "AWS_SECRET_ACCESS_KEY")))
    assert [problem.rule for problem in problems_of(path)] == ["env-not-allowed"]
    assert problems_of(path, shipped=True) == []


def test_a_warning_does_not_refuse_a_file() -> None:
    text = text_of(examples="examples: [{name: a, call: {messages: a}, reply: {text: a}, expect: {text: a}}]")
    (problem,) = problems(text)
    assert (problem.rule, problem.severity) == ("missing-example", "warning")
    assert load_text(text).name == "acme"
    with pytest.raises(SpecError) as caught:
        load_text(text.replace("spec_version: 1", "spec_version: 1\nulr: x"))
    assert len(caught.value.problems) == 2


def test_text_without_a_file_may_have_any_name() -> None:
    assert problems_of_text(text_of(name="name: other").encode(), "<stdin>") == []


@pytest.mark.parametrize(("number", "rule"), [(".inf", "not-finite"), ("9" * 500, "number-too-long")])
def test_a_number_that_cannot_be_is_said_once(number: str, rule: str) -> None:
    assert [problem.rule for problem in problems(text_of(timeout=f"timeout: {{idle: {number}}}"))] == [rule]


def test_a_missing_key_says_what_to_add() -> None:
    found = problems(text_of(auth="secrets: {k: {env: [K]}}\nauth: {type: header, secret: k}"))
    assert [problem.hint for problem in found] == ["add it: the header's name"]


def test_a_param_that_nothing_reads_is_warned_of() -> None:
    text, place = place_of(text_of(params=params("type: number").replace("  p:", "  ¦p:")))
    (found,) = problems(text)
    assert (found.rule, found.severity, (found.line, found.column)) == ("unused-param", "warning", place)
    assert "nothing reads the param 'p'" in found.message
    assert "unset params.p" in found.hint


@pytest.mark.parametrize(
    "parts",
    [
        {"params": params("type: number, maps_to: p")},
        {"params": params("type: number"), "headers": 'headers: {x-p: "{{ p }}"}'},
        {"params": params("type: number"), "query": 'query: {p: "{{ p }}"}'},
        {"params": params("type: number"), "path": 'path: "/{{ p }}"'},
        {"params": params("type: number"), "payload": 'payload: {$when: p > 1, heat: "{{ heat }}"}'},
    ],
)
def test_a_param_that_something_reads_is_not(parts: dict[str, str]) -> None:
    assert problems(text_of(**parts)) == []


def test_a_place_that_a_template_fills_may_hold_a_map() -> None:
    parts = {"params": params("type: number, maps_to: a.b"), "payload": 'payload: {a: "{{ heat }}"}'}
    assert problems(text_of(**parts)) == []


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("{path: a, exists: true}", "{path: b, in: [x, y]}"),
        ("{path: [a, b], equals: x}", "{path: [c, d], equals: y}"),
        ("{path: a, equals: x}", "{path: b, equals: y}"),
    ],
)
def test_conditions_on_different_paths_do_not_deny_each_other(outer: str, inner: str) -> None:
    rules = f"[{{when: {outer}, text: t, rules: [{{when: {inner}, finish: f}}]}}]"
    assert problems(text_of(response=f"response: {{codec: sse, rules: {rules}, end: body}}")) == []


@pytest.mark.parametrize("codec", ["[sse]", "{sse: 1}", "1", ""])
def test_a_codec_that_is_no_text_is_refused(codec: str) -> None:
    for place, response in (
        ("response.codec", f"{{codec: {codec}}}"),
        ("response.whole.codec", f"{{whole: {{codec: {codec}}}}}"),
    ):
        assert place in [problem.path for problem in problems(text_of(response=f"response: {response}"))]
    others = f"response: {{stream: {{codec: json_array, other_codecs: [{codec}], rules: [{{text: a}}], end: body}}}}"
    paths = [problem.path for problem in problems(text_of(response=others))]
    assert paths
    assert all(path.startswith("response.stream.other_codecs") for path in paths)


@pytest.mark.parametrize("model", ["[a]", "{a: b}", ""])
def test_a_default_model_that_is_no_text_is_refused(model: str) -> None:
    models = f"models: {{default: {model}, allow: [a], aliases: {{b: a}}}}"
    assert [problem.path for problem in problems(text_of(models=models))] == ["models.default"]
