# Increments the counters whose names it reads from stdin, through a facade:
#
#     facade.py sentinel|cluster HOST:PORT ...
#
# and says "ok", or in one line why not.
import logging
import sys

from redis.cluster import ClusterNode, RedisCluster
from redis.sentinel import Sentinel

logging.disable(logging.CRITICAL)  # the library logs each connection that breaks, with a trace
kind = sys.argv[1]
addrs = [(host, int(port)) for host, port in (a.rsplit(":", 1) for a in sys.argv[2:])]
if kind == "sentinel":
    client = Sentinel(addrs, socket_timeout=2).master_for("mymaster", socket_timeout=2)
else:
    client = RedisCluster(startup_nodes=[ClusterNode(h, p) for h, p in addrs], socket_timeout=2)

for line in sys.stdin:
    try:
        client.incr(line.strip())
        print("ok", flush=True)
    except Exception as e:
        print(type(e).__name__, " ".join(str(e).split()), flush=True)
