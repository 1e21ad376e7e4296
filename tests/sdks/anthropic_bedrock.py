"""The anthropic SDK, its client for Amazon Bedrock, with a key: InvokeModel."""

from __future__ import annotations

import anthropic

from . import anthropic_messages
from .intents import KEY, Intent

REGION = "us-east-1"
HOME = str(anthropic.AnthropicBedrock(api_key=KEY, aws_region=REGION).base_url).rstrip("/")


def _client(url: str) -> anthropic.AnthropicBedrock:
    return anthropic.AnthropicBedrock(api_key=KEY, aws_region=REGION, base_url=url, max_retries=0)


def send(url: str, intent: Intent) -> None:
    anthropic_messages.send(url, intent, _client)
