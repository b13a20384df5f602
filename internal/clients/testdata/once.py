"""ONCE with redis-py, as docs/CLIENTS.md shows it: python3 once.py ADDRESS KEY prints what two increments are told."""

import sys
import time

import redis


class Once:
    """Does writes once. Each thread has its own."""

    def __init__(self, client):
        self.client, self.number = client, 0
        self.session = client.execute_command("ONCE", "OPEN")

    def do(self, *command):
        self.number += 1
        while True:
            try:
                return self.client.execute_command("ONCE", self.session, self.number, *command)
            except (redis.ConnectionError, redis.TimeoutError):
                pass  # perhaps it was done: the same number asks for the reply
            except redis.ResponseError as e:
                if not str(e).startswith(("UNKNOWN ", "CLUSTERDOWN ", "MISCONF ")):
                    raise
            time.sleep(0.1)


host, port = sys.argv[1].rsplit(":", 1)
once = Once(redis.Redis(host=host, port=int(port)))
print(once.do("INCR", sys.argv[2]), once.do("INCR", sys.argv[2]))
