import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { grandchildren, isAlive, journal, processOf, runOf, startFake, temporaryFolder, until } from './observing.ts'

/** A supervisor in a process of its own, ready. */
async function spawnSupervisor(t: TestContext, env: Record<string, string> = {}) {
  const dataDir = join(realpathSync(temporaryFolder(t)), 'data')
  const supervisor = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--conditions=source', fileURLToPath(new URL('fixtures/run.ts', import.meta.url)), dataDir],
    { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  t.after(() => supervisor.kill('SIGKILL'))
  await once(supervisor.stdout, 'data')
  return { supervisor, dataDir, pids: () => runOf(dataDir).processes.map(({ pid }) => pid ?? 0) }
}

async function killed(supervisor: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exit = once(supervisor, 'exit')
  supervisor.kill(signal)
  await exit
}

function childrenOf(pid: number | undefined): number[] {
  return spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
    .stdout.trim()
    .split('\n')
    .map(Number)
}

function guardianOf(supervisor: ChildProcess, pids: readonly number[]): number {
  const [guardian = 0, ...others] = childrenOf(supervisor.pid).filter((pid) => !pids.includes(pid))
  assert.ok(guardian > 0 && others.length === 0, 'one child is the guardian')
  return guardian
}

for (const signal of ['SIGKILL', 'SIGTERM', 'SIGQUIT'] as const) {
  test(`nothing outlives a supervisor that ends by ${signal} without stopping: no child, no grandchild, no guardian`, async (t) => {
    const { supervisor, dataDir, pids } = await spawnSupervisor(t, { FAKE_ALPHA: 'has-child ignores-sigterm', FAKE_BETA: 'has-child' })
    const all = [...pids(), ...grandchildren(dataDir), guardianOf(supervisor, pids())]
    assert.equal(all.filter(isAlive).length, 6)
    await killed(supervisor, signal)
    await until(() => !all.some(isAlive), 'all have ended', 3_000)
  })
}

test('a process whose event loop is busy does not outlive a killed supervisor', async (t) => {
  const { supervisor, dataDir, pids } = await spawnSupervisor(t)
  const all = pids()
  const alpha = processOf(runOf(dataDir), 'alpha')
  await fetch(`${alpha.httpUrl}/spin`)
  await until(async () => {
    const answer = await fetch(alpha.httpUrl, { signal: AbortSignal.timeout(300) }).catch(() => undefined)
    return answer === undefined
  }, 'it is deaf')
  await killed(supervisor, 'SIGKILL')
  await until(() => !all.some(isAlive), 'all have ended', 3_000)
})

test('without its guardian too, nothing outlives a killed supervisor that can still hear of it', async (t) => {
  const { supervisor, dataDir, pids } = await spawnSupervisor(t, { FAKE_ALPHA: 'has-child' })
  const guardian = guardianOf(supervisor, pids())
  const all = [...pids(), ...grandchildren(dataDir)]
  process.kill(guardian, 'SIGSTOP')
  await killed(supervisor, 'SIGKILL')
  try {
    await until(() => !all.some(isAlive), 'all have ended', 3_000)
  } finally {
    process.kill(guardian, 'SIGCONT')
  }
})

test('a guardian that was killed is replaced by one that knows as much', async (t) => {
  const { supervisor, dataDir, pids } = await spawnSupervisor(t, { FAKE_ALPHA: 'has-child' })
  const first = guardianOf(supervisor, pids())
  process.kill(first, 'SIGKILL')
  await until(() => !isAlive(first) && childrenOf(supervisor.pid).length === 4, 'there is another')
  const all = [...pids(), ...grandchildren(dataDir)]
  await killed(supervisor, 'SIGKILL')
  await until(() => !all.some(isAlive), 'all have ended', 3_000)
})

test('after a kill, the next supervisor finds the directory free', async (t) => {
  const { supervisor, dataDir } = await spawnSupervisor(t)
  await killed(supervisor, 'SIGKILL')
  const { running } = await startFake(t, { dataDir })
  await running.untilReady()
  assert.equal(journal(dataDir).filter((line) => line === 'alpha begins').length, 2)
})

test('the next supervisor ends what is left of an earlier run, and never a stranger that has got its pid', async (t) => {
  const dataDir = join(realpathSync(temporaryFolder(t)), 'data')
  mkdirSync(dataDir)
  const runFile = join(dataDir, 'run.json')
  const sleeper = (env: NodeJS.ProcessEnv) => {
    const child = spawn('/bin/sleep', ['600'], { detached: true, stdio: 'ignore', env })
    t.after(() => child.kill('SIGKILL'))
    return child
  }
  const leftover = sleeper({ SEAWORTHY_RUN_FILE: runFile })
  // On systems without /proc the start time decides.
  const stranger = sleeper({ SEAWORTHY_RUN_FILE: '/elsewhere/run.json' })
  const record = (pid: number | undefined, startedAt: Date) => ({ name: 'alpha', pid, startedAt: startedAt.toISOString() })
  const now = new Date()
  const run = {
    system: 'fake',
    startedAt: now.toISOString(),
    supervisorPid: 1,
    controlSocket: join(dataDir, 'control.sock'),
    processes: [record(leftover.pid, now), record(stranger.pid, new Date(now.getTime() - 3_600_000))],
  }
  writeFileSync(runFile, JSON.stringify(run))
  const { notices } = await startFake(t, { dataDir })
  assert.equal(isAlive(leftover.pid ?? 0), false)
  assert.equal(isAlive(stranger.pid ?? 0), true)
  assert.ok(notices.includes(`: ended processes of an earlier run: ${leftover.pid}`))
})
