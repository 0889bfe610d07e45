import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type ServerProgram, startServer } from '@seaworthy/testing/server-process'

suite('a server of a test', () => {
  test('answers once it says so, restarts on what it left, and leaves neither process nor data behind', async () => {
    const program = shell('echo life >>lives; echo ready; while :; do sleep 1; done')
    const server = await startServer(program)
    const first = server.pid
    assert.ok(isAlive(first))
    await server.kill('KILL')
    assert.ok(!isAlive(first))
    // An order to a server that has ended has nothing to wait for.
    await server.kill('TERM')
    await server.start()
    assert.ok(isAlive(server.pid))
    assert.notEqual(server.pid, first)
    assert.equal(readFileSync(join(program.directory, 'lives'), 'utf8'), 'life\nlife\n')
    await server.stop()
    assert.ok(!isAlive(server.pid))
    assert.ok(!existsSync(program.directory))
  })

  test('that ends before it answers is an error with its last words, and leaves nothing', async () => {
    const program = shell('echo the disk is on fire >&2; exit 3')
    await assert.rejects(startServer(program), /a server ended before it was ready:\n.*the disk is on fire/)
    assert.ok(!existsSync(program.directory))
  })

  test('that says that it failed, or says nothing, is ended', async () => {
    const failing = shell('echo FATAL; while :; do sleep 1; done')
    await assert.rejects(startServer({ ...failing, hasFailed: (line) => line === 'FATAL' }), /did not start/)
    assert.ok(!existsSync(failing.directory))
    const silent = shell('while :; do sleep 1; done')
    await assert.rejects(startServer({ ...silent, startTimeoutMs: 50 }), /was not ready within 50 ms/)
    assert.ok(!existsSync(silent.directory))
  })

  test('ends when the process that started it is killed', async () => {
    const program = `import { startServer } from ${JSON.stringify(import.meta.resolve('@seaworthy/testing/server-process'))}
      const directory = ${JSON.stringify(mkdtempSync(join(tmpdir(), 'seaworthy-server-')))}
      const command = ['/bin/sh', '-c', 'echo ready; while :; do sleep 1; done']
      const server = await startServer({ name: 'a server', command, directory, isReady: (line) => line === 'ready' })
      console.log(server.pid, directory)
      setInterval(() => undefined, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    const [pid, directory] = line.split(' ')
    assert.ok(isAlive(Number(pid)))
    child.kill('SIGKILL')
    for (let waitedMs = 0; existsSync(directory!) && waitedMs < 10_000; waitedMs += 20) await delay(20)
    assert.ok(!isAlive(Number(pid)))
    assert.ok(!existsSync(directory!))
  })
})

function shell(script: string): ServerProgram {
  return {
    name: 'a server',
    command: ['/bin/sh', '-c', script],
    directory: mkdtempSync(join(tmpdir(), 'seaworthy-server-')),
    isReady: (line) => line === 'ready',
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
