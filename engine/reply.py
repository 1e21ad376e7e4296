"""One response, decoded without I/O: head, then bytes, then the end; events come out on the way.

A status that refuses is an error; else what arrives decides by which of the file's readings it is read (readers.py).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from .compression import Decompressor, Identity, decompressor
from .errors import DecodeError, EngineError, LimitError, ProviderError, StreamError, TruncatedError
from .events import Event
from .framing import FRAMINGS, Frame, Piece
from .masked_errors import without_secrets
from .messages import Adjustment, ChatResponse
from .readers import Readers, Start, is_html
from .redaction import redact
from .redirects import redirected
from .rules import Take, end_words
from .secrets import Secret
from .wire import ResponseHead

MAX_REFUSAL_BYTES = 64 * 1024
_NO_HEAD = ResponseHead(0)


class _Mode(Enum):
    NEW = auto()
    SNIFFING = auto()  # the first bytes will say how to read
    READING = auto()
    REFUSED = auto()  # collecting the body of an error
    DONE = auto()


class Reply:
    """One response. Call `head`, then `feed` for each piece of the body, then `finish`.

    Every error that they raise carries what had been read as `partial`, and no secret. After `finish`, `fault` must be
    looked at as well: events that the end completes come before it.
    """

    def __init__(
        self, readers: Readers, adjustments: tuple[Adjustment, ...] = (), secrets: tuple[Secret, ...] = ()
    ) -> None:
        self._readers = readers
        self._adjustments = adjustments
        self._secrets = secrets
        self._answer = readers.answer()
        self._head = _NO_HEAD
        self._body: Decompressor | None = None
        self._mode = _Mode.NEW
        self._start = Start()  # what is sniffed, or the body of a refusal
        self._size = 0
        self._most_bytes = readers.limits.body_bytes
        self._frames = 0
        self.held = 0
        """How many bytes have come since the last frame was whole."""
        self._frames_before = 0  # the one that is looked at
        self._ended = False
        self._ends_with_finish = False
        self.has_given_events = False
        self.is_settled = False
        """Whether what it comes to is known, and the rest of the body can only add to it."""
        self._is_deaf = False
        self.fault: EngineError | None = None

    @property
    def response(self) -> ChatResponse:
        """The answer so far."""
        return self._answer.response(self._adjustments)

    @property
    def has_ended(self) -> bool:
        """Whether what the file names as the end has been seen; only usage may still come."""
        return self._ended or (self._ends_with_finish and self._answer.finish_raw is not None)

    @property
    def is_refused(self) -> bool:
        """Whether this is a refusal, and only its words may still come."""
        return self._mode is _Mode.REFUSED

    def head(self, head: ResponseHead) -> None:
        """Take status and headers. Raises DecodeError for an unknown coding, ProviderError for a redirect."""
        self._head = head
        if 300 <= head.status < 400:
            raise self._dressed(redirected(head, self._hide))
        self.is_settled = head.status >= 400
        self._mode = _Mode.REFUSED if self.is_settled else _Mode.SNIFFING
        coding = head.headers.get("content-encoding")
        if coding:
            try:
                body = decompressor(coding, self._readers.limits.body_bytes)
            except DecodeError as error:
                raise self._dressed(self._refusal() if self.is_refused else error) from None
            self._body = None if isinstance(body, Identity) else body

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes of the body, as they came; give the events that they complete.

        Events that came before a fault are given first: the fault is then in `fault`, and the next call raises it.
        """
        if self.fault is not None:
            raise self.fault
        try:
            if self._is_deaf:
                pass
            elif self._body is None:
                self._feed(data)
            else:
                self._feed(self._body.feed(data))
                self._body.feed(b"")  # raises what is wrong behind that
        except StreamError as error:
            self._stumble(error)
        except EngineError as error:
            self._fail(error)
        return self._given()

    def finish(self) -> list[Event]:
        """Say that the body has ended: the last events, or the error that it was no whole answer."""
        if self.fault is not None:
            raise self.fault
        try:
            self._finish()
        except EngineError as error:
            self._fail(error)
        return self._given()

    def takes_long(self, data: bytes = b"") -> bool:
        """Whether to take the next bytes, or without any the end, takes long where what is held is large."""
        is_opaque = self._mode is not _Mode.READING or self._body is not None
        return not data or is_opaque or self._decoder.may_complete(data)

    def failed(self, error: EngineError) -> EngineError:
        """An error from outside (the network), with what had been read."""
        return self._dressed(error)

    def _given(self) -> list[Event]:
        events, self._answer.events = self._answer.events, []
        if self._ended or self._ends_with_finish or self._mode is _Mode.REFUSED:
            self.is_settled = self.has_ended or self.is_refused
        if events:
            self.has_given_events = True
        elif self.fault is not None:
            raise self.fault
        return events

    def _stumble(self, error: StreamError) -> None:
        """What cannot be read behind the end takes nothing from the answer; nothing more is listened to."""
        if self.has_ended:
            self._is_deaf = True
        else:
            self._fail(error)

    def _fail(self, error: EngineError) -> None:
        # A refusal whose words cannot be read is still that refusal.
        lame = self.is_refused and isinstance(error, StreamError)
        self.fault = self._dressed(self._refusal() if lame else error)

    def _hide(self, text: str) -> str:
        """The text without secrets. It is done before a text is cut: half a key would be found by no mask."""
        return redact(text, self._secrets)

    def _dressed(self, error: EngineError) -> EngineError:
        error.partial = self.response
        return without_secrets(error, self._secrets)

    def _listen(self, step: Callable[[], None]) -> None:
        """Do a step of the reading's end, which is as little needed behind the answer's end."""
        if self._is_deaf:
            return
        try:
            step()
        except StreamError:
            if not self.has_ended:
                raise
            self._is_deaf = True

    def _feed(self, data: bytes, *, is_all: bool = False) -> None:
        self._size += len(data)
        self.held += len(data)
        if self._mode is _Mode.REFUSED:
            self._start += data[: MAX_REFUSAL_BYTES - len(self._start)]
            if len(self._start) >= MAX_REFUSAL_BYTES:
                raise self._refusal()
            return
        if self._size > self._most_bytes:
            raise LimitError(f"the answer is larger than {self._most_bytes} bytes (limits.body_bytes)")
        if self._mode is not _Mode.READING:
            self._start += data
            if not is_all and self._readers.is_unclear(self._head.media_type, self._start):
                return
            if not self._decide():
                return
            data, self._start = bytes(self._start), Start()
        self._take(self._decoder.pieces(data))
        if self._decoder.fault is not None:  # behind the frames that were given
            raise self._decoder.fault

    def _decide(self) -> bool:
        """Whether what has come can be read, and by which of the readings."""
        start = bytes(self._start)
        reader = self._readers.choose(self._head.media_type, start)
        if reader is None:
            self._mode = _Mode.REFUSED
            return False
        self._reader = reader
        self._ends_with_finish = reader.end.finish
        self._plain_loop = self._loop()
        self._decoder = FRAMINGS[reader.codec]()
        limits = self._readers.limits
        self._decoder.max_frame_bytes = limits.body_bytes if reader.codec == "json" else limits.event_bytes
        self._mode = _Mode.READING
        return True

    def _take(self, pieces: list[Piece]) -> None:
        """Take frames: the plain ones in one loop that the file's rules were compiled to, the others one by one."""
        take = self._plain_loop
        done, count = 0, len(pieces)
        if count:
            self.held = 0
        while done < count:
            if take is not None and not self._ended:
                done = take(self, self._answer, pieces, done)
                self._ended = self._answer.has_ended
                if done == count:
                    break
            self._frames_before = self._frames + done
            frame = self._decoder.frame(pieces[done])
            pieces[done] = frame.event, frame.data  # while a large one is read, it need not be there as bytes too
            self._take_frame(frame)
            done += 1
        self._frames += count

    def _loop(self) -> Take | None:
        """The loop over plain frames. Error rules may hold for other statuses only, so it is for 200."""
        return self._reader.take if self._head.status == 200 else None

    def _take_frame(self, frame: Frame) -> None:
        self._answer.like = None  # this one may tell anything
        if self._reader.is_end_text(frame):
            self._ended = True
            return
        is_blank = not (frame.data if self._reader.reads_text else frame.data.strip())
        if is_blank and frame.event is None:
            return  # a heartbeat
        try:
            data = None if is_blank else self._reader.data_of(frame)
        except DecodeError as error:
            if self.has_ended:
                return
            shown = self._hide(frame.data)[:120].encode("unicode_escape").decode()
            raise DecodeError(f"event {self._frames_before + 1} of the answer {error.message} in {shown!r}") from None
        self._apply(frame, data)
        self._ended = self._ended or self._answer.has_ended or self._reader.shows_end(frame, data)

    def _apply(self, frame: Frame, data: Any) -> None:
        """Take what a frame says; behind the end, only its usage. Raises ProviderError for one that is an error."""
        if self._ended:
            aside = self._readers.answer()
            self._reader.apply(aside, frame, data)
            self._answer.add_usage_of(aside)
            return
        if self._reader.codec != "text":
            in_stream = self._reader is not self._readers.whole
            refusal = self._readers.failures.in_body(self._head, frame.event, data, self._hide, in_stream=in_stream)
            if refusal is not None:
                raise refusal
        self._reader.apply(self._answer, frame, data)
        if self._answer.refused is not None:
            raise self.refusal_in(data)

    def refusal_in(self, data: Any) -> ProviderError:
        """The error that a rule of the answer has read in a frame."""
        assert self._answer.refused is not None
        return self._readers.failures.in_rule(self._head, data, self._answer.refused, self._hide)

    def _finish(self) -> None:
        if self._body is not None:
            self._listen(self._body.finish)
        if self._mode is _Mode.SNIFFING and self._size:
            self._feed(b"", is_all=True)
        if self._mode is _Mode.REFUSED:
            raise self._refusal()
        if self._mode is _Mode.READING:
            self._listen(self._take_last)
        if not self._size:
            raise ProviderError(
                f"the provider sent an empty answer (HTTP {self._head.status}); try again",
                kind="empty",
                status=self._head.status,
                headers=dict(self._head.headers),
            )
        if not self._is_whole():
            seen = end_words(self._reader.end)
            raise TruncatedError(f"the answer broke off: {seen} never came; what came is kept as `partial`")
        self._mode = _Mode.DONE
        self._answer.settle()

    def _take_last(self) -> None:
        try:
            self._take(self._decoder.last_pieces())
        except DecodeError:
            if self._reader.codec != "ndjson":
                raise
            raise TruncatedError("the answer broke off inside its last line; what came is kept as `partial`") from None

    def _is_whole(self) -> bool:
        last = self._decoder.unfinished
        if self.has_ended:
            return True
        if self._reader.end.body:
            return last is None or self._is_whole_event(last)
        # An end that stands in the last, unclosed event of the body still shows that the answer is whole.
        if last is None:
            return False
        if self._reader.is_end_text(last):
            return True
        try:
            data = self._reader.data_of(last)
        except StreamError:
            return False
        shows_end = self._reader.shows_end(last, data)
        if not shows_end and self._reader.has_closing_rules:
            trial = self._readers.answer()
            self._reader.apply(trial, last, data)
            shows_end = trial.has_ended or trial.refused is not None
        if shows_end:
            self._apply(last, data)  # it may hold the end of the text too
        return shows_end

    def _is_whole_event(self, last: Frame) -> bool:
        """Whether an event that only lacks its blank line ends the body; it is read, and lost where it broke off."""
        if self._reader.codec == "json_array" or self._reader.reads_text:
            return False  # an array that is cut has not ended, and half a text is a text
        try:
            data = self._reader.data_of(last)
        except StreamError:
            return False
        self._apply(last, data)
        return True

    def _refusal(self) -> ProviderError:
        body = bytes(self._start)
        error = self._readers.failures.refusal(self._head, body, self._hide)
        if self._head.status < 300:
            what = "an HTML page" if is_html(body) else "JSON that the file has no rules for"
            error.message = error.message.replace("an error in the answer", f"{what} with HTTP {self._head.status}")
        return error
