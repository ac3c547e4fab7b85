"""Runs pydifact for package peer, which has the protocol."""

import json
import sys
import time
import warnings

from pydifact.segmentcollection import Interchange

warnings.simplefilter("ignore")


def facts(text):
    out = {"sets": [], "ack": "", "errors": [], "failed": ""}
    try:
        read = Interchange.from_str(text)
        try:
            read.validate()
        except Exception as e:
            out["errors"].append(f"{type(e).__name__}: {e}")
        for m in read.get_messages():
            segments = []
            for s in m.segments:
                elements = ["\x1f".join(str(c) for c in e) if isinstance(e, (list, tuple)) else str(e) for e in s.elements]
                segments.append("\x1d".join([s.tag, *elements]))
            out["sets"].append({"type": m.type, "control": m.reference_number, "segments": segments})
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
            # It reads one interchange, so each is handed over alone.
            segments, at = 0, 0
            while at < len(text):
                end = text.find("\nUNB+", at + 1)
                end = len(text) if end < 0 else end + 1
                segments += sum(len(m.segments) for m in Interchange.from_str(text[at:end]).get_messages())
                at = end
            passes += 1
    except Exception as e:
        failed = f"{type(e).__name__}: {e}"
    print(json.dumps({"bytes": passes * len(text), "cpu": time.process_time() - start, "segments": segments, "failed": failed}), flush=True)
