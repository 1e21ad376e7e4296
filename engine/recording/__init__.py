"""Real calls as examples: what went over the wire, without its secrets, in the words of a provider file.

A Recorder is given to a client and keeps the tape of its last call; `Recording.write` puts it into a file, and only
where the file is valid with it and the new example holds. The engine's own decoder says what is expected: a recording
shows what is so, and that it is right is for its author to judge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..chat_request import ChatRequest
from ..deployment import Deployment
from ..errors import TransportError, UsageError
from ..provider import Provider
from ..secrets import Secret
from ..steps.reading import set_cookies
from ..steps.session import MIN_HIDDEN
from ..tape import Tape
from .example import Recorded, example_of
from .scrub import Scrubber
from .writing import Written, add_example, refuse_unfit

__all__ = ["Recorded", "Recorder", "Recording", "Written", "refuse_unfit"]


@dataclass(frozen=True, slots=True)
class Recording:
    """One call as it was; its repr shows nothing of it. `origin` is what answered, when it was not the file's url."""

    provider: Provider
    request: ChatRequest
    deployment: Deployment
    tape: Tape
    origin: str = ""

    def __repr__(self) -> str:
        return f"Recording({self.provider.name!r})"

    def recorded(self) -> Recorded:
        """The call without its secrets. Raises UsageError where there is nothing that could be an example."""
        tape = self.tape
        if not tape.has_ended:
            raise UsageError("the call has not come to its end; read the answer to its end, and record again")
        if isinstance(tape.error, TransportError):
            raise UsageError("the network failed, and that shows nothing of the service; record another call")
        if tape.is_full:
            raise UsageError("the answer is too large for an example; record a shorter one")
        takes = [take for take in tape.takes if take.kind != "token"]
        if not takes or tape.takes[-1].kind == "token" or takes[-1].head is None:
            raise UsageError("the call ended before its own request was answered, so there is nothing to record")
        return Recorded(self.provider, self.request, self.deployment, tuple(takes), self._scrubber(), tape.error)

    def _scrubber(self) -> Scrubber:
        fields = [field for take in self.tape.takes if take.head is not None for field in set_cookies(take.head)]
        values = [field.partition(";")[0].partition("=")[2].strip(' "') for field in fields]
        cookies = [Secret(value, name="session") for value in values if len(value) >= MIN_HIDDEN]
        return Scrubber([*self.tape.secrets, *cookies])

    def write(self, file: Path | str, *, folders: Iterable[Path] = (), now: datetime | None = None) -> Written:
        """Add the call to the examples of a provider file; a file that is not there is made, and extends the provider.

        Raises UsageError, and leaves the file as it is, where it would not be valid, too large, or the example not
        hold.
        """
        moment = now or datetime.now(UTC)
        tree = example_of(self.recorded(), self.origin)
        return add_example(Path(file), tree, self.provider, self.origin, moment, tuple(folders))


class Recorder:
    """Given to a client as `recorder`, it keeps the call that was begun last, as `last`.

    `origin` says what answers in the service's place: "a mock on this machine". Without it, a call to a base URL of
    the caller's is said to be from another address.

    >>> from engine import Catalog, Client
    >>> from engine.mock import MockServer
    >>> recorder = Recorder(origin="a mock")
    >>> with MockServer(Catalog().provider("acytoo")) as mock:
    ...     with Client(base_urls={"acytoo": mock.url}, recorder=recorder) as client:
    ...         answer = client.chat("acytoo", "Hi")
    >>> recorder.last.recorded().reply["headers"]
    {'content-type': 'text/plain; charset=utf-8'}
    """

    def __init__(self, *, origin: str = "") -> None:
        self.last: Recording | None = None
        self._origin = origin

    def begin(self, provider: Provider, request: ChatRequest, deployment: Deployment) -> Tape:
        """A call begins; its client writes on the tape."""
        tape = Tape()
        redirected = "another address than the file's url" if deployment.base_url is not None else ""
        self.last = Recording(provider, request, deployment, tape, self._origin or redirected)
        return tape
