# SPDX-License-Identifier: MIT
"""metrics_reader.py PORT: what prometheus_client reads in the metrics there, as
JSON: [family, type, help, [[name, labels, value], ...]] for each."""

import json
import sys
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

URL = f"http://127.0.0.1:{sys.argv[1]}/metrics"
with urllib.request.urlopen(URL, timeout=60) as answer:
    text = answer.read().decode()
print(json.dumps([[f.name, f.type, f.documentation,
                   [[s.name, s.labels, s.value] for s in f.samples]]
                  for f in text_string_to_metric_families(text)]))
