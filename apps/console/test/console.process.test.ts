import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { checkoutSpans, otlpRequest } from './checkout-trace.ts'
import { startedConsole } from './started-console.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const checkout = () => otlpRequest(checkoutSpans(), { traceId: TRACE_ID, correlationId: 'c-1', startMs: Date.now() })

test('a trace that was confirmed survives an orderly stop at once', async (t) => {
  const first = await startedConsole(t)
  assert.equal((await first.post(checkout())).status, 200)
  assert.equal(await first.stop('SIGTERM'), 0)
  const second = await startedConsole(t, { folder: first.folder })
  assert.equal((await fetch(`${second.url}/api/traces/${TRACE_ID}`)).status, 200)
  const { services } = (await (await fetch(`${second.url}/api/services`)).json()) as {
    services: { name: string; spans: { count: number } }[]
  }
  assert.equal(services.find(({ name }) => name === 'gateway')!.spans.count, 1)
})

test('a page that listens is told of a trace, and does not hold up the stop', async (t) => {
  const running = await startedConsole(t)
  const response = await fetch(`${running.url}/api/live`)
  assert.equal(response.headers.get('content-type'), 'text/event-stream')
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  await running.post(checkout())
  let told = ''
  while (!told.includes('event: traces')) {
    const { value, done } = await reader.read()
    assert.equal(done, false)
    told += value
  }
  assert.match(told, new RegExp(TRACE_ID))
  assert.equal(await running.stop('SIGTERM'), 0)
})

test('health is answered on the supervisor’s port and on the page’s', async (t) => {
  const running = await startedConsole(t)
  for (const base of [running.url, running.healthUrl]) {
    assert.equal((await fetch(`${base}/healthz`)).status, 200)
    assert.equal((await fetch(`${base}/readyz`)).status, 200)
  }
})

test('a port that is taken is an error that names the port and the flag', async (t) => {
  const blocker = createServer().listen(0, '127.0.0.1')
  await once(blocker, 'listening')
  t.after(() => blocker.close())
  const { port } = blocker.address() as { port: number }
  await assert.rejects(startedConsole(t, { consolePort: port }), new RegExp(`127\\.0\\.0\\.1:${port}.*--console-port`))
})
