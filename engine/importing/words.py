"""A command line as it was copied -> its words. POSIX shells with `$'..'`, and the `^` of the Windows command prompt.

Nothing is run or looked up: a variable stays as it is spelt, and what follows the command (a pipe, a redirection) is
left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..errors import UsageError

_SIMPLE_ESCAPES = dict(zip("abeEfnrtv\\'\"?", "\a\b\x1b\x1b\f\n\r\t\v\\'\"?", strict=True))
# https://www.gnu.org/software/bash/manual/html_node/ANSI_002dC-Quoting.html
_ESCAPE = re.compile(
    r"\\(?:x(?P<byte>[0-9A-Fa-f]{1,2})|u(?P<short>[0-9A-Fa-f]{1,4})|U(?P<long>[0-9A-Fa-f]{1,8})"
    r"|(?P<octal>[0-7]{1,3})|c(?P<control>.)|(?P<simple>[abeEfnrtv\\'\"?]))",
    re.DOTALL,
)
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_BLANK = " \t\r\n"
_BETWEEN = re.compile(r"[ \t\r\n]+|[\\`]\r?\n|#[^\n]*")
"""What stands between words; PowerShell continues a line with a backtick."""
_CONTINUED = re.compile(r"`\r?\n")
_ENDS = frozenset("|;&<>()")
"""What ends a command, unless it is quoted."""


def split(text: str) -> list[str]:
    """The words of a command. Raises UsageError for a quote that is not closed.

    >>> split(r'''curl -H 'a: b' "x y" $'\\u0041'"'" \\
    ...   --next | jq .''')
    ['curl', '-H', 'a: b', 'x y', "A'", '--next']
    """
    if _is_prompt(text):
        return list(_arguments(_without_carets(text)))
    return list(_Shell(text).words())


def _is_prompt(text: str) -> bool:
    """Whether it is for the command prompt: a caret before a quote or a line end, and no word in '..' before."""
    caret = re.search(r'(?:^|\s)\^"|\s\^\r?\n', text)
    return caret is not None and re.search(r"\s\$?'", text[: caret.start()]) is None


class _Shell:
    """One command line, read from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def words(self) -> Iterator[str]:
        while self._skip_blanks():
            if self._text[self._at] in _ENDS:
                return
            yield self._word()

    def _skip_blanks(self) -> bool:
        """Go to the next word; whether there is one."""
        while self._at < len(self._text):
            blank = _BETWEEN.match(self._text, self._at)
            if blank is None:
                return True
            self._at = blank.end()
        return False

    def _word(self) -> str:
        pieces: list[str] = []
        is_url = False
        while self._at < len(self._text) and self._text[self._at] not in _BLANK:
            char = self._text[self._at]
            if char in _ENDS and not (char == "&" and is_url and self._goes_on()):
                break
            if char == "`" and _CONTINUED.match(self._text, self._at):
                break
            pieces.append(self._piece(char))
            is_url = is_url or "?" in pieces[-1]
        return "".join(pieces)

    def _goes_on(self) -> bool:
        """Whether an `&` in a URL that was pasted without quotes belongs to it: a shell would have cut it there."""
        return self._text[self._at + 1 : self._at + 2] not in ("", "&", *_BLANK)

    def _piece(self, char: str) -> str:
        """The next stretch of a word that is quoted in one way."""
        if char == "'":
            return self._until("'", self._at + 1)
        if char == '"':
            return self._double(self._at + 1)
        if self._text.startswith("$'", self._at):
            return self._ansi(self._at + 2)
        if self._text.startswith('$"', self._at):
            return self._double(self._at + 2)
        if char == "\\":
            following = re.compile(r"\\(\r?\n|.)?", re.DOTALL).match(self._text, self._at)
            assert following is not None
            self._at = following.end()
            return "" if following[1] is None or following[1].endswith("\n") else following[1]
        self._at += 1
        return char

    def _until(self, quote: str, begin: int) -> str:
        end = self._text.find(quote, begin)
        if end < 0:
            raise _unclosed(quote)
        self._at = end + 1
        return self._text[begin:end]

    def _double(self, begin: int) -> str:
        match = re.compile(r'((?:[^"\\]|\\.)*)"', re.DOTALL).match(self._text, begin)
        if match is None:
            raise _unclosed('"')
        self._at = match.end()
        # Only these five are escaped by a backslash there: POSIX, 2.2.3.
        return re.sub(r'\\(?:([$`"\\])|\r?\n)', lambda found: found[1] or "", match[1])

    def _ansi(self, begin: int) -> str:
        match = re.compile(r"((?:[^'\\]|\\.)*)'", re.DOTALL).match(self._text, begin)
        if match is None:
            raise _unclosed("$'")
        self._at = match.end()
        return _unescaped(match[1])


def _unclosed(quote: str) -> UsageError:
    return UsageError(
        f"the command has a quote ({quote}) that is not closed; copy all of it, or pass it by --from-curl -"
    )


def _unescaped(text: str) -> str:
    """What `$'..'` says. Bytes that are written one by one are UTF-8, and halves of a character are joined."""
    pieces: list[str] = []
    at = 0
    for match in _ESCAPE.finditer(text):
        pieces += (text[at : match.start()], _escape(match))
        at = match.end()
    joined = "".join([*pieces, text[at:]])
    joined = _SURROGATES.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), joined)
    return re.sub("[\udc80-\udcff]+", lambda run: _from_bytes(run[0]), joined)


def _escape(match: re.Match[str]) -> str:
    for name, base in (("byte", 16), ("octal", 8)):
        if match[name]:
            value = int(match[name], base) & 0xFF
            return chr(value) if value < 0x80 else chr(0xDC00 + value)
    for name in ("short", "long"):
        if match[name]:
            value = int(match[name], 16)
            return chr(value) if value <= 0x10FFFF else "\ufffd"
    return chr(ord(match["control"]) & 0x1F) if match["control"] else _SIMPLE_ESCAPES[match["simple"]]


def _from_bytes(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _without_carets(text: str) -> str:
    """What the command prompt hands on: outside of quotes a caret makes the next character plain.

    >>> _without_carets('curl ^"a^%20b^" -d "x^y"')
    'curl "a%20b" -d "x^y"'
    """
    pieces: list[str] = []
    is_quoted = False
    at = 0
    while at < len(text):
        char = text[at]
        if char == "^" and not is_quoted:
            end = re.compile(r"\^(?:\r?\n)?").match(text, at)
            assert end is not None
            at = end.end()
            pieces.append(text[at : at + 1])
        else:
            is_quoted ^= char == '"'
            pieces.append(char)
        at += 1
    return "".join(pieces)


def _arguments(line: str) -> Iterator[str]:
    """Words as a Windows program reads them: https://learn.microsoft.com/cpp/c-language/parsing-c-command-line-arguments"""
    word: list[str] = []
    is_quoted = is_begun = False
    at = 0
    while at < len(line):
        if slashes := re.compile(r'(\\+)(?=")').match(line, at):
            count = len(slashes[1])
            word.append("\\" * (count // 2) + ('"' if count % 2 else ""))
            at, is_begun = slashes.end() + count % 2, True
        elif line.startswith('""', at) and is_quoted:
            word.append('"')
            at += 2
        elif line[at] == '"':
            is_quoted, is_begun, at = not is_quoted, True, at + 1
        elif line[at] in _BLANK and not is_quoted:
            if is_begun:
                yield "".join(word)
            word, is_begun, at = [], False, at + 1
        else:
            word.append(line[at])
            is_begun, at = True, at + 1
    if is_quoted:
        raise _unclosed('"')
    if is_begun:
        yield "".join(word)
