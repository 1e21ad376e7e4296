"""The anthropic SDK, its client for Google Cloud, with an access token."""

from __future__ import annotations

import anthropic

from . import anthropic_messages
from .intents import KEY, Intent

PLACE = {"project_id": "acme", "region": "us-east5"}
HOME = str(anthropic.AnthropicVertex(access_token=KEY, **PLACE).base_url).rstrip("/")


def _client(url: str) -> anthropic.AnthropicVertex:
    return anthropic.AnthropicVertex(access_token=KEY, base_url=url, max_retries=0, **PLACE)


def send(url: str, intent: Intent) -> None:
    anthropic_messages.send(url, intent, _client)
