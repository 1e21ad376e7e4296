"""The requests before the main one: a call as a walk along them, and what their replies bring.

`journey.py` holds where a call stands, and `reading.py` takes the replies; `session.py` and `cookies.py` keep what
outlives a request, `cache.py` what outlives a call. No I/O and no clock: the exchange passes them in. How the requests
are rendered is route.py's.
"""

from .cache import StepCache
from .journey import Journey

__all__ = ["Journey", "StepCache"]
