import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { askService, control, dataDirectoryPaths, supervise } from '@seaworthy/supervisor'
import { ConfigurationError } from 'seaworthy/core'
import { fakeSystem } from './fixtures/system.ts'
import { journal, startFake, temporaryFolder, until } from './observing.ts'

const soon = () => AbortSignal.timeout(20_000)

test('instances of a service have names and addresses of their own, and callers are told all of them', async (t) => {
  const { running, dataDir, process: find } = await startFake(t, { scale: { alpha: 3 }, env: { ...process.env, FAKE_ALPHA: 'warns' } })
  await running.untilReady()
  const alphas = running.status().processes.filter(({ name }) => name === 'alpha')
  assert.deepEqual(
    alphas.map(({ instance, state }) => [instance, state]),
    ['alpha-1', 'alpha-2', 'alpha-3'].map((instance) => [instance, 'ready']),
  )
  const told = async (url: string) => JSON.parse(await (await fetch(`${url}/environment`)).text()) as Record<string, string>
  const all = { http: alphas.map(({ httpUrl }) => httpUrl), grpc: alphas.map(({ grpcAddress }) => grpcAddress) }
  assert.deepEqual(JSON.parse((await told(find('beta').httpUrl))['SEAWORTHY_ENDPOINTS'] ?? ''), { alpha: all, absent: all })
  assert.equal((await told(alphas[1]!.httpUrl))['SEAWORTHY_STANDS_IN_FOR'], 'absent')
  const instances = await Promise.all(alphas.map(async ({ httpUrl }) => (await told(httpUrl))['SEAWORTHY_INSTANCE']))
  assert.deepEqual(instances, ['alpha-1', 'alpha-2', 'alpha-3'])
  const { logs } = dataDirectoryPaths(dataDir)
  for (const name of ['alpha', 'alpha-2', 'alpha-3']) await until(() => existsSync(join(logs, `${name}.log`)), `the log of ${name}`)
})

test('a restart replaces one instance after another, and each is held at the gateway by itself', async (t) => {
  const { running, dataDir } = await startFake(t, { scale: { alpha: 2 } })
  await running.untilReady()
  const pids = () => running.status().processes.flatMap(({ name, pid }) => (name === 'alpha' ? [pid] : []))
  const before = pids()
  const seen = journal(dataDir).length
  await running.restart('alpha')
  const oneReplaced = ['front hold:alpha', 'alpha drains', 'alpha begins', 'alpha listens', 'front release:alpha']
  await until(() => journal(dataDir).length === seen + 2 * oneReplaced.length, 'both were replaced')
  assert.deepEqual(journal(dataDir).slice(seen), [...oneReplaced, ...oneReplaced])
  const after = pids()
  assert.ok(after.every((pid, index) => pid !== null && pid !== before[index]))

  await running.restart('alpha-2')
  assert.deepEqual([pids()[0] === after[0], pids()[1] === after[1]], [true, false])
})

test('an instance can be asked, and can suffer, by its own name', async (t) => {
  const { running, dataDir } = await startFake(t, { scale: { alpha: 2 }, env: { ...process.env, FAKE_ALPHA: 'answers' } })
  await running.untilReady()
  await control({ command: 'fault', service: 'alpha-2', fault: { kind: 'latency', ms: 50 } }, { dataDir, signal: soon() })
  const latencies = () => running.status().processes.flatMap(({ name, faults }) => (name === 'alpha' ? [faults.latencyMs] : []))
  assert.deepEqual(latencies(), [0, 50])
  await control({ command: 'fault', service: 'alpha', fault: { kind: 'latency', ms: 70 } }, { dataDir, signal: soon() })
  assert.deepEqual(latencies(), [70, 70])
  for (const service of ['alpha', 'alpha-1', 'alpha-2'])
    assert.deepEqual(await askService({ service, question: 'messages', parameters: {} }, { dataDir, signal: soon() }), {
      name: 'alpha',
      parameters: {},
    })
})

test('a number of instances that cannot be is refused before anything is started', async (t) => {
  const dataDir = join(temporaryFolder(t), 'data')
  for (const [scale, message] of [
    [{ gamma: 2 }, /gamma/],
    [{ alpha: 0 }, /1 to 32 instances/],
    [{ alpha: 33 }, /1 to 32 instances/],
    [{ front: 2 }, /has a port that people use/],
  ] as const)
    await assert.rejects(
      supervise({ system: fakeSystem(), dataDir, gatewayPort: 0, scale }),
      (error) => error instanceof ConfigurationError && message.test(error.message),
    )
  assert.ok(!existsSync(dataDir))
})
