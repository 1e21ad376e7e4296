"""Recorded answers of a real model, read by our files: what the official SDK read in them, in any cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import Catalog
from engine.errors import ProviderError, UnknownProviderError
from engine.provider import Provider

from .recordings import HERE, Recording, recordings
from .sdks.reading import of

ALL = {recording.name: recording for recording in recordings()}
UNREAD = {
    "messages-cyrillic-stream": {
        "text": ALL["chat-cyrillic-stream"].read["text"],
        "reasoning": "",
        "refusal": "",
        "calls": [],
        "finish": "max_tokens",
        "usage": {"output_tokens": 12},
    }
}
"""What is in an answer that the SDK does not read; the same as in the other dialects."""


def provider_of(recording: Recording) -> Provider:
    try:
        return Catalog().provider(recording.file)
    except UnknownProviderError:
        pytest.skip("no such file yet")


def byte_by_byte(body: bytes) -> list[bytes]:
    return [body[at : at + 1] for at in range(len(body))]


@pytest.mark.parametrize("name", [name for name, recording in ALL.items() if recording.status == 200])
def test_an_answer(name):
    recording = ALL[name]
    provider = provider_of(recording)
    expected = recording.read or UNREAD[name]
    headers = {"content-type": recording.content_type}
    answer = provider.decode(recording.body, 200, headers)
    said = of(answer, expected["usage"]).said()
    assert said == {**expected, "calls": [tuple(each) for each in expected["calls"]]}
    assert provider.decode(byte_by_byte(recording.body), 200, headers) == answer


@pytest.mark.parametrize("name", [name for name, recording in ALL.items() if recording.status != 200])
def test_an_error(name):
    recording = ALL[name]
    with pytest.raises(ProviderError, match="exceeds the available context size") as caught:
        provider_of(recording).decode(recording.body, recording.status, {"content-type": recording.content_type})
    assert caught.value.status == 400


def test_every_file_is_in_the_index():
    found = {path.name for path in Path(HERE).iterdir() if path.suffix in (".sse", ".json")} - {"index.json"}
    assert {path.partition(".")[0] for path in found} == set(ALL)
    assert len(found) == len(ALL)
