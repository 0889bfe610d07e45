import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { GatewaysState } from '../src/http/answers.ts'
import { freePort, startedConsole } from './started-console.ts'

const CLI = fileURLToPath(new URL('../../../packages/cli/src/main.ts', import.meta.url))

async function side(t: TestContext): Promise<string> {
  const server = createServer((_request, response) => response.end('{}'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** `seaworthy gateway`, in a process of its own. @returns its public port */
async function gateway(t: TestContext, path: string): Promise<number> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--conditions=source', CLI, 'gateway', '--config', path],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const exited = once(child, 'exit')
  t.after(async () => {
    child.kill('SIGKILL')
    await exited
  })
  for await (const line of createInterface(child.stdout)) {
    const { port, adminPort } = JSON.parse(line) as { port?: number; adminPort?: number }
    if (port !== undefined && adminPort !== undefined) return port
  }
  throw new Error('The gateway ended before it listened.')
}

test('the console shows a real gateway that its environment names, and moves its route; the ledger says who and why', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'console-gateway-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'gateway.json')
  const upstreams = { monolith: { urls: [await side(t)] }, reviews: { urls: [await side(t)] } }
  const routes = [
    { id: 'reviews', match: { path: '/reviews/*' }, from: 'monolith', to: 'reviews' },
    { id: 'rest', match: { path: '/*' }, from: 'monolith' },
  ]
  const admin = { port: await freePort(), tokenFile: 'token' }
  writeFileSync(path, JSON.stringify({ listen: { port: 0 }, admin, ledger: 'ledger', upstreams, routes }))
  const port = await gateway(t, path)
  await fetch(`http://127.0.0.1:${port}/reviews/1`)
  const { url } = await startedConsole(t, { env: { SEAWORTHY_CONSOLE_GATEWAYS: `shop=${path}` } })
  const shown = async () => {
    const { gateways } = (await (await fetch(`${url}/api/gateways`)).json()) as GatewaysState
    assert.deepEqual(
      gateways.map(({ name, problem }) => [name, problem]),
      [['shop', null]],
    )
    return gateways[0]!.overview!
  }
  const before = await shown()
  assert.deepEqual([before.routes[0]!.sharePercent, before.routes[0]!.counts?.requests.from, before.traffic.slots.length], [0, 1, 1])
  const change = (what: string, body: object) =>
    fetch(`${url}/api/gateway/${what}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const asked = { gateway: 'shop', route: 'reviews', why: 'it is ready' }
  assert.equal((await change('shift', { ...asked, percent: 100 })).status, 200)
  const after = await shown()
  assert.equal(after.routes[0]!.sharePercent, 100)
  const [entry] = after.entries
  assert.match(entry!.who, / \(console\)$/)
  assert.deepEqual([entry!.kind, entry!.from, entry!.to, entry!.why], ['shift', 'monolith', 'reviews', 'it is ready'])
  assert.equal((await change('shift', { ...asked, route: 'rest', percent: 1 })).status, 400)
  assert.equal((await change('rollback', { ...asked, why: 'the totals differ' })).status, 200)
  assert.equal((await shown()).routes[0]!.sharePercent, 0)
})
