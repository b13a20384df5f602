// What the scripts of the JavaScript clients share: node SCRIPT MODULE PREFIX ADDRESS ADDRESS ADDRESS. What is printed:
// script_test.go.

const assert = require('node:assert/strict')
const readline = require('node:readline')

const patience = 30_000
const [module_, prefix, ...addresses] = process.argv.slice(2)

async function check(name, body) {
  try {
    await body()
    console.log('ok ' + name)
  } catch (e) {
    console.log(`not ok ${name}: ${e}`.replaceAll('\n', ' '))
  }
}

async function eventually(what, condition) {
  const deadline = Date.now() + patience
  while (!(await condition())) {
    assert(Date.now() < deadline, 'not in time: ' + what)
    await new Promise((wake) => setTimeout(wake, 10))
  }
}

const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()

// goesOn restarts the first node under a client, and increments until that succeeds. Each failed try may have counted.
async function goesOn(incr) {
  const before = await incr()
  console.log('restart')
  await answers.next()
  let after
  let tries = 0
  await eventually('the client increments again', async () => {
    tries++
    try {
      after = await incr()
      return true
    } catch (e) {
      return false
    }
  })
  assert(before < after && after <= before + tries, `${before} before, ${after} after ${tries} tries`)
}

// upTo is [1, …, n].
const upTo = (n) => Array.from({ length: n }, (_, i) => i + 1)

// countTogether increments at each client at once, each several times without waiting, and wants each number told once.
async function countTogether(clients, incr) {
  const each = await Promise.all(
    clients.map((c, i) => Promise.all(upTo(i === 0 ? 334 : 333).map(() => incr(c)))))
  assert.deepEqual(each.flat().sort((a, b) => a - b), upTo(1000))
}

process.on('unhandledRejection', (e) => {
  console.error(e)
  process.exit(1)
})

module.exports = { assert, check, eventually, goesOn, countTogether, upTo, module: module_, prefix, addresses }
