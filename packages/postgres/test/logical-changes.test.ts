import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { suite, test } from 'node:test'
import { eventually } from '@seaworthy/testing'
import { type LogicalReceiver, startLogicalChanges } from '@seaworthy/postgres'
import { statusUpdate } from '../src/replication-session.ts'

const nobody: LogicalReceiver = {
  begin: () => undefined,
  change: () => undefined,
  truncated: () => undefined,
  message: () => undefined,
  commit: () => undefined,
  progress: () => undefined,
}

/** A message of PostgreSQL's protocol, from the server. */
function message(code: string, body: Buffer): Buffer {
  const head = Buffer.from(`${code}\0\0\0\0`, 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

const AUTHENTICATED = message('R', Buffer.alloc(4))
const READY = message('Z', Buffer.from('I'))
const ENDED = message('E', Buffer.from('SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0', 'latin1'))

void suite('a session that replicates', () => {
  test('is opened again where the server ends it in the moment in which it is opened', async (t) => {
    let sessions = 0
    const server = createServer((socket) => {
      sessions++
      socket.on('error', () => undefined)
      // All that there is to say in one packet: nobody has a chance to listen in between.
      socket.once('data', () => socket.end(Buffer.concat([AUTHENTICATED, READY, ENDED])))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => void server.close())
    const { port } = server.address() as AddressInfo
    const connection = { host: '127.0.0.1', port, user: 'u', database: 'd' }
    const changes = startLogicalChanges({ connection, slot: 's', publication: 'p', receiver: nobody })
    t.after(() => changes.stop())
    await eventually('it is opened again and again', () => sessions > 2)
    assert.match(String(changes.failure()), /administrator command/)
  })
  test('says up to where it has stored the server’s log, and when', () => {
    const update = statusUpdate('16/B374D848', { atMs: Date.UTC(2000, 0, 1, 0, 0, 2), isAsking: true })
    const place = '00000016b374d848'
    assert.equal(update.toString('hex'), `72${place.repeat(3)}${(2_000_000).toString(16).padStart(16, '0')}01`)
  })
})
