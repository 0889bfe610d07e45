import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  AlreadyRunningError,
  DataDirectoryError,
  type Fault,
  PortTakenError,
  StartFailedError,
  control,
  readRunFile,
  supervise,
} from '@seaworthy/supervisor'
import { ConfigurationError, constant, exponential } from 'seaworthy/core'
import { fakeSystem } from './fixtures/system.ts'
import { grandchildren, isAlive, journal, processOf, runOf, startFake, temporaryFolder, until } from './observing.ts'

test('a started system becomes ready, and its run file says where everything is', async (t) => {
  const { running, dataDir } = await startFake(t)
  await running.untilReady()
  const run = runOf(dataDir)
  assert.equal(run.system, 'fake')
  assert.equal(run.supervisorPid, process.pid)
  assert.deepEqual(
    run.processes.map(({ name, state, restarts, lastExit }) => ({ name, state, restarts, lastExit })),
    ['alpha', 'beta', 'front'].map((name) => ({ name, state: 'ready', restarts: 0, lastExit: null })),
  )
  assert.equal(await (await fetch(processOf(run, 'alpha').httpUrl)).text(), 'ok')
  assert.equal(await (await fetch(processOf(run, 'front').httpUrl)).text(), 'front', 'the address of the gateway is the public one')
  assert.match(processOf(run, 'alpha').grpcAddress ?? '', /^127\.0\.0\.1:\d+$/)
  assert.equal(processOf(run, 'beta').grpcAddress, null)
})

test('a process is told what the contract says, and nothing that is meant for another', async (t) => {
  const env = { ...process.env, SEAWORTHY_GRPC_PORT: '1', SEAWORTHY_GATEWAY_PORT: '2', SEAWORTHY_ROUTES: 'x', MINE: 'kept' }
  const { running, dataDir, process: find } = await startFake(t, { env })
  await running.untilReady()
  const told = JSON.parse(await (await fetch(`${find('beta').httpUrl}/environment`)).text()) as Record<string, string>
  assert.equal(told['SEAWORTHY_SERVICE'], 'beta')
  assert.equal(told['SEAWORTHY_INSTANCE'], 'beta-1')
  assert.equal(told['MINE'], 'kept')
  assert.ok(statSync(told['SEAWORTHY_DATA_DIR'] ?? '').isDirectory())
  assert.ok(statSync(told['SEAWORTHY_LOG_DIR'] ?? '').isDirectory())
  assert.equal(told['SEAWORTHY_RUN_FILE'], join(dataDir, 'run.json'))
  const alpha = find('alpha')
  const there = { http: alpha.httpUrl, grpc: alpha.grpcAddress }
  assert.deepEqual(
    JSON.parse(told['SEAWORTHY_ENDPOINTS'] ?? ''),
    { alpha: there, absent: there },
    'the absent one is where its stand-in is',
  )
  assert.equal(told['SEAWORTHY_STANDS_IN_FOR'], '')
  assert.deepEqual([alpha.standsInFor, find('beta').standsInFor], [['absent'], []])
  for (const name of ['SEAWORTHY_GRPC_PORT', 'SEAWORTHY_GATEWAY_PORT', 'SEAWORTHY_ROUTES', 'SEAWORTHY_LIFELINE'])
    assert.equal(told[name], undefined, name)
})

test('a data directory that cannot be used is said to be so, with the reason and what to do', async (t) => {
  const folder = temporaryFolder(t)
  const file = join(folder, 'file')
  writeFileSync(file, 'no directory')
  const damaged = join(folder, 'damaged')
  mkdirSync(damaged)
  writeFileSync(join(damaged, 'supervisor.lock'), 'no lock, but something of somebody else that is long enough to be looked at')
  for (const [dataDir, reason] of [
    [file, /a file is in its place/],
    [join(file, 'below'), /a file is in its place/],
    [damaged, /supervisor\.lock is no lock of ours.*delete it/],
  ] as const) {
    await assert.rejects(supervise({ system: fakeSystem(), dataDir, gatewayPort: 0 }), (error) => {
      assert.ok(error instanceof DataDirectoryError)
      assert.match(error.message, reason)
      assert.match(error.message, /--data-dir/)
      return true
    })
  }
})

