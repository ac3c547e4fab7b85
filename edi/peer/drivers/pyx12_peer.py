"""Runs pyx12 for package peer, which has the protocol."""

import io
import json
import logging
import sys
import time

import pyx12
import pyx12.errors
import pyx12.params
import pyx12.x12file
import pyx12.x12n_document

logging.disable(logging.CRITICAL)


def read(text):
    segments, errors = 0, []
    src = pyx12.x12file.X12Reader(io.StringIO(text, newline=None))
    for _ in src:
        segments += 1
        errors += src.pop_errors()
    src.cleanup()
    return segments, errors + src.pop_errors()


def facts(text):
    out = {"sets": [], "ack": "", "errors": [], "failed": ""}
    ack = io.StringIO()
    try:
        out["errors"] = [" ".join(str(x) for x in e) for e in read(text)[1]]
        try:
            pyx12.x12n_document.x12n_document(pyx12.params.ParamsBase(), io.StringIO(text, newline=None), ack, None)
            out["ack"] = ack.getvalue()
        except pyx12.errors.EngineError:
            pass  # it has no map of such a set, and gives no verdict
    except Exception as e:  # whatever it cannot read is a fact
        out["failed"] = f"{type(e).__name__}: {e}"
    return out


held, text = None, ""
for line in sys.stdin:
    order, seconds, path = line.rstrip("\n").split("\t", 2)
    if path != held:
        with open(path, "rb") as f:
            held, text = path, f.read().decode("latin-1")
    if order == "facts":
        print(json.dumps(facts(text)), flush=True)
        continue
    start, passes, segments, failed = time.process_time(), 0, 0, ""
    try:
        while passes == 0 or time.process_time() - start < float(seconds):
            segments = read(text)[0]
            passes += 1
    except Exception as e:
        failed = f"{type(e).__name__}: {e}"
    print(json.dumps({"bytes": passes * len(text), "cpu": time.process_time() - start, "segments": segments, "failed": failed}), flush=True)
