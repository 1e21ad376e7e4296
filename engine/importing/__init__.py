"""A captured request, and perhaps its reply, -> the text of a provider file. `draft()` is the door.

curl.py and har.py read what was captured; credentials.py takes the secrets out before anything else looks at it;
conversation.py finds prompt, model and parameters; protocols.py asks the abstract files whether one fits; answer.py
finds how the reply is read; plan.py holds what was decided, composer.py writes it, and draft.py tries it. Nothing
is sent, and no file but the protocols is read.
"""