test('a run file that makes no sense is no reason not to start', async (t) => {
  const dataDir = join(temporaryFolder(t), 'data')
  mkdirSync(dataDir)
  for (const content of ['', 'null', '{"supervisorPid":1,"processes":[7]}', '{"supervisorPid":1,"processes":[],"controlSocket":{}}']) {
    writeFileSync(join(dataDir, 'run.json'), content)
    assert.equal(readRunFile(join(dataDir, 'run.json')), undefined, content)
  }
  const { running } = await startFake(t, { dataDir })
  await running.untilReady()
})

test('gateway and console cannot have the same port', async (t) => {
  const dataDir = join(temporaryFolder(t), 'data')
  await assert.rejects(supervise({ system: fakeSystem(), dataDir, gatewayPort: 4321, consolePort: 4321 }), ConfigurationError)
})

test('a process that dies is started again on the same port, after a back-off that the run file shows', async (t) => {
  const { running, dataDir, notices } = await startFake(t, { restartPolicy: { backoff: constant(300) } })
  await running.untilReady()
  const before = processOf(runOf(dataDir), 'beta')
  await assert.rejects(fetch(`${before.httpUrl}/crash`))
  await until(() => processOf(runOf(dataDir), 'beta').state === 'backing-off', 'the crash is seen')
  const down = processOf(runOf(dataDir), 'beta')
  assert.equal(down.pid, null)
  assert.equal(down.lastExit, 'signal SIGKILL')
  await until(() => processOf(runOf(dataDir), 'beta').state === 'ready', 'it is ready again')
  const after = processOf(runOf(dataDir), 'beta')
  assert.equal(after.restarts, 1)
  assert.equal(after.httpUrl, before.httpUrl)
  assert.notEqual(after.pid, before.pid)
  assert.equal(notices.filter((notice) => notice.startsWith('beta: ended')).length, 1)
})

test('what a crashed process had started is ended before its successor starts', async (t) => {
  const { running, dataDir, process: find } = await startFake(t, { env: { ...process.env, FAKE_BETA: 'has-child' } })
  await running.untilReady()
  const [first = 0] = grandchildren(dataDir)
  assert.ok(isAlive(first))
  await assert.rejects(fetch(`${find('beta').httpUrl}/crash`))
  await until(() => grandchildren(dataDir).length === 2, 'the successor has a child of its own')
  assert.equal(isAlive(first), false)
})

test('a process that never gets ready is given up, and the error carries its last words', async (t) => {
  const env = { ...process.env, FAKE_BETA: 'dies-at-once' }
  const { running, dataDir } = await startFake(t, { env, restartPolicy: { backoff: constant(5), startAttemptsMax: 3 } })
  await assert.rejects(running.untilReady(), (error) => {
    assert.ok(error instanceof StartFailedError)
    assert.match(error.message, /beta did not start: it ended 3 times .* exit code 1.*beta\.log.*\n[^]*the fixture was told to die/)
    return true
  })
  assert.equal(processOf(runOf(dataDir), 'beta').state, 'failed')
  assert.equal(journal(dataDir).filter((line) => line === 'beta begins').length, 3)
})

test('the delay grows from one failure to the next', async (t) => {
  const env = { ...process.env, FAKE_BETA: 'dies-at-once' }
  const backoff = exponential({ baseMs: 40, maxMs: 10_000, jitter: 'none' })
  const { running, notices } = await startFake(t, { env, restartPolicy: { backoff, startAttemptsMax: 4 } })
  await assert.rejects(running.untilReady())
  const delays = notices.flatMap((notice) => /next start in (\d+) ms/.exec(notice)?.[1] ?? [])
  assert.deepEqual(delays, ['40', '80', '160'])
})

test('a restart holds the requests at the gateway before the old process drains, until the new one is ready', async (t) => {
  const { running, dataDir, process: find } = await startFake(t)
  await running.untilReady()
  const before = find('alpha')
  const seen = journal(dataDir).length
  await Promise.all([running.restart('alpha'), running.restart('alpha')])
  await until(() => journal(dataDir).at(-1) === 'front release:alpha', 'the requests go on')
  assert.deepEqual(journal(dataDir).slice(seen), [
    'front hold:alpha',
    'alpha drains',
    'alpha begins',
    'alpha listens',
    'front release:alpha',
  ])
  const after = find('alpha')
  assert.equal(after.state, 'ready')
  assert.equal(after.httpUrl, before.httpUrl)
  assert.notEqual(after.pid, before.pid)
})

