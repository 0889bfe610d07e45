import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type RequestListener, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { SeaworthyError, UnavailableError, UnknownOutcomeError } from 'seaworthy/core'
import { adminGateways } from '../../src/system/gateways.ts'
import { freePort } from '../started-console.ts'
import { parseRunFile } from '../../src/system/run-file.ts'

const TOKEN = 'a-token-that-no-page-ever-sees'

/** An admin API, with what it was asked and shown. */
async function admin(t: TestContext, listener: RequestListener) {
  const asked: string[] = []
  const bodies: unknown[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`)
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      if (text !== '') bodies.push(JSON.parse(text))
      listener(request, response)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return { asked, bodies, port, url: `http://127.0.0.1:${port}` }
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'console-gateways-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** A gateway that a supervisor started, as its run file tells of it. */
function supervised(folder: string, adminUrl: string | null) {
  mkdirSync(join(folder, 'services/gateway'), { recursive: true })
  writeFileSync(join(folder, 'services/gateway/admin-token'), `${TOKEN}\n`)
  const run = parseRunFile(
    JSON.stringify({
      processes: [
        { name: 'gateway', role: 'gateway', adminUrl },
        { name: 'orders', adminUrl: null },
      ],
    }),
  )
  return { runFile: join(folder, 'run.json'), run: async () => run, files: new Map<string, string>() }
}

test('a gateway of the run file is asked with the token of its folder, once for many who look, and told who decides', async (t) => {
  const { asked, bodies, url } = await admin(t, (request, response) =>
    response.end(JSON.stringify(request.url === '/overview' ? { routes: [] } : { toPercent: 10 })),
  )
  const gateways = adminGateways(supervised(folderOf(t), url))
  const looks = await Promise.all([gateways.all(), gateways.all(), gateways.all()])
  assert.deepEqual(looks[2], [{ name: 'gateway', overview: { routes: [] }, problem: null }])
  await gateways.shift('gateway', { route: 'reviews', percent: 10, why: 'first users' })
  await gateways.rollBack('gateway', { route: 'reviews', tenant: 'acme', why: 'totals differ' })
  assert.deepEqual(asked, [`GET /overview Bearer ${TOKEN}`, `POST /shift Bearer ${TOKEN}`, `POST /rollback Bearer ${TOKEN}`])
  const [shift, back] = bodies as { who: string }[]
  assert.match(shift!.who, / \(console\)$/)
  assert.deepEqual({ ...shift, who: '' }, { route: 'reviews', percent: 10, why: 'first users', who: '' })
  assert.deepEqual({ ...back, who: '' }, { route: 'reviews', tenant: 'acme', why: 'totals differ', who: '' })
  assert.ok(!JSON.stringify(await gateways.all()).includes(TOKEN))
})

test('one whose file is named is found by it; one that is away or cannot be found is said to be so, beside the others', async (t) => {
  const folder = folderOf(t)
  const { asked, port } = await admin(t, (_request, response) => response.end('{"routes":[]}'))
  writeFileSync(join(folder, 'secret'), TOKEN)
  writeFileSync(join(folder, 'gateway.json'), JSON.stringify({ admin: { port, tokenFile: 'secret' } }))
  writeFileSync(join(folder, 'away.json'), JSON.stringify({ admin: { port: await freePort(), tokenFile: 'secret' } }))
  const files = new Map(['gateway', 'away', 'nowhere'].map((name) => [name, join(folder, `${name}.json`)]))
  const gateways = adminGateways({ ...supervised(folder, null), files })
  const shown = await gateways.all()
  assert.deepEqual(
    shown.map(({ name, overview, problem }) => [name, overview !== null, problem?.replace(/:.*/s, '') ?? null]),
    [
      ['gateway', true, null],
      ['away', false, "The gateway's admin API at http"],
      ['nowhere', false, `The gateway's configuration ${join(folder, 'nowhere.json')} cannot be read`],
    ],
  )
  assert.deepEqual(asked, [`GET /overview Bearer ${TOKEN}`])
  await assert.rejects(gateways.shift('ghost', { route: 'r', percent: 1, why: 'x' }), /No gateway ghost is known here/)
  await assert.rejects(gateways.shift('away', { route: 'r', percent: 1, why: 'x' }), UnavailableError)
})

test('what a gateway refuses comes back with its code; a token is not sent on, and a change without an answer is not known', async (t) => {
  const elsewhere = await admin(t, (_request, response) => response.end('{}'))
  const { url } = await admin(t, (request, response) => {
    if (request.url === '/shift')
      return response
        .writeHead(409, { 'x-seaworthy-executed': 'no' })
        .end('{"code":"conflict","detail":"Route reviews stays at 0 %: lag."}')
    if (request.url === '/overview') return response.writeHead(307, { location: `${elsewhere.url}/overview` }).end()
    return request.socket.destroy()
  })
  const gateways = adminGateways(supervised(folderOf(t), url))
  await assert.rejects(
    gateways.shift('gateway', { route: 'reviews', percent: 1, why: 'x' }),
    (error: unknown) => error instanceof SeaworthyError && error.code === 'conflict' && /stays at 0 %: lag/.test(error.message),
  )
  assert.match((await gateways.all())[0]!.problem ?? '', /does not answer/)
  assert.deepEqual(elsewhere.asked, [])
  await assert.rejects(gateways.rollBack('gateway', { route: 'reviews', why: 'x' }), UnknownOutcomeError)
})
