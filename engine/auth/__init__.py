"""How a secret is sent: what authentication adds to a request, and the signatures that it makes with a secret."""

from .access import Access
from .kinds import AUTH, compile_auth
from .oauth2 import ACCESS_TOKEN
from .way import Credentials, Unsigned, Way

__all__ = [
    "ACCESS_TOKEN",
    "AUTH",
    "Access",
    "Credentials",
    "Unsigned",
    "Way",
    "compile_auth",
]
