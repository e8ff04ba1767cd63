"""The application of the Python peers: plain Flask and requests. What makes it part of a
trace is the agent that it is started with."""

import signal
import sys

import requests
from flask import Flask, jsonify, request
from werkzeug.serving import make_server

REPORTED = ["traceparent", "tracestate", "baggage", "sw8", "sw8-correlation", "sw8-x"]

app = Flask("interop")


@app.get("/call")
def call():
    answer = {
        "service": sys.argv[1],
        "received": {name: request.headers[name] for name in REPORTED if name in request.headers},
    }
    url = request.args.get("next")
    if url:
        try:
            answer["next"] = requests.get(url, timeout=20).json()
        except (requests.RequestException, ValueError) as error:
            answer["error"] = str(error)
    return jsonify(answer)


if __name__ == "__main__":
    # An agent sends what it still holds when the interpreter ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    server = make_server("127.0.0.1", 0, app, threaded=True)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
