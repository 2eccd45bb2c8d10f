#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP server for tests: http_server.py FOLDER listens on 127.0.0.1, writes its port to FOLDER/port
and each request to FOLDER/requests.jsonl, and answers as the first part of the path says:
    ok, 400, 500    with that status (200)
    flaky           503 to every other request
    drop            closes the connection in the middle of its answer
    hang            reads the request and never answers
    slow            200 after 0.1 s
It ends when FOLDER/end is there, at the latest after a minute."""
import http.server
import json
import os
import sys
import threading
import time

FOLDER = sys.argv[1]
COUNT = [0]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        COUNT[0] += 1
        mode = self.path.split("/")[1]
        status = {"400": 400, "500": 500}.get(mode, 200)
        if mode == "flaky" and COUNT[0] % 2:
            status = 503
        with open(os.path.join(FOLDER, "requests.jsonl"), "a") as f:
            f.write(json.dumps({"path": self.path, "status": status, "event": json.loads(body),
                                "type": self.headers["Content-Type"],
                                "authorization": self.headers["Authorization"]}) + "\n")
        if mode == "hang":
            time.sleep(60)
        if mode == "slow":
            time.sleep(0.1)
        if mode == "drop":
            self.wfile.write(b"HTTP/1.1 200 O")
            self.wfile.flush()
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
with open(os.path.join(FOLDER, "port.new"), "w") as f:
    f.write(str(server.server_address[1]))
os.rename(os.path.join(FOLDER, "port.new"), os.path.join(FOLDER, "port"))
until = time.monotonic() + 60
while time.monotonic() < until and not os.path.exists(os.path.join(FOLDER, "end")):
    time.sleep(0.02)
