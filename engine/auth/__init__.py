"""How a secret is sent: what authentication adds to a request, and the signatures that it makes with a secret."""

from .jwt import ALGORITHMS, signed_jwt
from .kinds import AUTH, Credentials, credentials

__all__ = ["ALGORITHMS", "AUTH", "Credentials", "credentials", "signed_jwt"]
