"""The google-genai SDK, its client for Google Cloud: a project with an access token, or a key without one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

from . import gemini
from .intents import KEY, Intent

PROJECT: dict[str, Any] = {"project": "acme", "location": "us-east5", "credentials": Credentials(token=KEY)}
EXPRESS: dict[str, Any] = {"api_key": KEY}
_OPTIONS = genai.Client(vertexai=True, **PROJECT)._api_client._http_options
HOME = f"{str(_OPTIONS.base_url).rstrip('/')}/{_OPTIONS.api_version}"


def _client(identity: dict[str, Any]) -> Callable[[str], genai.Client]:
    def client(url: str) -> genai.Client:
        options = types.HttpOptions(base_url=url.removesuffix("/v1beta1"))
        return genai.Client(vertexai=True, http_options=options, **identity)

    return client


def send(url: str, intent: Intent, express: bool = False) -> None:
    """With `express` a key says who calls, and no project is told."""
    gemini.send(url, intent, _client(EXPRESS if express else PROJECT))
