// ioredis 5 and 6 with default options.

const { assert, check, eventually, goesOn, countTogether, upTo, module: name, prefix, addresses } = require('./check.js')
const Redis = require(name)

function client(node) {
  const [, host, port] = addresses[node].match(/^(.*):(\d+)$/)
  const c = new Redis(Number(port), host)
  c.on('error', () => {}) // it prints a lost connection otherwise
  return c
}

async function main() {
  const [c, other, third] = [client(0), client(1), client(2)]
  const counter = prefix + 'counter'

  await check('it counts to 1000 over three nodes', () => countTogether([c, other, third], (c) => c.incr(counter)))
  await check('it reads at another node', async () => assert.equal(await other.get(counter), '1000'))
  await check('a missing key is null', async () => {
    assert.equal(await c.get(prefix + 'missing'), null)
    assert.deepEqual(await c.mget(counter, prefix + 'missing'), ['1000', null])
  })
  await check('an error is an error of its own', async () => {
    assert.equal(await c.set(prefix + 'text', 'abc'), 'OK')
    await assert.rejects(c.incr(prefix + 'text'), (e) => {
      assert(e instanceof Redis.ReplyError)
      assert.equal(e.message, 'ERR value is not an integer or out of range')
      return true
    })
  })
  await check('a transaction', async () => {
    const key = prefix + 'tx'
    assert.deepEqual(await c.multi().incrby(key, 5).get(key).exec(), [[null, 5], [null, '5']])
    const own = client(0) // a connection of its own, for what is watched
    await own.watch(key)
    await other.incr(key)
    assert.equal(await own.multi().set(key, '100').exec(), null)
    assert.equal(await c.get(key), '6')
    await own.quit()
  })
  await check('a pipeline of 10000', async () => {
    const pipe = c.pipeline()
    for (let i = 0; i < 10_000; i++) pipe.incr(prefix + 'piped')
    assert.deepEqual(await pipe.exec(), upTo(10_000).map((n) => [null, n]))
  })
  await check('an expiry', async () => {
    const key = prefix + 'short'
    assert.equal(await c.set(key, '1', 'PX', 50, 'NX'), 'OK')
    assert.equal(await c.set(key, '1', 'PX', 50, 'NX'), null)
    await eventually('the key is gone', async () => (await c.get(key)) === null)
    assert.equal(await c.ttl(key), -2)
  })
  await check('it scans', async () => {
    await Promise.all(upTo(100).map((i) => c.set(prefix + 'scan:' + i, '1')))
    const found = new Set()
    for await (const page of c.scanStream({ match: prefix + 'scan:*', count: 30 })) {
      for (const key of page) found.add(key)
    }
    assert.equal(found.size, 100)
  })
  await check('it publishes and subscribes', async () => {
    const sub = c.duplicate()
    sub.on('error', () => {})
    const heard = []
    sub.on('message', (channel, message) => heard.push([channel, message]))
    assert.equal(await sub.subscribe(prefix + 'news'), 1)
    assert.equal(await c.publish(prefix + 'news', 'hello'), 1)
    await eventually('the message has come', () => heard.length > 0)
    assert.deepEqual(heard, [[prefix + 'news', 'hello']])
    await sub.quit()
  })
  await check('it asks about the server', async () => {
    assert.equal(await c.ping(), 'PONG')
    assert.match(await c.info(), /redis_version:7\./)
    const settings = await c.config('GET', 'maxclients') // a list, or a map with RESP3
    assert(JSON.stringify(settings instanceof Map ? [...settings] : settings).includes('maxclients'))
  })
  await check('it goes on after a restart', () => goesOn(() => c.incr(prefix + 'restarted')))
  await Promise.all([c, other, third].map((c) => c.quit()))
}

main().then(() => process.exit(0))
