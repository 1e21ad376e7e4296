"""OpenTelemetry's instrumentation of httpx looks from around the library's network, and sees each request of ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.testing import FaultServer, Request, whole
from tests.doors import KINDS, Door, catalog_of, text_file

instrumentation = pytest.importorskip("opentelemetry.instrumentation.httpx", reason="needs the extra sdk")
trace = pytest.importorskip("opentelemetry.sdk.trace", reason="needs the extra sdk")
export = pytest.importorskip("opentelemetry.sdk.trace.export", reason="needs the extra sdk")
memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter", reason="needs the extra sdk")


@pytest.fixture
def spans() -> Iterator[memory.InMemorySpanExporter]:
    exporter = memory.InMemorySpanExporter()
    provider = trace.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    instrumentor = instrumentation.HTTPXClientInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    yield exporter
    instrumentor.uninstrument()


@pytest.mark.parametrize("kind", KINDS)
def test_every_request_is_a_span(kind, tmp_path, spans):
    catalog = catalog_of(tmp_path, text_file("text", "retry: {max: 1, base: 0.001, cap: 0.002}"))
    script = [whole(b"busy", 503), Request(), whole(b"hi")]
    with FaultServer(script) as server, Door(kind, catalog, base_urls={"text": server.url}) as client:
        assert client.chat("text").text == "hi"
    seen = [(span.name, set(span.attributes.values())) for span in spans.get_finished_spans()]
    assert [name for name, _ in seen] == ["POST", "POST"]
    assert [503 in seen[0][1], 200 in seen[1][1]] == [True, True], "whatever the conventions call the status by now"
