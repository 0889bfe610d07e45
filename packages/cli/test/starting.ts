import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { dataDirectoryPaths, readRunFile } from '@seaworthy/supervisor'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
/** The fake system of the supervisor's tests. */
export const fakeSystemFile = fileURLToPath(new URL('../../supervisor/test/fixtures/system.ts', import.meta.url))
/** What runs the command from its sources, before its own arguments. */
export const commandLine = [process.execPath, '--disable-warning=ExperimentalWarning', '--conditions=source', main] as const

export function temporaryFolder(t: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'seaworthy cli ')))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export interface Started {
  readonly pid: number
  output(): string
  send(signal: NodeJS.Signals): void
  /** How it ended, and how long that took, in ms from the call. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>
}

/** A process that is killed after the test, should it still be there. */
export function run(
  t: TestContext,
  [command, ...args]: readonly [string, ...string[]],
  env: Record<string, string | undefined> = {},
): Started {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const ended = once(child, 'close').then(([code, signal]) => ({ code: code as number | null, signal: signal as string | null }))
  return { pid: child.pid ?? 0, output: () => output, send: (signal) => void child.kill(signal), ended }
}

export const seaworthy = (t: TestContext, args: readonly string[], env: Record<string, string | undefined> = {}) =>
  run(t, [...commandLine, ...args], env)

export function pidsOf(dataDir: string): number[] {
  const run = readRunFile(dataDirectoryPaths(dataDir).runFile)
  return (run?.processes ?? []).flatMap(({ pid }) => (pid === null ? [] : [pid]))
}