test('a gateway that does not answer does not keep a service from being replaced', async (t) => {
  const { running, notices, process: find } = await startFake(t, { env: { ...process.env, FAKE_FRONT: 'never-holds' } })
  await running.untilReady()
  await running.restart('alpha')
  assert.equal(find('alpha').state, 'ready')
  assert.ok(notices.some((notice) => notice.includes('did not confirm')))
})

test('a stop drains the gateway first, is over within 5 s, and kills what ignores it', async (t) => {
  const env = { ...process.env, FAKE_ALPHA: 'ignores-sigterm has-child' }
  const { running, dataDir } = await startFake(t, { env })
  await running.untilReady()
  const pids = [...running.status().processes.map(({ pid }) => pid ?? 0), ...grandchildren(dataDir)]
  assert.equal(pids.length, 4)
  const startedMs = performance.now()
  await running.stop()
  assert.ok(performance.now() - startedMs < 5_000)
  assert.deepEqual(pids.filter(isAlive), [])
  const drained = journal(dataDir).filter((line) => line.endsWith('drains'))
  assert.equal(drained[0], 'front drains')
  assert.deepEqual(drained.slice(1).toSorted(), ['alpha drains', 'beta drains'])
  assert.equal(existsSync(join(dataDir, 'run.json')), false)
})

test('a gateway that still waits for its services when they are told to stop gets what they have to say', async (t) => {
  const { running, dataDir } = await startFake(t, { env: { ...process.env, FAKE_FRONT: 'waits-for-alpha' } })
  await running.untilReady()
  await running.stop()
  assert.ok(journal(dataDir).includes('front finishes'), 'the gateway was killed before a service was told to stop')
})

test('a stop while everything is still starting leaves nothing', async (t) => {
  const { running } = await startFake(t)
  const ready = assert.rejects(running.untilReady(), /stop/)
  const pids = running.status().processes.map(({ pid }) => pid ?? 0)
  await running.stop()
  await ready
  assert.deepEqual(pids.filter(isAlive), [])
})

test('a taken port is named with its flag, and nothing is started', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  t.after(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  const dataDir = join(temporaryFolder(t), 'data')
  await assert.rejects(supervise({ system: fakeSystem(), dataDir, gatewayPort: port }), (error) => {
    assert.ok(error instanceof PortTakenError)
    assert.match(error.message, new RegExp(`Port ${port} .*--gateway-port.*SEAWORTHY_GATEWAY_PORT`))
    return true
  })
  assert.deepEqual(journal(dataDir), [])
  // The directory is free again.
  await startFake(t, { dataDir })
})

test('a second supervisor on the same data directory is told of the first', async (t) => {
  const { running, dataDir, process: find } = await startFake(t)
  await running.untilReady()
  await assert.rejects(supervise({ system: fakeSystem(), dataDir, gatewayPort: 0 }), (error) => {
    assert.ok(error instanceof AlreadyRunningError)
    assert.equal(error.pid, process.pid)
    assert.equal(error.url, find('front').httpUrl)
    return true
  })
  assert.equal(find('alpha').state, 'ready')
})

test('everything a process prints is in its log, and its warnings are also told', async (t) => {
  const { running, dataDir, notices } = await startFake(t, { env: { ...process.env, FAKE_BETA: 'warns' } })
  await running.untilReady()
  await until(() => notices.includes('beta: a warning of the fixture'), 'the warning is told')
  assert.match(readFileSync(join(dataDir, 'logs', 'beta.log'), 'utf8'), /"msg":"a warning of the fixture"/)
})

