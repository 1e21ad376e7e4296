from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

import pytest

from engine import Catalog
from engine.compat import CompatProvider, provider_class
from engine.errors import ParameterError, UnknownProviderError
from engine.mock import MockServer

MESSAGES = [{"role": "user", "content": 'Привет! {{ x }} "q"'}]


@pytest.fixture
def acytoo() -> type[CompatProvider]:
    return provider_class("acytoo")


def test_attributes_are_the_file_s_flags(acytoo: type[CompatProvider]) -> None:
    assert acytoo.__name__ == "Acytoo"
    assert acytoo.url == "https://chat.acytoo.com"
    assert acytoo.working is False
    assert acytoo.supports_message_history is True
    assert acytoo.supports_gpt_35_turbo is True


def test_header_and_payload_are_the_original_s(acytoo: type[CompatProvider]) -> None:
    assert acytoo._create_header() == {"accept": "*/*", "content-type": "application/json"}
    payload = acytoo._create_payload(MESSAGES, temperature=0.7)
    expected = {"key": "", "model": "gpt-3.5-turbo", "messages": MESSAGES, "temperature": 0.7, "password": ""}
    assert payload == expected
    assert list(payload) == list(expected)
    assert acytoo._create_payload(MESSAGES)["temperature"] == 0.5


def test_unknown_arguments_are_not_swallowed(acytoo: type[CompatProvider]) -> None:
    with pytest.raises(ParameterError, match="temprature"):
        acytoo._create_payload(MESSAGES, temprature=1)
    with pytest.raises(ParameterError, match="top_k"):
        list(acytoo.create_completion("gpt-3.5-turbo", MESSAGES, top_k=1))


def test_the_generator_gives_text_inside_a_loop(acytoo: type[CompatProvider]) -> None:
    async def main(model: str | None) -> list[str]:
        generator = acytoo.create_async_generator(model, MESSAGES, temperature=0.5)
        assert inspect.isasyncgen(generator)
        return [piece async for piece in generator]

    with MockServer(acytoo._provider) as mock:
        acytoo.url = mock.url
        for model in ("gpt-3.5-turbo", "", None):
            assert "".join(asyncio.run(main(model))) == "Привет! Как дела?"


def test_the_other_ways_to_call(acytoo: type[CompatProvider]) -> None:
    async def inside() -> tuple[str, str]:
        # create_completion needs no loop of its own, so that it works in a running one.
        return await acytoo.create_async("", MESSAGES), "".join(acytoo.create_completion("", MESSAGES))

    with MockServer(acytoo._provider) as mock:
        acytoo.url = mock.url
        assert asyncio.run(inside()) == ("Привет! Как дела?", "Привет! Как дела?")
        assert "".join(acytoo.create_completion("", MESSAGES)) == "Привет! Как дела?"
        assert list(acytoo.create_completion("", MESSAGES, stream=False)) == ["Привет! Как дела?"]


def test_an_early_end_closes_the_generator(acytoo: type[CompatProvider]) -> None:
    async def main() -> str:
        generator = acytoo.create_async_generator("", MESSAGES)
        first = await anext(generator)
        await generator.aclose()
        return first

    with MockServer(acytoo._provider) as mock:
        acytoo.url = mock.url
        assert "Привет! Как дела?".startswith(asyncio.run(main()))


def test_it_works_for_any_file(chirp: Path) -> None:
    cls = provider_class("chirp", Catalog(chirp))
    assert cls.working is True
    assert cls.supports_message_history is False
    assert cls._create_payload("Hi", temperature=0.5)["temperature"] == 0.5
    with pytest.raises(UnknownProviderError):
        provider_class("no-such-file")


@pytest.mark.parametrize("stream", [True, False])
def test_stream_is_taken_as_the_original_s_helpers_pass_it(acytoo: type[CompatProvider], stream: bool) -> None:
    async def main() -> list[str]:
        return [piece async for piece in acytoo.create_async_generator("", MESSAGES, stream=stream)]

    with MockServer(acytoo._provider) as mock:
        acytoo.url = mock.url
        pieces = asyncio.run(main())
    assert "".join(pieces) == "Привет! Как дела?"
    assert (len(pieces) > 1) is stream


def test_the_header_needs_no_model(chirp: Path) -> None:
    file = chirp / "chirp.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("models: {default: chirp-1}\n", ""), encoding="utf-8")
    assert provider_class("chirp", Catalog(chirp))._create_header() == {}
