"""redis-py with default options: python3 redispy.py PREFIX ADDRESS ADDRESS ADDRESS. What is printed: script_test.go."""

import sys
import threading
import time

import redis

prefix, addresses = sys.argv[1], [a.rsplit(":", 1) for a in sys.argv[2:5]]
patience = 30


def client(node):
    host, port = addresses[node]
    return redis.Redis(host=host, port=int(port))


def check(name):
    """Runs the function below it at once."""

    def run(function):
        try:
            function()
            print("ok", name, flush=True)
        except Exception as e:
            print(f"not ok {name}: {type(e).__name__}: {e}".replace("\n", " "), flush=True)

    return run


def wants(got, want):
    assert got == want, f"{got!r}, want {want!r}"


def eventually(condition):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "not in time"


c, other = client(0), client(1)
counter = prefix + "counter"


@check("it counts to 1000 over three nodes")
def _():
    told, failed = [], []

    def count(connection, n):
        try:
            for _ in range(n):
                told.append(connection.incr(counter))
        except Exception as e:
            failed.append(e)

    threads = [threading.Thread(target=count, args=(client(i % 3), 200)) for i in range(5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    wants(failed, [])
    wants(sorted(told), list(range(1, 1001)))


@check("it reads at another node")
def _():
    wants(other.get(counter), b"1000")


@check("a missing key is null")
def _():
    wants(c.get(prefix + "missing"), None)
    wants(c.mget(counter, prefix + "missing"), [b"1000", None])


@check("an error is an error of its own")
def _():
    wants(c.set(prefix + "text", "abc"), True)
    try:
        c.incr(prefix + "text")
        assert False, "no error"
    except redis.ResponseError as e:
        wants(str(e), "value is not an integer or out of range")


@check("a transaction")
def _():
    key = prefix + "tx"
    wants(c.pipeline().incrby(key, 5).expire(key, 60).get(key).execute(), [5, True, b"5"])
    with c.pipeline() as pipe:  # nothing else is WATCHed
        pipe.watch(key)
        n = int(pipe.get(key))
        other.incr(key)
        pipe.multi()
        pipe.set(key, n * 2)
        try:
            pipe.execute()
            assert False, "the transaction has not noticed that another was faster"
        except redis.WatchError:
            pass
    wants(c.get(key), b"6")
    wants(c.transaction(lambda pipe: (pipe.multi(), pipe.incrby(key, 4)), key), [10])


@check("a pipeline of 10000")
def _():
    for transaction in (False, True):
        key = f"{prefix}piped:{transaction}"
        pipe = c.pipeline(transaction=transaction)
        for _ in range(10000):
            pipe.incr(key)
        wants(pipe.execute(), list(range(1, 10001)))


@check("an expiry")
def _():
    key = prefix + "short"
    wants(c.set(key, 1, px=50, nx=True), True)
    wants(c.set(key, 1, px=50, xx=True, get=True), b"1")
    eventually(lambda: c.get(key) is None)
    wants(c.ttl(key), -2)
    wants(c.incr(key), 1)
    wants(c.ttl(key), -1)


@check("it scans")
def _():
    wants(c.mset({f"{prefix}scan:{i}": i for i in range(100)}), True)
    wants(len(set(c.scan_iter(match=prefix + "scan:*", count=30))), 100)


@check("it publishes and subscribes")
def _():
    channel = prefix + "news"
    sub = c.pubsub(ignore_subscribe_messages=True)
    sub.subscribe(channel)
    heard = []
    wants(sub.get_message(timeout=patience), None)  # the confirmation
    wants(c.publish(channel, "hello"), 1)
    eventually(lambda: heard.append(sub.get_message(timeout=1)) or heard[-1])
    wants(heard[-1]["data"], b"hello")
    sub.close()


@check("it asks about the server")
def _():
    wants(c.ping(), True)
    info = c.info()
    wants((info["role"], info["redis_mode"], info["loading"]), ("master", "standalone", 0))
    assert info["redis_version"].startswith("7."), info["redis_version"]
    assert int(c.config_get("maxclients")["maxclients"]) > 0
    assert c.client_setname("script"), "no name"
    wants(c.client_getname(), "script")
    assert any(row["name"] == "script" for row in c.client_list()), c.client_list()
    wants(c.incrbyfloat(prefix + "float", 1.5), 1.5)


@check("it goes on after a restart")
def _():
    key, tries = prefix + "restarted", 0
    before = c.incr(key)
    print("restart", flush=True)
    sys.stdin.readline()

    def again():
        nonlocal tries, after
        tries += 1
        try:
            after = c.incr(key)
        except redis.ConnectionError:
            return False
        return True

    after = 0
    eventually(again)
    assert before < after <= before + tries, f"{before} before, {after} after {tries} tries"
