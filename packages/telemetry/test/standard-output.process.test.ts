import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('logging-process.ts', import.meta.url))

function started(t: TestContext, args: readonly (string | number)[], stdout: 'pipe' | number = 'pipe'): ChildProcess {
  const options = ['--disable-warning=ExperimentalWarning', '--conditions=source']
  const child = spawn(process.execPath, [...options, PROGRAM, ...args.map(String)], { stdio: ['ignore', stdout, 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  return child
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** The number of each line, in the order in which they arrived; whatever else was printed by its message. */
function linesIn(text: string): readonly (number | string)[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const { line: number, msg } = JSON.parse(line) as { readonly line?: number; readonly msg: string }
      return number ?? msg
    })
}

const upTo = (count: number) => Array.from({ length: count }, (_, line) => line)

test('what was logged in the turn in which the process is killed has been printed: to a pipe and to a file', async (t) => {
  const child = started(t, ['killed', 20])
  const text = await textOf(child.stdout!)
  assert.deepEqual([linesIn(text), child.signalCode ?? (await once(child, 'exit'))[1]], [upTo(20), 'SIGKILL'])

  const folder = mkdtempSync(join(tmpdir(), 'seaworthy-printed-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = openSync(join(folder, 'orders.log'), 'w')
  const other = started(t, ['killed', 20], file)
  closeSync(file)
  await once(other, 'exit')
  assert.deepEqual(linesIn(readFileSync(join(folder, 'orders.log'), 'utf8')), upTo(20))
})

test('a reader who has stopped holds nobody up, and gets every line when he goes on', async (t) => {
  // More than any pipe takes.
  const child = started(t, ['goes on', 10_000])
  // It has logged all of them before anything was read.
  await once(child.stderr!, 'data')
  assert.deepEqual(linesIn(await textOf(child.stdout!)), upTo(10_000))
})

test('a process that exits waits for whoever reads', async (t) => {
  const child = started(t, ['exits', 10_000])
  assert.deepEqual(linesIn(await textOf(child.stdout!)), upTo(10_000))
})

test('what waits is bounded: the newest lines are dropped, and how many is said when there is room again', async (t) => {
  const child = started(t, ['goes on', 10_000, 100_000])
  await once(child.stderr!, 'data')
  const lines = linesIn(await textOf(child.stdout!))
  const printed = lines.filter((line) => typeof line === 'number')
  assert.deepEqual(printed, upTo(printed.length))
  assert.ok(printed.length > 500 && printed.length < 9_000, `${printed.length} lines`)
  assert.deepEqual(lines.slice(printed.length), ['lines of the log were dropped: whoever reads standard output did not keep up'])
})
