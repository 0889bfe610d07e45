import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { getOf } from '../suites/gateway/load.ts'
import { CONNECTIONS, openLoop } from '../suites/gateway/rate/open-loop.ts'

test('an open loop counts what a client waits from when its request was due, and does not wait for slow answers to send the next', async (t) => {
  const STALL_MS = 80
  let received = 0
  let [duringStall, isStalled] = [0, false]
  const server = createServer((_request, response) => {
    if (isStalled) duringStall++
    if (++received !== CONNECTIONS + 20) return void response.end('done')
    isStalled = true
    setTimeout(() => {
      isStalled = false
      response.end('done')
    }, STALL_MS)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const { waitedMs, lateMs } = await openLoop({ port, message: getOf('/'), perSecond: 400, warmUpSeconds: 0, seconds: 0.2, seed: 1 })
  assert.equal(waitedMs.length, 80)
  assert.equal(received, CONNECTIONS + 80)
  assert.ok(duringStall > 0, 'the rate went on')
  // A timer may come a little early.
  assert.ok(waitedMs.at(-1)! >= STALL_MS - 2, `the slowest waited ${waitedMs.at(-1)} ms`)
  assert.ok(lateMs.at(-1)! < waitedMs.at(-1)!, "that the answer was slow is not the generator's own delay")
})
