"""`python -m tests.mutants [MODULE ...] [--count N] [--seed S]`: whether the tests notice when the code is wrong.

A mutant is a module with one small thing in it changed: a comparison, a constant, a statement that is gone. For each,
the tests that concern its module run in a copy of the checkout, the quick ones first, until one of them fails; a
mutant that no test notices has survived, and is printed. (Of the libraries for this, mutmut leaves properties and what
stands outside of functions alone, our tables and patterns; cosmic-ray starts pytest anew for each mutant.) Each trial
is a fork of a process that has all third parties imported. The same seed makes the same run.
"""

from __future__ import annotations

_FRAMING = ("test_framing.py", "test_event_streams.py")
_JOURNEY = ("test_exchange.py", "test_faults_retries.py", "test_faults_refusals.py")

TESTS: dict[str, tuple[str, ...]] = {
    "framing/aws_eventstream": ("test_framing_aws_eventstream.py", "test_framing.py"),
    "framing/frame": (*_FRAMING, "test_framing_aws_eventstream.py"),
    "framing/json_array": ("test_framing_json_array.py", "test_framing.py"),
    "framing/ndjson": ("test_framing_ndjson.py", "test_framing.py"),
    "framing/sse": _FRAMING,
    "framing/text": _FRAMING,
    "framing/whole": _FRAMING,
    "exchange": (*_JOURNEY, "test_steps.py", "test_oauth2.py"),
    "retry": ("test_retry.py", "test_retry_budget.py", "test_faults_retries.py"),
    "redaction": ("test_redaction.py", "test_recording_scrub.py", "test_secrets.py", "test_canary.py"),
    "secrets": ("test_secrets.py", "test_redaction.py", "test_canary.py"),
    "reply": ("test_reply.py", "test_answer.py", "test_faults_in_answers.py", *_JOURNEY),
    "compression": ("test_compression.py", "test_faults_values_in.py"),
}
"""The tests that concern a module of engine/, its own first."""
