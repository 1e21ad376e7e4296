"""What was found of provider files before, sealed: a file that was sound and has not changed is not checked again.

An entry lies in the user's cache folder under a name that is a keyed digest of all that its verdict depends on, and
what it holds is sealed with the same key, which lies elsewhere and is the user's alone (own.py). So an entry that
anybody else has made, changed or put under another name is no entry, whatever it says. It is data, and never code.
Nothing here raises: without a folder to write to, every file is simply checked.
"""

from .fingerprint import identity
from .store import Cache, user_cache

__all__ = ["Cache", "identity", "user_cache"]
