"""Which hosts a variable is bound to: those of the shipped files that use it. A stranger's file that reads the key of
a well-known service must send it there and nowhere else.

The table is made from the shipped files themselves, and only as far as it is asked for: a file is read as YAML only if
its text holds the variable, or it extends one that does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import Problems
from ..folders import SUFFIXES, builtin_folder, find_file, is_built_in, with_protocols
from ..hosts import is_loopback
from .document import Place, walk
from .inherit import inherited
from .source import Source, read_file
from .yamltext import read

SLOT = re.compile(r"(?P<port>(?<=:))?\{\{(?:[^{}]|\{(?!\{)|\}(?!\}))*\}\}")
"""A template in a URL; `port` is set where it stands for a port."""

_ONE_SETTING = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_FILLED = "\0"
"""Stands for a slot in a host: no name is spelt like it, so it fits only where the shipped host has a slot too."""
_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#]*@)?(\[[^\]]*\]|[^/?#:]*)(?::443(?![0-9])|(:[0-9\0]+))?")
_LABELS_OF_OWNER = 2
"""How many labels at the end of a host say whose it is, at most."""


def own_urls(data: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """The URLs of the main request that the file's author chose."""
    yield from urls_at(data, ("url",), data.get("url"))


def urls_at(data: Mapping[str, Any], at: Place, url: Any) -> Iterator[tuple[Place, str]]:
    """What the file's author chose for a URL, and where: of a setting that is all of it, its default and its enum."""
    if not isinstance(url, str):
        return
    whole = _ONE_SETTING.fullmatch(url)
    if not whole:
        yield at, url
        return
    settings = data.get("settings")
    setting = settings.get(whole[1]) if isinstance(settings, dict) else None
    if isinstance(setting, dict):
        for place, value in walk({key: setting.get(key) for key in ("default", "enum")}, ("settings", whole[1])):
            if isinstance(value, str):
                yield place, value


def hosts_of(data: Mapping[str, Any], *, redirected: bool = False) -> set[str]:
    """Every host that a file sends secrets to, in lower case, with a port that is not that of https, a slot as one NUL.

    `redirected` says that the caller has named another URL in the place of the file's own.
    """
    urls = [] if redirected else [url for _, url in own_urls(data)]
    for section in ("auth", "steps"):
        others = (text for place, text in walk(data.get(section)) if place[-1:] == ("url",))
        urls += [url for text in others for _, url in urls_at(data, (), text)]
    filled = (SLOT.sub(_FILLED, url) for url in urls)
    found = {match[1].lower() + _port(match) for url in filled if (match := _HOST.match(url))}
    named = data.get("hosts")
    with_auth = (
        [host for host in named if isinstance(host, dict) and host.get("auth")] if isinstance(named, list) else []
    )
    return found | {str(host.get("name")).lower().removesuffix(":443").replace("*", _FILLED) for host in with_auth}


def _port(match: re.Match[str]) -> str:
    return "" if match[2] is None or is_loopback(match[1]) else match[2]


def owners_of(url: Any) -> set[str]:
    """The words in those slots of a URL that decide whose host it is, or which of its ports: in its last two labels."""
    slots: list[str] = []

    def kept(match: re.Match[str]) -> str:
        slots.append(match[0])
        return f"\0{len(slots) - 1}\0"

    authority = SLOT.sub(kept, url if isinstance(url, str) else "").partition("://")[2].partition("/")[0]
    host, _, port = authority.partition(":")
    ends = [*host.split(".")[-_LABELS_OF_OWNER:], port]
    numbers = [int(number) for end in ends for number in re.findall("\0([0-9]+)\0", end)]
    return {word for number in numbers for word in re.findall(r"\w+", slots[number])}


def variables_of(data: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """The environment variables that a file reads, and where it says so."""
    for section in ("secrets", "settings"):
        declared = data.get(section)
        for name, one in declared.items() if isinstance(declared, dict) else ():
            if isinstance(one, dict):
                for place, variable in walk(one.get("env"), (section, name, "env")):
                    if isinstance(variable, str):
                        yield place, variable


def is_shipped(source: Source) -> bool:
    """Whether a text came with the package: it is in the built-in folder, or the same as the file of its name there.

    The second is for a checkout, a fork or a vendored copy that is examined with an installed package.
    """
    path = Path(source.file)
    if is_built_in(path):
        return True
    original = find_file(path.stem, with_protocols([builtin_folder()]))
    return original is not None and read_file(original, str(original)).text == source.text


def is_bound_elsewhere(variable: str, hosts: set[str]) -> list[str]:
    """Those of the hosts that no shipped file sends this variable to; empty where no shipped file uses it."""
    bound = _bound(variable.upper(), builtin_folder())
    return [] if bound is None else sorted(host for host in hosts if not any(one.fullmatch(host) for one in bound))


@cache
def _bound(variable: str, folder: Path) -> tuple[re.Pattern[str], ...] | None:
    """Patterns of the hosts that a variable is bound to; None where no shipped file uses it."""
    if variable not in _words(folder):
        return None
    used = False
    hosts: set[str] = set()
    for path in _candidates(variable, folder):
        data = _data(path, folder)
        if any(name.upper() == variable for _, name in variables_of(data)):
            used = True
            hosts |= hosts_of(data)
    return tuple(map(_pattern, sorted(hosts))) if used else None


def _pattern(host: str) -> re.Pattern[str]:
    return re.compile(f"[A-Za-z0-9{_FILLED}-]+".join(map(re.escape, host.split(_FILLED))))


def _candidates(variable: str, folder: Path) -> set[Path]:
    """The shipped files that hold the variable's name, and those that extend one of them."""
    texts = _texts(folder)
    word = re.compile(rf"(?<![A-Za-z0-9_]){re.escape(variable)}(?![A-Za-z0-9_])", re.IGNORECASE)
    found = {path for path, text in texts.items() if word.search(text)}
    while found:
        stems = "|".join(re.escape(path.stem) for path in found)
        child = re.compile(rf"^extends:\s*[\"']?(?:{stems})[\"']?\s*(?:#.*)?$", re.MULTILINE)
        more = {path for path, text in texts.items() if path not in found and child.search(text)}
        if not more:
            break
        found |= more
    return found


@cache
def _words(folder: Path) -> frozenset[str]:
    """Every word of the shipped files, in capitals: of most variables it says at once that none of them uses it."""
    return frozenset(word.upper() for text in _texts(folder).values() for word in re.findall(r"[A-Za-z_]\w*", text))


@cache
def _texts(folder: Path) -> dict[Path, str]:
    """The shipped files, not parsed."""
    places = [place for place in with_protocols([folder]) if place.is_dir()]
    files = [path for place in places for path in place.iterdir() if path.suffix in SUFFIXES]
    return {path: path.read_text(encoding="utf-8") for path in files}


def _data(path: Path, folder: Path) -> dict[str, Any]:
    problems = Problems()
    document = inherited(read(read_file(path, str(path)), problems), with_protocols([folder]), problems)
    return document.data if isinstance(document.data, dict) else {}
