import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type RunFile, type SuperviseOptions, dataDirectoryPaths, readRunFile, supervise } from '@seaworthy/supervisor'
import { fakeSystem } from './fixtures/system.ts'

/** A folder that goes with the test. Its name has a space, as people's have. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'seaworthy test '))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The fake system, supervised by this process and stopped after the test. */
export async function startFake(t: TestContext, options: Partial<SuperviseOptions> = {}) {
  const dataDir = options.dataDir ?? join(temporaryFolder(t), 'data')
  const notices: string[] = []
  const report = ({ service, message }: { service: string | undefined; message: string }) =>
    void notices.push(`${service ?? ''}: ${message}`)
  const running = await supervise({ system: fakeSystem(), gatewayPort: 0, report, ...options, dataDir })
  t.after(() => running.stop())
  return { running, dataDir, notices, process: (name: string) => processOf(running.status(), name) }
}

export function processOf(run: RunFile, name: string) {
  const found = run.processes.find((candidate) => candidate.name === name)
  if (found === undefined) throw new Error(`There is no process ${name}.`)
  return found
}

export function runOf(dataDir: string): RunFile {
  const run = readRunFile(dataDirectoryPaths(dataDir).runFile)
  if (run === undefined) throw new Error(`There is no run file in ${dataDir}.`)
  return run
}

/** What the fixtures noted, in order, as `NAME WHAT`. */
export function journal(dataDir: string): string[] {
  const file = join(dataDirectoryPaths(dataDir).eventLog, 'journal')
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ').slice(0, 2).join(' '))
}

/** Pids of the grandchildren that the fixtures started. */
export function grandchildren(dataDir: string): number[] {
  return journal(dataDir).flatMap((line) => {
    const pid = /child=(\d+)/.exec(line)?.[1]
    return pid === undefined ? [] : [Number(pid)]
  })
}

/** False for a zombie too: it has ended, and only its parent has not yet looked. */
export function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  const state = stdout.trim()
  return state !== '' && !state.startsWith('Z')
}

export async function until(condition: () => boolean | Promise<boolean>, what: string, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain until ${what}.`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
