import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHttpProxy, type TappedAnswer } from '../src/index.ts'
import { ask, proxyBefore, rawUpstream, until, upstream } from './rig.ts'

interface Tapped extends TappedAnswer {
  readonly target: string
}

const tapInto = (told: Tapped[], bodyBytesMax = 1_000) => ({
  bodyBytesMax,
  tapOf: ({ method, target }: { readonly method: string; readonly target: string }) =>
    method === 'POST' ? undefined : (answer: TappedAnswer) => void told.push({ ...answer, target }),
})

test('an answer is told as the client got it, and only when somebody wants it', async (t) => {
  const up = await upstream(t, (request, response) => {
    response.setHeader('x-kind', 'test')
    // In two chunks, whose bytes are read into one buffer.
    response.write('hello ')
    setImmediate(() => response.end(request.url))
  })
  const told: Tapped[] = []
  const { port } = await proxyBefore(t, { up }, { tap: tapInto(told) })
  const answers = [await ask(port, { path: '/up/1' }), await ask(port, { path: '/up/2' })]
  await ask(port, { method: 'POST', path: '/up/3', body: 'x' })
  await until(() => told.length === 2, 'both are told')
  for (const [index, { status, lines, body, target }] of told.entries()) {
    assert.equal(status, 200)
    assert.equal(target, `/up/${index + 1}`)
    assert.match(lines, /^x-kind: test\r\n/im)
    assert.equal(body.toString(), answers[index]!.body)
  }
})

test('a body that is too large passes as ever and is not kept; HEAD has none', async (t) => {
  const up = await upstream(t, (_request, response) => response.end('x'.repeat(300_000)))
  const told: Tapped[] = []
  const { port } = await proxyBefore(t, { up }, { tap: tapInto(told) })
  assert.equal((await ask(port, { path: '/up' })).body.length, 300_000)
  await ask(port, { method: 'HEAD', path: '/up' })
  await until(() => told.length === 2, 'both are told')
  assert.deepEqual([told[0]!.body, told[1]!.body.length], ['too-large', 0])
})

test('an answer that breaks off is not told', async (t) => {
  const up = await rawUpstream(t, (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')))
  const told: Tapped[] = []
  const { port } = await proxyBefore(t, { up }, { tap: tapInto(told) })
  await assert.rejects(ask(port, { path: '/up' }))
  assert.deepEqual(told, [])
})

test('what a tap throws is told as a defect, and the client has its answer', async (t) => {
  const up = await upstream(t)
  const defects: unknown[] = []
  const fail = (what: string) => () => {
    throw new Error(what)
  }
  const proxy = createHttpProxy({
    routes: [{ path: '/up/*', service: 'up' }],
    upstreams: new Map([['up', up.url]]),
    onDefect: (error) => defects.push(error),
    tap: { bodyBytesMax: 1, tapOf: ({ target }) => (target === '/up/1' ? fail('asked')() : fail('told')) },
  })
  const port = await proxy.listen(0)
  t.after(() => proxy.drain())
  assert.equal((await ask(port, { path: '/up/1' })).status, 200)
  assert.equal((await ask(port, { path: '/up/2' })).status, 200)
  assert.deepEqual(defects.map(String), ['Error: asked', 'Error: told'])
})
