"""How a secret is sent: what authentication adds to a request, and the signatures that it makes with a secret."""

from .jwt import ALGORITHMS, signed_jwt
from .kinds import AUTH, compile_auth
from .way import Credentials, Unsigned, Way

__all__ = ["ALGORITHMS", "AUTH", "Credentials", "Unsigned", "Way", "compile_auth", "signed_jwt"]
