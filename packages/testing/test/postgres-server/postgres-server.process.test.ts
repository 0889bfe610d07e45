import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { startPostgres } from '@seaworthy/testing/postgres-server'
import { linkLibraries } from '../../src/postgres-server/postgres-server.ts'

suite('a PostgreSQL for tests', () => {
  test('answers, keeps the databases of tests apart, and leaves neither process nor data behind', async () => {
    const server = await startPostgres()
    let directory = ''
    try {
      const databases = [await server.createDatabase(), await server.createDatabase()]
      for (const { url } of databases) {
        const client = new Client({ connectionString: url })
        await client.connect()
        await client.query('CREATE TABLE kept (id bigint)')
        const { rows } = await client.query<{ directory: string }>("SELECT current_setting('data_directory') AS directory")
        directory = rows[0]!.directory
        await client.end()
      }
      assert.ok(existsSync(directory))
      await databases[0]!.drop()
    } finally {
      await server.stop()
    }
    assert.throws(() => process.kill(server.pid, 0), { code: 'ESRCH' })
    assert.ok(!existsSync(directory))
  })

  test('ends when the process that started it is killed', async () => {
    const program = `import { startPostgres } from ${JSON.stringify(import.meta.resolve('@seaworthy/testing/postgres-server'))}
      const { pid } = await startPostgres()
      console.log(pid)
      setInterval(() => undefined, 1000)`
    const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    const pid = Number(line)
    process.kill(pid, 0)
    child.kill('SIGKILL')
    for (let waitedMs = 0; isAlive(pid) && waitedMs < 5_000; waitedMs += 20) await delay(20)
    assert.ok(!isAlive(pid))
  })

  test('makes the links between its libraries that an install script would have made', (t) => {
    const native = join(mkdtempSync(join(tmpdir(), 'seaworthy-links-')), 'native')
    t.after(() => rmSync(join(native, '..'), { recursive: true }))
    mkdirSync(join(native, 'lib'), { recursive: true })
    writeFileSync(
      join(native, 'pg-symlinks.json'),
      JSON.stringify([{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }]),
    )
    linkLibraries(join(native, 'lib'))
    linkLibraries(join(native, 'lib'))
    assert.equal(readlinkSync(join(native, 'lib/libpq.so.5')), 'libpq.so.5.18')
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
