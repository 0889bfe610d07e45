import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from './strangler/rig.ts'
import { ask, type TestUpstream, until, upstream } from './rig.ts'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))

interface GatewayProcess {
  readonly child: ChildProcess
  readonly publicPort: number
  readonly adminPort: number
  readonly exited: Promise<number | null>
  /** The messages of its log lines. */
  readonly said: readonly string[]
  readonly messages: { readonly type: string; readonly upstream: string; readonly id: string }[]
}

async function gatewayProcess(t: TestContext, orders: TestUpstream): Promise<GatewayProcess> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--conditions=source', MAIN], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: {
      ...process.env,
      SEAWORTHY_SERVICE: 'gateway',
      SEAWORTHY_INSTANCE: 'gateway-1',
      SEAWORTHY_DATA_DIR: temporaryFolder(t),
      SEAWORTHY_HTTP_PORT: '0',
      SEAWORTHY_GATEWAY_PORT: '0',
      SEAWORTHY_ROUTES: JSON.stringify([{ path: '/api/orders/*', service: 'orders' }]),
      SEAWORTHY_ENDPOINTS: JSON.stringify({ orders: { http: orders.url.origin } }),
      SEAWORTHY_LOG_LEVEL: 'info',
      // Somebody is to take the spans, or there are none; that nobody is there makes them wait.
      SEAWORTHY_OTLP_URL: 'http://127.0.0.1:1',
    },
  })
  t.after(() => child.kill('SIGKILL'))
  const messages: GatewayProcess['messages'][number][] = []
  child.on('message', (message) => messages.push(message as never))
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  const said: string[] = []
  const ports = new Promise<{ publicPort: number; adminPort: number }>((resolve, reject) => {
    createInterface(child.stdout!).on('line', (line) => {
      const entry = JSON.parse(line) as { msg: string; port?: number; adminPort?: number }
      said.push(entry.msg)
      if (entry.port !== undefined && entry.adminPort !== undefined) resolve({ publicPort: entry.port, adminPort: entry.adminPort })
    })
    child.once('exit', () => reject(new Error('The gateway ended before it listened.')))
  })
  return { child, exited, messages, said, ...(await ports) }
}

describe('the gateway process', () => {
  test('serves, says that it is ready, and makes one trace with its upstream', async (t) => {
    const orders = await upstream(t)
    const { publicPort, adminPort } = await gatewayProcess(t, orders)
    assert.equal((await ask(adminPort, { path: '/healthz' })).status, 200)
    assert.equal((await ask(adminPort, { path: '/readyz' })).json['status'], 'ready')
    assert.equal((await ask(publicPort, { path: '/healthz' })).status, 404)
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    await ask(publicPort, { path: '/api/orders/17', headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` } })
    const sent = orders.received[0]!.rawHeaders
    const traceparent = sent[sent.findIndex((name) => name.toLowerCase() === 'traceparent') + 1]!
    assert.match(traceparent, new RegExp(`^00-${traceId}-(?!b7ad6b7169203331)[0-9a-f]{16}-01$`), 'a span of its own in the same trace')
  })

  test('finishes what is in flight at SIGTERM and exits with 0', async (t) => {
    let finish = () => {}
    const orders = await upstream(t, (request, response) => {
      request.resume()
      finish = () => response.end('done')
    })
    const { child, publicPort, exited, said } = await gatewayProcess(t, orders)
    const inFlight = ask(publicPort, { path: '/api/orders/17' })
    await until(() => orders.received.length === 1, 'the request arrives')
    child.kill('SIGTERM')
    await until(() => said.includes('stopping'), 'the stop begins')
    finish()
    assert.equal((await inFlight).body, 'done')
    assert.equal(await exited, 0)
  })

  test('holds and releases an upstream as its supervisor says', async (t) => {
    const orders = await upstream(t)
    const { child, publicPort, messages } = await gatewayProcess(t, orders)
    child.send({ type: 'flush-compile-cache' }) // Of others: no concern of the gateway.
    child.send({ type: 'hold', upstream: 'orders', id: 'h1' })
    await until(() => messages.length === 1, 'held')
    const asked = Array.from({ length: 20 }, (_, number) => ask(publicPort, { method: 'POST', path: `/api/orders/${number}`, body: 'x' }))
    await orders.stop()
    await orders.start()
    assert.equal(orders.received.length, 0)
    child.send({ type: 'release', upstream: 'orders', id: 'h1' })
    for (const answer of await Promise.all(asked)) assert.equal(answer.status, 200)
    assert.equal(orders.received.length, 20)
    assert.deepEqual(messages, [
      { type: 'held', upstream: 'orders', id: 'h1' },
      { type: 'released', upstream: 'orders', id: 'h1' },
    ])
  })

  test('says what is wrong with its environment, and ends', async (t) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--conditions=source', MAIN], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, SEAWORTHY_GATEWAY_PORT: 'eighty' },
    })
    t.after(() => child.kill('SIGKILL'))
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const [code] = await once(child, 'close')
    assert.equal(code, 1)
    assert.match(said, /SEAWORTHY_GATEWAY_PORT is eighty, not a port/)
    assert.match(said, /SEAWORTHY_ROUTES is not set/)
  })
})
