// ONCE with ioredis, as docs/CLIENTS.md shows it: node once.js MODULE ADDRESS KEY prints what two increments are told.

const [module_, address, key] = process.argv.slice(2)
const Redis = require(module_)

// Does writes once, also several at a time, but not more than 256.
class Once {
  constructor(client) {
    this.client = client
    this.number = 0
    this.session = client.call('ONCE', 'OPEN')
  }

  async do(...command) {
    const number = ++this.number
    await this.session // or fail, if none could be opened
    for (;;) {
      try {
        return await this.client.call('ONCE', await this.session, number, ...command)
      } catch (e) {
        if (e instanceof Redis.ReplyError && !/^(UNKNOWN|CLUSTERDOWN|MISCONF|ERR max number of clients) /.test(e.message)) throw e
      }
      await new Promise(soon => setTimeout(soon, 100))
    }
  }
}

async function main() {
  const [, host, port] = address.match(/^(.*):(\d+)$/)
  const client = new Redis(Number(port), host)
  client.on('error', () => {}) // it prints a lost connection otherwise
  const once = new Once(client)
  console.log(await once.do('INCR', key), await once.do('INCR', key))
  client.disconnect()
}

main()
