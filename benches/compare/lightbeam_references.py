"""Times lightbeam's reference check of enrollments against an API on this machine; prints seconds.

Usage: python3 lightbeam_references.py DIR CORPUS; DIR holds students, schools and studentSchoolAssociations of
`payloads generate`. Only enrollments are validated: lightbeam 0.1.12 stops with a KeyError at resources whose
references are keyed by members of other references, such as sections.
"""

import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

folder, corpus = sys.argv[1], sys.argv[2]
openapi = os.path.join(corpus, "metadata", "openapi")


def document(name):
    with open(os.path.join(openapi, name), "rb") as file:
        return file.read()


with open(os.path.join(corpus, "metadata", "dependencies", "ods-ds-5.1-core.json"), "rb") as file:
    dependencies = file.read()


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(b'{"access_token":"x","expires_in":1800,"token_type":"bearer"}')

    def do_GET(self):
        self.answer(ANSWERS.get(self.path, b"[]"))

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
base = f"http://127.0.0.1:{server.server_port}"
documents = [{"name": kind.capitalize(), "endpointUri": f"{base}/{kind}", "prefix": ""} for kind in ("resources", "descriptors")]
urls = {"oauth": f"{base}/token", "dependencies": f"{base}/dependencies", "openApiMetadata": f"{base}/documents"}
ANSWERS = {
    "/": json.dumps({"version": "7.1", "urls": urls}).encode(),
    "/dependencies": dependencies,
    "/documents": json.dumps(documents).encode(),
    "/resources": document("resources-ds-5.1-core.json"),
    "/descriptors": document("descriptors-ds-5.1-core.json"),
}
threading.Thread(target=server.serve_forever, daemon=True).start()

with tempfile.TemporaryDirectory() as work:
    configuration = os.path.join(work, "lightbeam.yaml")
    with open(configuration, "w") as file:
        json.dump(
            {
                "data_dir": folder,
                "namespace": "ed-fi",
                "edfi_api": {"base_url": base, "version": 3, "mode": "shared_instance", "client_id": "a", "client_secret": "b"},
                "connection": {"verify_ssl": False},
                "validate": {"methods": ["references"]},
            },
            file,
        )
    command = [sys.executable, "-m", "lightbeam.__main__", "validate", "-c", configuration, "-s", "studentSchoolAssociations"]
    start = time.perf_counter()
    run = subprocess.run(command, cwd=work, capture_output=True, text=True)
    took = time.perf_counter() - start
if "validate ok" not in run.stdout + run.stderr:
    sys.exit(run.stdout + run.stderr)
print(took)
