import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { Http1Pool } from '../src/http1-pool.ts'
import { proxyParts } from '../src/index.ts'
import type { UpstreamAddress } from '../src/upstream-address.ts'
import type { UpstreamConnection } from '../src/upstream-connection.ts'
import type { UpstreamLink } from '../src/upstream-link.ts'

/** A pool whose connections are made when the test says so. */
function paced(limits: Parameters<typeof proxyParts>[0]['limits'] = {}) {
  const dialed: Duplex[] = []
  const dial = () => {
    const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
    dialed.push(socket)
    return socket
  }
  const pool = new Http1Pool({ name: 'up', readyEvent: 'connect', dial } as unknown as UpstreamAddress, proxyParts({ limits }))
  const links: UpstreamLink[] = []
  const failures: string[] = []
  const user = { onOpen() {}, onInterim() {}, onSwitch() {}, onAnswer() {}, onDrain() {}, onBroken: () => {}, holdsBytes: false }
  const acquire = () =>
    pool.acquire({
      onLink: (link) => {
        links.push(link)
        link.begin(user, 'GET')
      },
      onNoLink: ({ message }) => failures.push(message),
    })
  let opened = 0
  const open = (count: number) => {
    const sockets = dialed.slice(opened, opened + count)
    opened += sockets.length
    for (const socket of sockets) socket.emit('connect')
  }
  return { pool, dialed, links, failures, acquire, open }
}

test('a burst makes a few connections at once, and more only while nobody becomes free', () => {
  const { dialed, links, acquire, open } = paced()
  for (let request = 0; request < 100; request++) acquire()
  assert.equal(dialed.length, 8)
  open(5)
  assert.equal(dialed.length, 8, 'the next are made when most of these are open')
  open(1)
  assert.equal(dialed.length, 14)
  for (let wave = 0; wave < 20; wave++) open(dialed.length)
  assert.equal(links.length, 100, 'where none becomes free, each request has one of its own')
})

test('what becomes free serves those that wait, before more connections are made', () => {
  const { pool, dialed, links, acquire, open } = paced()
  for (let request = 0; request < 20; request++) acquire()
  open(5)
  for (let served = 0; served < 12; served++) pool.onFree(links[0] as UpstreamConnection)
  assert.equal(links.length, 20)
  open(3)
  assert.equal(dialed.length, 8)
})

test('connections that take long to be made keep no others from being made for those that wait', () => {
  const { dialed, links, acquire } = paced()
  for (let request = 0; request < 20; request++) acquire()
  // Of the first eight, two never open, and nobody becomes free.
  for (let seen = 2; seen < dialed.length;) {
    const opening = dialed.slice(seen)
    seen = dialed.length
    for (const socket of opening) socket.emit('connect')
  }
  assert.equal(links.length, 20)
})

test('where no connection can be made, every request hears of it from an attempt of its own', () => {
  const { dialed, acquire, open } = paced()
  for (let request = 0; request < 20; request++) acquire()
  dialed[0]!.emit('error', new Error('refused'))
  assert.equal(dialed.length, 20)
  // And until one can be made again, no request waits for others' attempts.
  acquire()
  assert.equal(dialed.length, 21)
  open(21)
  for (let request = 0; request < 20; request++) acquire()
  assert.equal(dialed.length, 29)
})

test('a request for which there is no place in the queue has a connection, while there may be more', () => {
  const { dialed, failures, acquire } = paced({ queueMax: 2, upstreamConnectionsMax: 10 })
  for (let request = 0; request < 12; request++) acquire()
  assert.deepEqual([dialed.length, failures], [10, []])
  acquire()
  assert.equal(failures.length, 1)
})

test('who comes later does not get a connection before those that wait', () => {
  const { pool, links, open } = paced()
  const order: number[] = []
  const acquire = (number: number) =>
    pool.acquire({ onLink: (link) => (links.push(link), order.push(number)), onNoLink: ({ message }) => assert.fail(message) })
  const numbers = Array.from({ length: 30 }, (_, number) => number)
  for (const number of numbers.slice(0, 12)) acquire(number)
  // Never all of them: one that is being made may take as long as it likes.
  open(7)
  for (const number of numbers.slice(12)) {
    acquire(number)
    open(1)
  }
  assert.deepEqual(order, numbers.slice(0, order.length))
  assert.ok(order.length >= 26, `${order.length} of 30 have a connection`)
})
