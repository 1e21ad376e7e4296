"""The openai SDK for Azure's addresses with a version of the API in them."""

from __future__ import annotations

import openai

from . import openai_chat
from .intents import KEY, Intent

VERSION = "2024-10-21"


def _client(url: str) -> openai.AzureOpenAI:
    return openai.AzureOpenAI(azure_endpoint=url, api_key=KEY, api_version=VERSION, max_retries=0)


def send(url: str, intent: Intent, **options: str) -> None:
    openai_chat.send(url, intent, client=_client, **options)
