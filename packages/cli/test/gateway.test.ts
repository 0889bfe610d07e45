import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { run } from '@seaworthy/cli'
import { dataDirectoryPaths } from '@seaworthy/supervisor'

const TOKEN = 'the-token-of-the-running-system'

async function say(...args: string[]) {
  const printed: string[] = []
  const errors: string[] = []
  const code = await run(args, { env: {}, print: (text) => void printed.push(text), printError: (text) => void errors.push(text) })
  return { code, printed: printed.join('\n'), errors: errors.join('\n') }
}

/** A data directory on which a system runs whose gateway's admin API says yes to everything. */
async function runningSystem(
  t: TestContext,
  entries: readonly object[] = [{ fromPercent: 100, toPercent: 0, held: { count: 3, keys: ['7', '8'] } }],
) {
  const asked: { readonly authorization: string | undefined; readonly question: string; readonly body: unknown }[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      asked.push({
        authorization: request.headers.authorization,
        question: `${request.method} ${request.url}`,
        body: text === '' ? undefined : JSON.parse(text),
      })
      response.end(JSON.stringify({ fromPercent: 0, toPercent: 50, to: 'reviews', entries }))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const dataDir = mkdtempSync(join(tmpdir(), 'seaworthy-cli-'))
  t.after(() => {
    server.close()
    rmSync(dataDir, { recursive: true })
  })
  const { runFile, services } = dataDirectoryPaths(dataDir)
  const adminUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const record = { name: 'front', role: 'gateway', pid: 1, startedAt: new Date(0).toISOString(), adminUrl }
  writeFileSync(runFile, JSON.stringify({ supervisorPid: 1, controlSocket: '', processes: [record] }))
  mkdirSync(join(services, 'front'), { recursive: true })
  writeFileSync(join(services, 'front', 'admin-token'), `${TOKEN}\n`)
  return { dataDir, asked }
}

test('a route of a running system is moved at its gateway, which its data directory leads to', async (t) => {
  const { dataDir, asked } = await runningSystem(t)
  const { code, printed } = await say('gateway', 'shift', 'reviews', '50', '--why', 'first users', `--data-dir=${dataDir}`)
  assert.deepEqual([code, printed], [0, 'reviews: 0 % → 50 % at reviews.'])
  const [{ authorization, question, body } = assert.fail('nobody was asked')] = asked
  assert.deepEqual([authorization, question], [`Bearer ${TOKEN}`, 'POST /shift'])
  assert.partialDeepStrictEqual(body, { route: 'reviews', percent: 50, why: 'first users' })
})

test('a rollback names the keys that are not back yet', async (t) => {
  const { dataDir } = await runningSystem(t)
  const { printed } = await say('gateway', 'rollback', 'reviews', `--data-dir=${dataDir}`)
  assert.equal(printed, 'reviews: 100 % → 0 %. Held until they are back: 7 8 and 1 more.')
})

test('a rollback of what has never moved says that it did nothing', async (t) => {
  const { dataDir } = await runningSystem(t, [])
  const { code, printed } = await say('gateway', 'rollback', 'reviews', `--data-dir=${dataDir}`)
  assert.deepEqual([code, printed], [0, 'reviews has never moved: there is nothing to take back.'])
})

test('where no gateway is found, the answer says how one is named', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'seaworthy-cli-'))
  t.after(() => rmSync(dataDir, { recursive: true }))
  const { code, errors } = await say('gateway', 'status', `--data-dir=${dataDir}`)
  assert.equal(code, 1)
  assert.match(errors, /No system with a gateway runs on .*--data-dir DIR or --config FILE/)
})

test('a configuration that says nothing of an admin API, and an address that is none, are named', async (t) => {
  const { dataDir } = await runningSystem(t)
  const config = join(dataDir, 'gateway.json')
  writeFileSync(config, 'null')
  assert.match((await say('gateway', 'status', '--config', config)).errors, /gateway\.json does not say where the admin API is/)
  const { code, errors } = await say('gateway', 'status', '--admin', 'nowhere', `--data-dir=${dataDir}`)
  assert.equal(code, 2)
  assert.match(errors, /--admin must be an address such as http:/)
})

test('a ledger without decisions says so', async (t) => {
  const { dataDir } = await runningSystem(t)
  const { code, printed } = await say('gateway', 'ledger', '--route', 'untouched', `--data-dir=${dataDir}`)
  assert.deepEqual([code, printed], [0, 'Nobody has decided about a share yet: each is what the configuration says.'])
})
