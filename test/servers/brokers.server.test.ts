import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startElasticMq } from './elasticmq.ts'
import { startRabbitMq } from './rabbitmq.ts'

suite('a broker for tests', () => {
  test('RabbitMQ answers, and has after a kill what it was told', async (t) => {
    const server = await startRabbitMq()
    t.after(() => server.stop())
    server.control('add_user', 'kept', 'secret')
    await server.kill('KILL')
    await server.start()
    assert.match(server.control('list_users'), /^kept\s/m)
    // It listens, and for some seconds resets whoever comes.
    const endMs = performance.now() + 60_000
    let greeting: string | undefined
    while (greeting === undefined && performance.now() < endMs) greeting = await greetingOf(server.port).catch(() => delay(200, undefined))
    // The first frame of a connection names what speaks.
    assert.match(greeting ?? '', /product.*RabbitMQ/)
  })

  test('ElasticMQ answers as SQS does', async (t) => {
    const server = await startElasticMq()
    t.after(() => server.stop())
    const answer = await fetch(`${server.url}/?Action=ListQueues`)
    assert.match(await answer.text(), /ListQueuesResponse/)
  })

  for (const [name, module, start] of [
    ['RabbitMQ', './rabbitmq.ts', 'startRabbitMq'],
    ['ElasticMQ', './elasticmq.ts', 'startElasticMq'],
  ] as const) {
    test(`${name} ends with all its processes and data when the process that started it is killed`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'seaworthy-brokers-'))
      const program = `import { ${start} } from ${JSON.stringify(import.meta.resolve(module))}
        await ${start}()
        console.log('up')
        setInterval(() => undefined, 1000)`
      const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', program], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, TMPDIR: folder },
      })
      const said = once(createInterface({ input: child.stdout }), 'line')
      await Promise.race([said, once(child, 'exit').then(([code]) => assert.fail(`it ended by itself, with ${code}`))])
      const started = descendantsOf(child.pid!)
      assert.ok(started.length >= 2, `a keeper and a server each, not ${started.length}`)
      assert.ok(readdirSync(folder).length > 0)
      child.kill('SIGKILL')
      for (let waitedMs = 0; waitedMs < 30_000 && (readdirSync(folder).length > 0 || started.some(isAlive)); waitedMs += 50) await delay(50)
      assert.deepEqual(started.filter(isAlive), [])
      assert.deepEqual(readdirSync(folder), [])
      rmdirSync(folder)
    })
  }
})

/** All processes that came of one, however deep. */
function descendantsOf(ancestor: number): number[] {
  const rows = execFileSync('ps', ['-e', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')
  const parents = new Map(rows.map((row) => row.trim().split(/\s+/).map(Number) as [number, number]))
  const found = new Set([ancestor])
  for (let size = 0; size !== found.size;) {
    size = found.size
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid)
  }
  found.delete(ancestor)
  // The one that looked is gone.
  return [...found].filter(isAlive)
}

/** Alive, and not only waiting for its parent to ask what became of it. */
function isAlive(pid: number): boolean {
  try {
    return !execFileSync('ps', ['-p', String(pid), '-o', 'stat='], { encoding: 'utf8' }).startsWith('Z')
  } catch {
    return false
  }
}

/** What a broker says to somebody who begins to speak AMQP 0-9-1. */
async function greetingOf(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' })
  try {
    socket.write('AMQP\0\0\u0009\u0001')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    return answer.toString('latin1')
  } finally {
    socket.destroy()
  }
}
