# ruff: noqa: E501  (commands are as they were copied)
"""Curl commands as people copy them: from documentation, from browsers on three systems, from issue trackers."""

from __future__ import annotations

from dataclasses import dataclass

CANARY = "cnry7Q2x9Lw4Tz8Kv3Np6Rb1"
"""Stands in every secret; no output may hold it."""

UUID = "123e4567-e89b-12d3-a456-426614174000"


@dataclass(frozen=True, slots=True)
class Curl:
    """A command, what must be found in it, and what the drafted file must be.

    `extends` is the protocol, `auth` the way to authenticate; `messages` the conversation; `is_exact` says that the
    body is rendered as it was captured.
    """

    name: str
    command: str
    messages: list[tuple[str, str]]
    extends: str | None = None
    auth: str | None = None
    model: str | None = None
    is_exact: bool = True


HI = [("user", "Hi")]

CURLS = (
    Curl(
        "chat completions from documentation",
        """curl https://api.acme.example/v1/chat/completions \\
  -H "Content-Type: application/json" \\
  -H "Authorization: Bearer $ACME_API_KEY" \\
  -d '{
    "model": "acme-5",
    "messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
  }'""",
        [("system", "Be brief."), ("user", "Hi")],
        "openai-chat",
        "bearer",
        "acme-5",
        is_exact=False,  # the protocol calls the developer `system`
    ),
    Curl(
        "chat completions with a key and parameters",
        f"""curl -sS -N -X POST 'https://api.acme.example/openai/v1/chat/completions' -H 'authorization: Bearer sk-{CANARY}'
        -H 'content-type: application/json' --data-raw '{{"model":"a/b-70b:free","stream":true,"temperature":0.3,
        "max_tokens":100,"messages":[{{"role":"user","content":"Hi"}}],"provider":{{"order":["x"]}},"top_k":40}}'""".replace(
            "\n", " "
        ),
        HI,
        "openai-chat",
        "bearer",
        "a/b-70b:free",
    ),
    Curl(
        "chat completions with history and usage",
        f"""curl https://gw.acme.example/v1/chat/completions -H 'Authorization: Bearer {CANARY}' --json '{{"model":"m","stream":true,
        "stream_options":{{"include_usage":true}},"messages":[{{"role":"system","content":"S"}},{{"role":"user","content":"A"}},
        {{"role":"assistant","content":"B"}},{{"role":"user","content":"Привет «мир» ✓"}}]}}'""",
        [("system", "S"), ("user", "A"), ("assistant", "B"), ("user", "Привет «мир» ✓")],
        "openai-chat",
        "bearer",
        "m",
    ),
    Curl(
        "chat completions with parts",
        f"""curl https://gw.acme.example/v1/chat/completions -H 'Authorization: Bearer {CANARY}' -d '{{"model":"m","messages":[{{"role":"user",
        "content":[{{"type":"text","text":"Hi"}},{{"type":"image_url","image_url":{{"url":"https://x.example/a.png"}}}}]}}]}}'""",
        HI,
        "openai-chat",
        "bearer",
        "m",
    ),
    Curl(
        "a deployment in the path, and an api-key header",
        f"""curl "https://res.acme.example/openai/deployments/gpt/chat/completions?api-version=2024-10-21" -H "api-key: {CANARY}"
        -H "Content-Type: application/json" -d "{{\\"model\\": \\"gpt\\", \\"messages\\": [{{\\"role\\": \\"user\\", \\"content\\": \\"Hi\\"}}]}}" """.replace(
            "\n", " "
        ),
        HI,
        "openai-chat",
        "header",
        "gpt",
    ),
    Curl(
        "messages with a version header",
        f"""curl https://api.acme.example/v1/messages --header "x-api-key: {CANARY}" --header "anthropic-version: 2023-06-01" \\
     --header "content-type: application/json" --data \\
'{{"model": "cl-4", "max_tokens": 1024, "messages": [{{"role": "user", "content": "Hi"}}]}}'""",
        HI,
        "anthropic-messages",
        "header",
        "cl-4",
        is_exact=False,
    ),
    Curl(
        "messages with a system and stream",
        f"""curl https://api.acme.example/v1/messages -H "x-api-key: {CANARY}" -d '{{"model":"cl-4","max_tokens":9,"stream":true,
        "system":"Be brief.","temperature":0.5,"stop_sequences":["END"],"metadata":{{"user_id":"u1"}},
        "messages":[{{"role":"user","content":[{{"type":"text","text":"Hi"}}]}}]}}'""",
        [("system", "Be brief."), ("user", "Hi")],
        "anthropic-messages",
        "header",
        "cl-4",
    ),
    Curl(
        "generateContent with a key in the query",
        f"""curl "https://g.acme.example/v1beta/models/gem-2.0-flash:generateContent?key={CANARY}" -H 'Content-Type: application/json' -X POST
        -d '{{"contents": [{{"parts":[{{"text": "Hi"}}]}}]}}'""".replace("\n", " "),
        HI,
        "gemini-generate",
        "query",
        "gem-2.0-flash",
        is_exact=False,
    ),
    Curl(
        "streamGenerateContent with a system instruction",
        f"""curl "https://g.acme.example/v1beta/models/gem:streamGenerateContent?alt=sse" -H "x-goog-api-key: {CANARY}" -d '{{
        "systemInstruction":{{"parts":[{{"text":"Be brief."}}]}},"contents":[{{"role":"user","parts":[{{"text":"Hi"}}]}}],
        "generationConfig":{{"temperature":1.0,"maxOutputTokens":800,"topP":0.8}}}}'""",
        [("system", "Be brief."), ("user", "Hi")],
        "gemini-generate",
        "header",
        "gem",
    ),
    Curl(
        "responses with one text",
        f"""curl https://api.acme.example/v1/responses -H "Authorization: Bearer {CANARY}" -d '{{"model":"m-5","input":"Hi","stream":true}}'""",
        HI,
        "responses",
        "bearer",
        "m-5",
        is_exact=False,
    ),
    Curl(
        "converse with basic brackets",
        f"""curl 'https://rt.acme.example/model/amazon.x-v1%3A0/converse' -H 'Authorization: Bearer {CANARY}' -d
        '{{"messages":[{{"role":"user","content":[{{"text":"Hi"}}]}}],"inferenceConfig":{{"maxTokens":5}}}}'""".replace(
            "\n", " "
        ),
        HI,
        "bedrock-converse",
        "bearer",
        "amazon.x-v1:0",
    ),
    Curl(
        "a local server, native chat",
        """curl http://localhost:11434/api/chat -d '{"model": "llama3.2", "messages": [{"role": "user", "content": "Hi"}], "stream": false}'""",
        HI,
        None,
        None,
        "llama3.2",
    ),
    Curl(
        "a local server, one prompt",
        """curl http://localhost:11434/api/generate -d '{"model":"llama3.2","prompt":"Hi","options":{"temperature":0,"num_predict":7}}'""",
        HI,
        None,
        None,
        "llama3.2",
    ),
    Curl(
        "message and chat_history",
        f"""curl --request POST --url https://api.acme.example/v1/chat --header 'accept: application/json'
        --header 'content-type: application/json' --header "Authorization: bearer {CANARY}"
        --data '{{"chat_history": [{{"role": "USER", "message": "A"}}, {{"role": "CHATBOT", "message": "B"}}], "message": "Hi",
        "preamble": "Be brief.", "temperature": 0.3}}'""".replace("\n", " "),
        [("system", "Be brief."), ("user", "A"), ("assistant", "B"), ("user", "Hi")],
        None,
        "bearer",
    ),
    Curl(
        "messages inside input, another service's names",
        f"""curl -X POST https://ds.acme.example/api/v1/services/aigc/text-generation/generation -H 'Authorization: Bearer {CANARY}'
        -H 'X-DashScope-SSE: enable' -d '{{"model":"q-plus","input":{{"messages":[{{"role":"user","content":"Hi"}}]}},
        "parameters":{{"result_format":"message","top_p":0.8,"incremental_output":true}}}}'""".replace("\n", " "),
        HI,
        None,
        "bearer",
        "q-plus",
    ),
    Curl(
        "inputs with parameters",
        f"""curl https://inf.acme.example/models/x -H "Authorization: Bearer {CANARY}" -d '{{"inputs":"Hi","parameters":{{"max_new_tokens":20}}}}'""",
        HI,
        None,
        "bearer",
    ),
    Curl(
        "input of a prediction",
        f"""curl -s -X POST -H "Authorization: Token {CANARY}" -d '{{"version":"abc","input":{{"prompt":"Hi","top_k":50}}}}' https://r.acme.example/v1/predictions""",
        HI,
        None,
        "header",
    ),
    Curl(
        "a key in the body",
        f"""curl https://chat.acme.example/api/completions -H 'content-type: application/json' --data-raw '{{"key":"","model":"gpt-3.5-turbo",
        "messages":[{{"role":"user","content":"Hi"}}],"temperature":0.5,"password":"{CANARY}"}}' --compressed""",
        HI,
        None,
        "body",
        "gpt-3.5-turbo",
    ),
    Curl(
        "a browser's copy of a web chat",
        f"""curl 'https://chat.acme.example/backend-api/conversation' \\
  -H 'accept: text/event-stream' \\
  -H 'accept-language: en-US,en;q=0.9' \\
  -H 'authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ{CANARY}.{CANARY}' \\
  -H 'content-type: application/json' \\
  -b '__Secure-session-token={CANARY}; _cfuvid={CANARY}' \\
  -H 'oai-device-id: {UUID}' \\
  -H 'openai-sentinel-chat-requirements-token: gAAAAAB{CANARY}' \\
  -H 'origin: https://chat.acme.example' \\
  -H 'priority: u=1, i' \\
  -H 'referer: https://chat.acme.example/' \\
  -H 'sec-ch-ua: "Chromium";v="130"' \\
  -H 'sec-fetch-mode: cors' \\
  -H 'user-agent: Mozilla/5.0 (X11; Linux x86_64)' \\
  --data-raw $'{{"action":"next","messages":[{{"id":"{UUID}","author":{{"role":"user"}},"content":{{"content_type":"text","parts":["It\\'s \\u2713 it"]}},"create_time":1731000000.5}}],"parent_message_id":"{UUID}","model":"auto","timezone_offset_min":-60,"suggestions":[],"history_and_training_disabled":false}}'""",
        [("user", "It's ✓ it")],
        None,
        "bearer",
        "auto",
        is_exact=False,
    ),
    Curl(
        "a form",
        f"""curl 'https://ask.acme.example/api' -H 'x-csrf-token: {CANARY}' -d 'question=Hi' -d lang=en --data-urlencode 'note=a b&c'""",
        HI,
        None,
        "header",
    ),
    Curl(
        "a form with one encoded text",
        """curl https://ask.acme.example/wp-admin/admin-ajax.php --data-raw 'action=chat&message=Hi%20there%21&bot_id=7&stream=true' -H 'content-type: application/x-www-form-urlencoded; charset=UTF-8' -H 'x-requested-with: XMLHttpRequest'""",
        [("user", "Hi there!")],
    ),
    Curl(
        "a multipart form",
        f"""curl https://ask.acme.example/chat -F 'prompt=Hi' -F model=m1 --form-string 'note=@x' -H 'Authorization: {CANARY}'""",
        HI,
        None,
        "header",
        "m1",
    ),
    Curl(
        "a multipart body of a browser",
        """curl https://ask.acme.example/chat -H 'content-type: multipart/form-data; boundary=----WebKitFormBoundaryAbC' --data-raw $'------WebKitFormBoundaryAbC\\r\\nContent-Disposition: form-data; name="query"\\r\\n\\r\\nHi\\r\\n------WebKitFormBoundaryAbC\\r\\nContent-Disposition: form-data; name="mode"\\r\\n\\r\\nfast\\r\\n------WebKitFormBoundaryAbC--\\r\\n'""",
        HI,
    ),
    Curl(
        "a file in a form is left out",
        """curl https://ask.acme.example/chat -F 'prompt=Hi' -F 'file=@a.pdf;type=application/pdf'""",
        HI,
    ),
    Curl(
        "a GET with -G",
        f"""curl -G https://ask.acme.example/v1/ask --data-urlencode 'q=Hi & bye' -d max_tokens=20 -d access_token={CANARY}""",
        [("user", "Hi & bye")],
        None,
        "query",
    ),
    Curl(
        "a GET with its query in the URL",
        """curl 'https://ask.acme.example/stream?prompt=Hi%20you&model=m-2'""",
        [("user", "Hi you")],
        None,
        None,
        "m-2",
    ),
    Curl(
        "a user and a password",
        f"""curl -u me:{CANARY} https://ask.acme.example/api/v1/prompt -d '{{"query":"Hi"}}'""",
        HI,
        None,
        "basic",
    ),
    Curl(
        "a user in the URL",
        f"""curl https://somebody:{CANARY}@ask.acme.example/api/v1/prompt --json '{{"query":"Hi"}}'""",
        HI,
        None,
        "basic",
    ),
    Curl(
        "basic in a header",
        f"""curl -H 'Authorization: Basic bWU6{CANARY}' https://ask.acme.example/p --json '{{"query":"Hi"}}'""",
        HI,
        None,
        "basic",
    ),
    Curl(
        "a cookie and nothing else",
        f"""curl 'https://ask.acme.example/api/chat' -H 'cookie: session={CANARY}; theme=dark' -H 'content-type: application/json' --data-raw '{{"message":"Hi"}}'""",
        HI,
        None,
        "header",
    ),
    Curl(
        "the Windows command prompt",
        f"""curl ^"https://ask.acme.example/api/chat?v=1^&w=2^" ^
  -H ^"content-type: application/json^" ^
  -H ^"x-api-key: {CANARY}^" ^
  --data-raw ^"^{{^\\^"prompt^\\^":^\\^"100^% ^<b^> it's^\\^",^\\^"n^\\^":1^}}^" ^
  --compressed""",
        [("user", "100% <b> it's")],
        None,
        "header",
    ),
    Curl(
        "the Windows command prompt, older",
        'curl "https://ask.acme.example/api/chat" ^\n  -H "content-type: application/json" ^\n  --data-raw "{\\"prompt\\":\\"Hi\\"}"',
        HI,
    ),
    Curl(
        "PowerShell's continuation",
        "curl.exe 'https://ask.acme.example/api/chat' `\n  -H 'content-type: application/json' `\n  -d '{\"prompt\":\"Hi\"}'",
        HI,
    ),
    Curl(
        "a Next.js route of the AI SDK",
        f"""curl 'https://demo.acme.example/api/chat' -H 'content-type: application/json' --data-raw '{{"id":"aB3dE5","messages":[{{"role":"user",
        "parts":[{{"type":"text","text":"Hi"}}],"id":"{UUID}"}}],"trigger":"submit-message"}}'""",
        HI,
        is_exact=False,
    ),
    Curl(
        "a Next.js route with plain messages",
        """curl 'https://demo.acme.example/api/chat' -H 'content-type: text/plain;charset=UTF-8' --data-raw '{"messages":[{"role":"user","content":"Hi"}]}'""",
        HI,
    ),
    Curl(
        "a content beside parts",
        """curl 'https://demo.acme.example/api/chat' --json '{"messages":[{"role":"user","content":"Hi","parts":[{"type":"text","text":"Hi"}]}]}'""",
        HI,
    ),
    Curl(
        "a prompt deep inside",
        f"""curl https://ask.acme.example/rpc -H 'x-token: {CANARY}' --json '{{"jsonrpc":"2.0","method":"ask","params":{{"args":{{"user":{{"question":"Hi"}},"modelId":"m9"}}}},"id":1}}'""",
        HI,
        None,
        "header",
        "m9",
    ),
    Curl(
        "JSON inside JSON",
        """curl https://ask.acme.example/rpc --json '{"op":"chat","payload":"{\\"messages\\":[{\\"role\\":\\"user\\",\\"content\\":\\"Hi\\"}],\\"model\\":\\"m\\",\\"deep\\":{\\"a\\":[1,true,null,\\"x\\"]}}"}'""",
        HI,
        None,
        None,
        "m",
    ),
    Curl(
        "JSON inside a form",
        """curl https://ask.acme.example/rpc --data-urlencode 'f.req={"prompt":"Hi","n":2}' -d at=1""",
        HI,
    ),
    Curl(
        "a body of plain text",
        """curl https://text.acme.example/ -H 'content-type: text/plain' -d 'Tell me a joke'""",
        [("user", "Tell me a joke")],
    ),
    Curl(
        "human and bot",
        f"""curl https://c.acme.example/append -H 'X-Api-Key: {CANARY}' --json '{{"conversation":[{{"from":"human","value":"A"}},{{"from":"gpt","value":"B"}},{{"from":"human","value":"Hi"}}],"stream":true}}'""",
        [("user", "A"), ("assistant", "B"), ("user", "Hi")],
        None,
        "header",
    ),
    Curl(
        "templates in what is sent",
        """curl https://c.acme.example/t --json '{"prompt":"Hi","format":"{{ raw }} {% x %}","close":"}}"}'""",
        HI,
    ),
    Curl(
        "a time and ids",
        f"""curl https://c.acme.example/t --json '{{"prompt":"Hi","conversation_id":"{UUID}","timestamp":1731000000123,"stream":true,"model":{{"id":"m-1","label":"M"}}}}'""",
        HI,
        None,
        None,
        "m-1",
    ),
    Curl(
        "a text around the prompt, by its longest text",
        """curl https://c.acme.example/t --json '{"payload":{"kind":"chat","utterance":"What is the capital of France?"}}'""",
        [("user", "What is the capital of France?")],
    ),
    Curl(
        "unknown and ignored options",
        """curl -kiL --http2 --max-time 30 --retry 2 -x http://proxy:8080 --cacert ca.pem --frobnicate -o out.json 'https://c.acme.example/t' --json '{"prompt":"Hi"}' | jq .""",
        HI,
    ),
    Curl(
        "options with an equals sign, and clusters",
        """curl -sSXPOST --url=https://c.acme.example/t --header='content-type: application/json' --data='{"prompt":"Hi"}'""",
        HI,
    ),
    Curl(
        "a host that only the caller may name",
        """curl http://192.168.1.20:8080/v1/chat/completions --json '{"model":"m","messages":[{"role":"user","content":"Hi"}]}'""",
        HI,
        "openai-chat",
        None,
        "m",
    ),
    Curl(
        "a placeholder for a key",
        """curl https://c.acme.example/v1/chat/completions -H 'Authorization: Bearer <YOUR_API_KEY>' --json '{"model":"m","messages":[{"role":"user","content":"Hi"}]}'""",
        HI,
        "openai-chat",
        "bearer",
        "m",
    ),
    Curl(
        "a null and an empty history",
        """curl https://c.acme.example/t --json '{"prompt":"Hi","history":[],"temperature":null,"max_tokens":null}'""",
        HI,
    ),
    Curl(
        "chat completions with tools",
        """curl https://c.acme.example/v1/chat/completions --json '{"model":"m","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}],"tool_choice":"auto","messages":[{"role":"user","content":"Hi"}]}'""",
        HI,
        "openai-chat",
        None,
        "m",
    ),
    Curl(
        "messages with thinking",
        """curl https://c.acme.example/v1/messages --json '{"model":"cl","max_tokens":2048,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}]}'""",
        HI,
        "anthropic-messages",
        None,
        "cl",
    ),
    Curl(
        "generateContent with more in its config",
        """curl https://c.acme.example/v1/models/g:generateContent --json '{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],"generationConfig":{"temperature":1,"candidateCount":1}}'""",
        HI,
        "gemini-generate",
        None,
        "g",
    ),
    Curl(
        "a value beyond the protocol's bounds",
        """curl https://c.acme.example/v1/chat/completions --json '{"model":"m","temperature":3,"n":1,"messages":[{"role":"user","content":"Hi"}]}'""",
        HI,
        "openai-chat",
        None,
        "m",
    ),
)
