"""An AS2 station on pyas2lib, told by folders.

pyas2.py DIR PORT URL

DIR holds theirs.pem (its certificate and key) and ours.crt. Files in outbox named CELL-PAKLOG-NAME are
sent to URL in the form that the cell's name says; what comes lies in inbox, receipts for what it sent in mdn,
and messages whose receipt is no proof in error, each under a name that begins or ends with the cell's.
"""
import http.client
import http.server
import os
import re
import sys
import threading
import time
import urllib.parse

search = re.search  # oscrypto 1.3.0 reads an OpenSSL of two digits in no place
re.search = lambda p, s, *a: search(p.replace(r"\d\.\d\.\d", r"\d+\.\d+\.\d+") if isinstance(p, str) else p, s, *a)
from pyas2lib import Mdn, Message, Organization, Partner  # noqa: E402

re.search = search
DIR, PORT, URL = sys.argv[1], int(sys.argv[2]), sys.argv[3]
KEY, OURS = (open(os.path.join(DIR, f), "rb").read() for f in ("theirs.pem", "ours.crt"))
sent = {}


def keep(folder, name, data):
    path = os.path.join(DIR, "temp", name)
    with open(path, "wb") as f:
        f.write(data)
    os.rename(path, os.path.join(DIR, folder, name))


def organization(name):
    return Organization(as2_name=name, sign_key=KEY, decrypt_key=KEY, mdn_url=f"http://127.0.0.1:{PORT}/mdn", domain="foreign")


def partner(cell, sends=False):
    form, receipt = cell.split("_")
    asked = {} if receipt == "NO" else {"mdn_mode": "ASYNC" if receipt.endswith("A") else "SYNC"}
    if receipt.startswith("SI"):
        asked["mdn_digest_alg"] = "sha256"
    if "R" in form and sends:  # its receipts are signed by the same setting, and what it writes of PSS nobody can verify
        asked["sign_alg"] = "rsassa_pss"
    if "O" in form:
        asked["key_enc_alg"] = "rsaes_oaep"
    return Partner(as2_name="PAKLOG", verify_cert=OURS, encrypt_cert=OURS, validate_certs=False, sign="S" in form, digest_alg="sha256",
                   encrypt="E" in form, enc_alg="aes_256_cbc", compress="C" in form, **asked)


def raw(headers, body):
    return b"".join(f"{k}: {v}\r\n".encode() for k, v in headers) + b"\r\n" + body


def post(url, headers, body):
    u = urllib.parse.urlparse(url)
    c = http.client.HTTPConnection(u.hostname, u.port, timeout=60)
    c.request("POST", u.path or "/", body=body, headers=headers)
    r = c.getresponse()
    return r.getheaders(), r.read()


def judge(data):
    """A receipt for what was sent."""
    mdn = Mdn()
    status, _ = mdn.parse(data, lambda mid, _: sent.get(mid, (None, None))[1])
    cell = sent[mdn.orig_message_id][0]
    keep("mdn", f"{cell}-PAKLOG-mdn", data)
    if not status.startswith("processed"):
        keep("error", f"x@{cell}_PAKLOG", status.encode())


def send(name):
    cell = name.split("-")[0]
    path = os.path.join(DIR, "outbox", name)
    with open(path, "rb") as f:
        content = f.read()
    m = Message(organization(cell), partner(cell, sends=True))
    m.build(content, filename=name, subject="a document", content_type="application/edi-x12")
    sent[m.message_id] = cell, m
    os.remove(path)
    headers, body = post(URL, dict(m.headers), m.content)
    if cell.endswith(("SI", "UN")):
        judge(raw(headers, body))


class Station(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, headers, body):
        self.send_response(200)
        for k, v in headers.items():
            self.send_header(k, v)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        data = raw(self.headers.items(), self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/mdn":
            self.answer({}, b"")
            judge(data)
            return
        m = Message()
        status, exception, mdn = m.parse(data, find_org_cb=organization, find_partner_cb=lambda _: partner(self.headers["AS2-To"]), find_message_cb=lambda *_: False)
        if status != "processed":
            print(status, exception, flush=True)
        else:
            keep("inbox", f"{time.time_ns()}-{threading.get_ident()}", m.content)
        if not mdn:
            self.answer({}, b"")
        elif mdn.mdn_mode == "ASYNC":
            self.answer({}, b"")
            threading.Thread(target=post, args=(mdn.mdn_url, dict(mdn.headers), mdn.content)).start()
        else:
            self.answer(dict(mdn.headers), mdn.content)


threading.Thread(target=http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Station).serve_forever, daemon=True).start()
while True:
    for waiting in os.listdir(os.path.join(DIR, "outbox")):
        send(waiting)
    time.sleep(0.1)
