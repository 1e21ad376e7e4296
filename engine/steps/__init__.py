"""The requests before the main one: a call as a walk along them, and what their replies bring.

`journey.py` holds where a call stands, `reading.py` takes the replies, `cookies.py` and `cache.py` keep what outlives
a request and a call. No I/O and no clock: the exchange passes them in. How the requests are rendered is route.py's.
"""

from .cache import StepCache
from .journey import Journey

__all__ = ["Journey", "StepCache"]
