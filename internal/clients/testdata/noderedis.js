// node-redis 4 to 6 with default options.

const { assert, check, eventually, goesOn, countTogether, upTo, module: name, prefix, addresses } = require('./check.js')
const { createClient, ErrorReply, WatchError } = require(name)

async function client(node) {
  const c = createClient({ url: 'redis://' + addresses[node] })
  c.on('error', () => {}) // without a listener, a lost connection ends the process
  await c.connect()
  return c
}

async function main() {
  const [c, other, third] = await Promise.all([client(0), client(1), client(2)])
  const counter = prefix + 'counter'

  await check('it counts to 1000 over three nodes', () => countTogether([c, other, third], (c) => c.incr(counter)))
  await check('it reads at another node', async () => assert.equal(await other.get(counter), '1000'))
  await check('a missing key is null', async () => {
    assert.equal(await c.get(prefix + 'missing'), null)
    assert.deepEqual(await c.mGet([counter, prefix + 'missing']), ['1000', null])
  })
  await check('an error is an error of its own', async () => {
    assert.equal(await c.set(prefix + 'text', 'abc'), 'OK')
    await assert.rejects(c.incr(prefix + 'text'), (e) => {
      assert(e instanceof ErrorReply)
      assert.equal(e.message, 'ERR value is not an integer or out of range')
      return true
    })
  })
  await check('a transaction', async () => {
    const key = prefix + 'tx'
    assert.deepEqual((await c.multi().incrBy(key, 5).get(key).exec()), [5, '5'])
    const own = await client(0) // a connection of its own, for what is watched
    await own.watch(key)
    await other.incr(key)
    await assert.rejects(own.multi().set(key, '100').exec(), WatchError)
    assert.equal(await c.get(key), '6')
    await (own.close ?? own.quit).call(own)
  })
  await check('a pipeline of 10000', async () => {
    assert.deepEqual(await Promise.all(upTo(10_000).map(() => c.incr(prefix + 'piped'))), upTo(10_000))
  })
  await check('an expiry', async () => {
    const key = prefix + 'short'
    assert.equal(await c.set(key, '1', { PX: 50, NX: true }), 'OK')
    assert.equal(await c.set(key, '1', { PX: 50, NX: true }), null)
    await eventually('the key is gone', async () => (await c.get(key)) === null)
    assert.equal(await c.ttl(key), -2)
  })
  await check('it scans', async () => {
    await Promise.all(upTo(100).map((i) => c.set(prefix + 'scan:' + i, '1')))
    const found = new Set()
    for await (const page of c.scanIterator({ MATCH: prefix + 'scan:*', COUNT: 30 })) {
      for (const key of [page].flat()) found.add(key) // version 4 gives key by key
    }
    assert.equal(found.size, 100)
  })
  await check('it publishes and subscribes', async () => {
    const sub = c.duplicate()
    sub.on('error', () => {})
    await sub.connect()
    const heard = []
    await sub.subscribe(prefix + 'news', (message) => heard.push(message))
    assert.equal(await c.publish(prefix + 'news', 'hello'), 1)
    await eventually('the message has come', () => heard.length > 0)
    assert.deepEqual(heard, ['hello'])
    await (sub.close ?? sub.quit).call(sub)
  })
  await check('it asks about the server', async () => {
    assert.equal(await c.ping(), 'PONG')
    assert.match(await c.info(), /redis_version:7\./)
    assert(Number((await c.configGet('maxclients')).maxclients) > 0)
  })
  await check('it goes on after a restart', () => goesOn(() => c.incr(prefix + 'restarted')))
  await Promise.all([c, other, third].map((c) => (c.close ?? c.quit).call(c)))
}

main().then(() => process.exit(0))
