import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { dataDirectoryPaths, readRunFile } from '@seaworthy/supervisor'
import { isAlive, journal, until } from '../../supervisor/test/observing.ts'
import { commandLine, fakeSystemFile, pidsOf, run, seaworthy, temporaryFolder } from './starting.ts'

const arguments_ = (dataDir: string) => ['start', fakeSystemFile, '--gateway-port=0', `--data-dir=${dataDir}`]

async function start(t: TestContext, env: Record<string, string | undefined> = {}) {
  const dataDir = join(temporaryFolder(t), 'data')
  const started = seaworthy(t, arguments_(dataDir), {
    npm_command: undefined,
    npm_lifecycle_event: undefined,
    SEAWORTHY_LAUNCHER: undefined,
    ...env,
  })
  await until(() => started.output().includes('Ctrl-C stops everything'), 'the table is printed')
  return { started, dataDir, pids: pidsOf(dataDir) }
}

test('start prints one table when all is ready, stays up, and ends by SIGINT within 5 s with code 0', async (t) => {
  const { started, dataDir, pids } = await start(t)
  const run = readRunFile(dataDirectoryPaths(dataDir).runFile)
  const lines = started.output().split('\n')
  for (const { name, role, httpUrl, pid } of run?.processes ?? []) {
    const title = role === 'gateway' ? 'Storefront' : name
    assert.ok(
      lines.some((line) => line.trim().startsWith(title) && line.includes(httpUrl) && line.includes(`pid ${pid}`)),
      name,
    )
  }
  assert.match(started.output(), /fake is ready after \d+\.\d s\./)
  assert.ok(started.output().includes(`Data in ${dataDir}`))
  assert.equal(pids.length, 3)
  const stoppedMs = performance.now()
  started.send('SIGINT')
  assert.deepEqual(await started.ended, { code: 0, signal: null })
  assert.ok(performance.now() - stoppedMs < 5_000)
  assert.deepEqual(pids.filter(isAlive), [])
})

