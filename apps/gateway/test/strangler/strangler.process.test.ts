import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { ask, type TestUpstream, until, upstream } from '../rig.ts'
import { CLI, gatewayProcess, NODE_FLAGS, write } from './gateway-process.ts'
import { temporaryFolder, textOf } from './rig.ts'

/** A side that answers with its name, and echoes what comes on a WebSocket. */
async function sideCalled(t: TestContext, name: string): Promise<TestUpstream> {
  const up = await upstream(t, (request, response) => void request.resume().on('end', () => response.end(name)))
  up.server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n')
    socket
      .on('data', (chunk: Buffer) => socket.write(chunk))
      .on('end', () => socket.end())
      .on('error', () => {})
  })
  return up
}

const run = promisify(execFile)

describe('seaworthy gateway', () => {
  test('is asked and told by the command line, keeps its shares through a kill, and reads its file again when that changes', async (t) => {
    const folder = temporaryFolder(t)
    const path = join(folder, 'gateway.json')
    const [monolith, reviews] = [await sideCalled(t, 'monolith'), await sideCalled(t, 'reviews')]
    const text = JSON.stringify(textOf({ monolith: monolith.url, reviews: reviews.url }), null, 2)
    write(path, text)
    const first = await gatewayProcess(t, path)
    const of = async (port: number) => (await ask(port, { path: '/reviews/1', headers: { 'x-user': 'ada' } })).body
    assert.equal(await of(first.port), 'monolith')
    assert.match(await first.seaworthy('shift', 'reviews', '100', '--why', 'it is ready'), /reviews: 0 % → 100 % at reviews\./)
    assert.equal(await of(first.port), 'reviews')
    assert.match(
      await first.seaworthy('explain', 'GET', '/reviews/1', '--header', 'x-user: ada'),
      /share +100 % moved[^]*upstream +reviews \(the new side\)/,
    )
    assert.match(await first.seaworthy('status'), /reviews +any \/reviews\/\* +monolith → reviews +100 % +1 +0 +1 +0(?: +0\.0 x)?\n/)
    assert.match(await first.seaworthy('ledger', '--route', 'reviews'), /reviews +shift +0 % → 100 % .+ it is ready/)
    assert.equal(await first.seaworthy('comparisons'), 'No route is shadowed.\n')

    first.child.kill('SIGKILL')
    await first.exited
    const second = await gatewayProcess(t, path)
    assert.equal(await of(second.port), 'reviews')
    assert.match(await second.seaworthy('rollback', 'reviews'), /reviews: 100 % → 0 %\./)
    assert.equal(await of(second.port), 'monolith')
    await assert.rejects(second.seaworthy('shift', 'ghost', '1'), /There is no route ghost/)

    write(path, text.replace('"/reviews/*"', '"/reviews//*"'))
    await until(
      () => second.said.some((line) => /was not taken.*gateway\.json:\d+: routes\[0\]\.match/.test(line)),
      'the wrong file is seen',
    )
    assert.equal(await of(second.port), 'monolith')
    write(path, text.replace(monolith.url.origin, reviews.url.origin))
    await until(() => second.said.some((line) => line.includes('is in force')), 'the right file is seen')
    assert.equal(await of(second.port), 'reviews')
    second.child.kill('SIGTERM')
    assert.equal(await second.exited, 0)
  })

  test('ends with file, line and field when its file is wrong', async (t) => {
    const path = join(temporaryFolder(t), 'gateway.json')
    write(path, '{\n  "listen": { "port": 70000 }\n}')
    await assert.rejects(run(process.execPath, [...NODE_FLAGS, CLI, 'gateway', '--config', path]), /gateway\.json:2: listen\.port is 70000/)
  })

  test('drops no request and no frame in two hundred shifts, reloads and rollbacks under load', async (t) => {
    const CHANGES = 200
    const folder = temporaryFolder(t)
    const path = join(folder, 'gateway.json')
    const [monolith, reviews, elsewhere] = [await sideCalled(t, 'monolith'), await sideCalled(t, 'reviews'), await sideCalled(t, 'reviews')]
    const textWith = (side: TestUpstream) => JSON.stringify(textOf({ monolith: monolith.url, reviews: side.url }))
    write(path, textWith(reviews))
    const { admin, port, child, exited } = await gatewayProcess(t, path)

    const socket = connect(port, '127.0.0.1')
    socket.write('GET /reviews/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    const [head] = await once(socket, 'data')
    assert.match(String(head), /^HTTP\/1\.1 101 /)
    let frames = ''
    let sent = ''
    let isBroken = false
    socket
      .on('data', (chunk: Buffer) => (frames += chunk.toString()))
      .on('close', () => (isBroken = true))
      .on('error', () => {})

    const answers = new Map<string, number>()
    const load = new AbortController()
    const clients = Array.from({ length: 8 }, async (_, client) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      for (let number = 0; !load.signal.aborted; number++) {
        const request = number % 3 === 0 ? { method: 'POST', body: 'x'.repeat(100 * (number % 50)) } : {}
        const answer = await ask(port, {
          path: `/reviews/${number}`,
          headers: { 'x-user': `${client}-${number % 7}` },
          agent,
          ...request,
        }).then(
          ({ status, body }) => `${status} ${body}`,
          (error: Error) => error.message,
        )
        answers.set(answer, (answers.get(answer) ?? 0) + 1)
      }
      agent.destroy()
    })
    const by = { who: 'ada', why: 'a test' }
    for (let change = 0; change < CHANGES; change++) {
      const frame = `<${change}>`
      sent += frame
      socket.write(frame)
      const kind = change % 4
      if (kind === 3) write(path, textWith(change % 8 === 3 ? elsewhere : reviews))
      const answer = await (kind === 2
        ? admin('POST', '/rollback', { route: 'reviews', ...by })
        : kind === 3
          ? admin('POST', '/reload')
          : admin('POST', '/shift', { route: 'reviews', percent: [10, 60, 100][change % 3], ...by }))
      assert.equal(answer.status, 200, answer.body)
    }
    load.abort()
    await Promise.all(clients)
    await until(() => frames.length >= sent.length || isBroken, 'every frame comes back')
    assert.equal(frames, sent, 'no frame is lost, and the WebSocket outlives every change')
    assert.deepEqual([...answers.keys()].toSorted(), ['200 monolith', '200 reviews'], JSON.stringify([...answers]))
    const total = [...answers.values()].reduce((sum, count) => sum + count, 0)
    assert.ok(total > CHANGES, `${total} requests are no load`)
    t.diagnostic(`${CHANGES} changes under ${total} requests: 0 dropped`)
    socket.destroy()
    child.kill('SIGTERM')
    assert.equal(await exited, 0)
  })
})
