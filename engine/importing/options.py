"""Options of curl that say nothing about the request, and the letters of those that have one.

https://curl.se/docs/manpage.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

IGNORED_FLAGS: Final = (
    *("compressed", "silent", "show-error", "no-buffer", "location", "include", "verbose", "http2", "http1.1"),
    *("http1.0", "http3", "http2-prior-knowledge", "fail", "fail-with-body", "ipv4", "ipv6", "globoff"),
    *("no-keepalive", "progress-bar", "no-progress-meter", "tlsv1.2", "tlsv1.3", "raw", "remote-name"),
    *("location-trusted", "path-as-is", "basic", "anyauth", "disable", "tcp-nodelay", "no-sessionid", "append"),
    *("use-ascii", "junk-session-cookies", "list-only", "netrc", "proxytunnel", "remote-time", "parallel"),
    *("ssl-no-revoke", "no-alpn", "trace-time", "styled-output", "remote-header-name", "create-dirs"),
)
"""Options without a value: how curl connects, and what it shows."""

IGNORED_VALUES: Final = (
    *("max-time", "connect-timeout", "output", "retry", "retry-delay", "retry-max-time", "write-out"),
    *("cookie-jar", "dump-header", "limit-rate", "resolve", "connect-to", "interface", "keepalive-time"),
    *("trace", "trace-ascii", "stderr", "max-redirs", "ciphers", "speed-limit", "speed-time", "noproxy"),
    *("time-cond", "continue-at", "ftp-port", "quote", "telnet-option", "output-dir", "unix-socket"),
    *("expect100-timeout", "dns-servers", "range", "etag-save", "tls-max"),
)
"""Options with a value: deadlines, files, addresses."""

LETTERS: Final[Mapping[str, str]] = {
    "#": "progress-bar",
    "0": "http1.0",
    "1": "tlsv1.2",
    "4": "ipv4",
    "6": "ipv6",
    "A": "user-agent",
    "a": "append",
    "B": "use-ascii",
    "b": "cookie",
    "C": "continue-at",
    "c": "cookie-jar",
    "D": "dump-header",
    "d": "data",
    "E": "cert",
    "e": "referer",
    "F": "form",
    "f": "fail",
    "G": "get",
    "g": "globoff",
    "H": "header",
    "I": "head",
    "i": "include",
    "J": "remote-header-name",
    "j": "junk-session-cookies",
    "k": "insecure",
    "L": "location",
    "l": "list-only",
    "m": "max-time",
    "N": "no-buffer",
    "n": "netrc",
    "O": "remote-name",
    "o": "output",
    "P": "ftp-port",
    "p": "proxytunnel",
    "Q": "quote",
    "q": "disable",
    "R": "remote-time",
    "r": "range",
    "S": "show-error",
    "s": "silent",
    "t": "telnet-option",
    "U": "proxy-user",
    "u": "user",
    "v": "verbose",
    "w": "write-out",
    "X": "request",
    "x": "proxy",
    "Y": "speed-limit",
    "y": "speed-time",
    "Z": "parallel",
    "z": "time-cond",
}
"""The short form of each option."""