test('the control socket answers where the data directory has too long a path for it, to its owner alone', async (t) => {
  const dataDir = join(temporaryFolder(t), 'x'.repeat(60), 'y'.repeat(60))
  const { running } = await startFake(t, { dataDir })
  await running.untilReady()
  const { controlSocket } = runOf(dataDir)
  assert.equal(statSync(controlSocket).mode & 0o777, 0o600)
  const options = { dataDir, signal: t.signal }
  assert.deepEqual(await control({ command: 'status' }, options), runOf(dataDir))
  await assert.rejects(control({ command: 'restart', service: 'gamma' }, options), /no service gamma.*alpha, beta, front/)
  await control({ command: 'stop' }, options)
  await running.stopped
  assert.equal(existsSync(controlSocket), false)
  await assert.rejects(control({ command: 'status' }, options), { code: 'not-running' })
})

test('a process suffers what it is told to, also its successor, until it is cleared', async (t) => {
  const { running, dataDir, process: find } = await startFake(t)
  await running.untilReady()
  const ask = (fault: Fault, service = 'alpha') =>
    control({ command: 'fault', service, fault }, { dataDir, signal: AbortSignal.timeout(10_000) })
  const told = () =>
    journal(dataDir)
      .filter((line) => line.startsWith('alpha {'))
      .map((line) => JSON.parse(line.slice('alpha '.length)) as unknown)

  await ask({ kind: 'latency', ms: 250 })
  await ask({ kind: 'errors', ratio: 0.5 })
  assert.deepEqual(find('alpha').faults, { latencyMs: 250, errorRatio: 0.5, paused: false })
  await until(() => told().length === 2, 'both faults in the process')
  assert.deepEqual(told()[1], { latencyMs: 250, errorRatio: 0.5 })

  const first = find('alpha').pid
  await ask({ kind: 'kill' })
  await until(() => find('alpha').state === 'ready' && find('alpha').pid !== first && told().length === 3, 'the successor, told the same')

  await ask({ kind: 'lock', ms: 300 })
  await until(() => told().length === 4, 'the lock in the process')
  assert.deepEqual(told()[3], { latencyMs: 250, errorRatio: 0.5, lockMs: 300 })
  assert.equal(find('alpha').faults.lockMs, 300)

  await ask({ kind: 'pause' })
  assert.equal(runOf(dataDir).processes.find(({ name }) => name === 'alpha')!.faults.paused, true)
  await assert.rejects(fetch(find('alpha').httpUrl, { signal: AbortSignal.timeout(300) }), { name: 'TimeoutError' })
  await ask({ kind: 'clear' })
  assert.deepEqual(find('alpha').faults, { latencyMs: 0, errorRatio: 0, paused: false })
  assert.equal(await (await fetch(find('alpha').httpUrl)).text(), 'ok')

  await ask({ kind: 'pause' })
  await running.restart('alpha')
  assert.equal(find('alpha').faults.paused, false, 'a replaced process does not stand still')

  const crashAt = async () =>
    ((await (await fetch(`${find('alpha').httpUrl}/environment`)).json()) as NodeJS.ProcessEnv)['SEAWORTHY_CRASH_AT']
  await ask({ kind: 'crash', at: 'database:commit:after' })
  assert.equal(await crashAt(), 'alpha.database:commit:after#next')
  const armed = find('alpha').pid
  await ask({ kind: 'kill' })
  await until(() => find('alpha').state === 'ready' && find('alpha').pid !== armed, 'the successor of the one that was to crash')
  assert.equal(await crashAt(), undefined, 'it dies there once')

  for (const [fault, service, reason] of [
    [{ kind: 'latency', ms: -1 }, 'alpha', /A latency is 0 to/],
    [{ kind: 'errors', ratio: 2 }, 'alpha', /A share of errors is 0 to 1/],
    [{ kind: 'lock', ms: 0 }, 'alpha', /A lock is held for 1 to 60000 ms/],
    [{ kind: 'crash', at: 'here and now' }, 'alpha', /A point to crash at reads operation:label/],
    [{ kind: 'crash', at: 'database:begin' }, 'front', /can be paused and killed/],
    [{ kind: 'fire' }, 'alpha', /The faults are latency, errors, lock, pause, kill, crash and clear/],
    [{ kind: 'latency', ms: 5 }, 'front', /can be paused and killed/],
    [{ kind: 'pause' }, 'nobody', /no service nobody/],
  ] as const) {
    await assert.rejects(ask(fault as Fault, service), reason)
  }
})
