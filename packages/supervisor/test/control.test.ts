import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type Socket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SupervisorSilentError, control } from '@seaworthy/supervisor'

test('a supervisor that gives no answer is told from one that is not there', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'control-'))
  const connections: Socket[] = []
  const server = createServer((socket) => void connections.push(socket))
  const controlSocket = join(folder, 'control.sock')
  await new Promise<void>((resolve) => server.listen(controlSocket, resolve))
  t.after(() => {
    for (const connection of connections) connection.destroy()
    server.close()
    rmSync(folder, { recursive: true })
  })
  writeFileSync(join(folder, 'run.json'), JSON.stringify({ supervisorPid: 4711, controlSocket, processes: [] }))
  const ask = (command: 'status' | 'stop') => control({ command }, { dataDir: folder, signal: AbortSignal.timeout(20) })
  await assert.rejects(
    ask('status'),
    (error) => error instanceof SupervisorSilentError && error.executed === 'no' && /Process 4711.*kill -CONT 4711/.test(error.message),
  )
  await assert.rejects(ask('stop'), (error) => error instanceof SupervisorSilentError && error.executed === 'maybe')
})
