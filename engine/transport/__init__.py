"""The only home of httpx: open a request, read raw bytes, close, and say what went wrong in our words.

It also takes a caller's own client (httpx, or a library with the same API such as httpx2): nothing but
`build_request`, `send`, `iter_raw`, `close` / `aclose` and a response's `stream` is asked of it; if it
knows the `trace` extension, it is listened to. Redirects are never followed, environment proxies never used, and what
httpx logs never holds a secret.

request.py makes the library's request and explain.py says what its exceptions mean; sync.py and aio.py open, read and
close. Cancelling must leave nothing behind, and the pool of httpx 0.28 does not survive it: see `aio.AsyncLines`. A
connection for tasks is `alone.Alone` in a client of httpx, `lent.Lent` in a caller's own (both in library.py), or our
own, `direct.Direct`, where httptools is installed. Threads have `blocking.Blocking` then, else httpx's pool or a
caller's client (pooled.py); what the two of our own share is in own.py, http1.py and shelf.py. A connection that holds
more than its answer is not used again (reuse.py). HTTP chunks that came together are read together, by httpx as well
(chunks.py).
"""