for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} stops everything too`, async (t) => {
    const { started, dataDir, pids } = await start(t)
    started.send(signal)
    assert.equal((await started.ended).code, 0)
    assert.deepEqual(pids.filter(isAlive), [])
    assert.equal(journal(dataDir).filter((line) => line.endsWith('drains')).length, 3)
  })
}

test('the same Ctrl-C from the terminal and from npm is one; a later one kills at once', async (t) => {
  const { started, pids } = await start(t, { FAKE_ALPHA: 'ignores-sigterm' })
  started.send('SIGINT')
  started.send('SIGINT')
  await new Promise((resolve) => setTimeout(resolve, 800))
  assert.ok(pids.some(isAlive), 'alpha is still being waited for')
  const againMs = performance.now()
  started.send('SIGINT')
  assert.equal((await started.ended).code, 130)
  assert.ok(performance.now() - againMs < 2_000, 'it did not wait for the end of the patience')
  assert.deepEqual(pids.filter(isAlive), [])
})

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`when npm above it ends by ${signal}, everything drains and ends`, async (t) => {
    const dataDir = join(temporaryFolder(t), 'data')
    // Like npm: a parent that passes nothing on. The shell's "wait" keeps it from replacing itself by its child.
    const shell = run(t, ['/bin/sh', '-c', '"$@" & wait', 'npm', ...commandLine, ...arguments_(dataDir)], {
      npm_command: 'run',
      SEAWORTHY_LAUNCHER: undefined,
    })
    await until(() => shell.output().includes('Ctrl-C'), 'the table is printed')
    const all = [...pidsOf(dataDir), readRunFile(dataDirectoryPaths(dataDir).runFile)?.supervisorPid ?? 0]
    assert.equal(all.filter(isAlive).length, 4)
    shell.send(signal)
    await until(() => !all.some(isAlive), 'all have ended', 5_000)
    assert.equal(journal(dataDir).filter((line) => line.endsWith('drains')).length, 3)
  })
}

test('when npm above it was killed before it began, nothing is started', async (t) => {
  const dataDir = join(temporaryFolder(t), 'data')
  // Some process, but not the parent: as if the parent had been replaced meanwhile.
  const started = seaworthy(t, arguments_(dataDir), { SEAWORTHY_LAUNCHER: String(process.ppid) })
  assert.equal((await started.ended).code, 0)
  assert.match(started.output(), /the parent process is gone/)
  assert.deepEqual(journal(dataDir), [])
})

test('a taken port is an error that names port and flag, and exit code 1', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  t.after(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  const dataDir = join(temporaryFolder(t), 'data')
  const started = seaworthy(t, ['start', fakeSystemFile], { SEAWORTHY_GATEWAY_PORT: String(port), SEAWORTHY_DATA_DIR: dataDir })
  assert.equal((await started.ended).code, 1)
  assert.match(started.output(), new RegExp(`Port ${port} for the gateway is in use.*--gateway-port`))
  assert.deepEqual(journal(dataDir), [])
})

test('a process that cannot start ends the start: the reason is printed, nothing is left, exit code 1', async (t) => {
  const dataDir = join(temporaryFolder(t), 'data')
  const started = seaworthy(t, arguments_(dataDir), { FAKE_BETA: 'dies-at-once' })
  assert.equal((await started.ended).code, 1)
  assert.match(started.output(), /beta did not start[^]*the fixture was told to die/)
  assert.deepEqual(pidsOf(dataDir).filter(isAlive), [])
})

test('status, restart, logs and stop speak to the running system', async (t) => {
  const { started, dataDir, pids } = await start(t, { FAKE_BETA: 'warns' })
  const say = async (...args: string[]) => {
    const said = seaworthy(t, [...args, `--data-dir=${dataDir}`])
    return { code: (await said.ended).code, output: said.output() }
  }
  const status = await say('status')
  assert.equal(status.code, 0)
  assert.match(status.output, /alpha +ready +pid \d+ +http/)
  assert.deepEqual(JSON.parse((await say('status', '--json')).output), readRunFile(dataDirectoryPaths(dataDir).runFile))
  assert.match((await say('restart', 'alpha')).output, /^alpha is ready again after \d+\.\d s \(pid \d+\)\.$/m)
  assert.notDeepEqual(pidsOf(dataDir), pids)
  assert.deepEqual(await say('restart', 'gamma'), {
    code: 1,
    output: 'There is no service gamma in system fake. It has: alpha, beta, front.\n',
  })
  assert.match((await say('logs', 'beta')).output, /a warning of the fixture/)
  assert.match((await say('logs', 'bta')).output, /Did you mean beta\?/)
  assert.equal((await say('stop')).output, 'Everything has stopped.\n')
  assert.equal((await started.ended).code, 0)
  const after = await say('status')
  assert.equal(after.code, 1)
  assert.match(after.output, /No system is running/)
})

test("the library's command finds that of the cli package, passes arguments and signals on, and returns its exit code", async (t) => {
  const dispatcher = fileURLToPath(new URL('../../seaworthy/bin/seaworthy.js', import.meta.url))
  assert.equal((await run(t, [process.execPath, dispatcher, 'help']).ended).code, 0)
  assert.equal((await run(t, [process.execPath, dispatcher, 'strat']).ended).code, 2)
  const dataDir = join(temporaryFolder(t), 'data')
  const started = run(t, [process.execPath, dispatcher, ...arguments_(dataDir)])
  await until(() => started.output().includes('Ctrl-C'), 'the table is printed')
  const all = [...pidsOf(dataDir), readRunFile(dataDirectoryPaths(dataDir).runFile)?.supervisorPid ?? 0]
  started.send('SIGTERM')
  assert.equal((await started.ended).code, 0)
  assert.deepEqual(all.filter(isAlive), [])
})

test('nothing outlives the launching process either, when that is killed', async (t) => {
  const launcher = fileURLToPath(new URL('../bin/seaworthy.js', import.meta.url))
  const dataDir = join(temporaryFolder(t), 'data')
  const started = run(t, [process.execPath, launcher, ...arguments_(dataDir)])
  await until(() => started.output().includes('Ctrl-C'), 'the table is printed')
  const all = [...pidsOf(dataDir), readRunFile(dataDirectoryPaths(dataDir).runFile)?.supervisorPid ?? 0]
  started.send('SIGKILL')
  await until(() => !all.some(isAlive), 'all have ended', 5_000)
})
