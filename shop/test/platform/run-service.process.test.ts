import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../monolith/main.ts', import.meta.url))

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

interface Running {
  readonly url: string
  readonly child: ChildProcess
  /** All that it printed. */
  readonly output: () => string
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

function folder(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'seaworthy-shop-process-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Starts the monolith as the supervisor does, with the environment of the process contract. */
async function startMonolith(t: TestContext, directory: string, env: Record<string, string> = {}): Promise<Running> {
  const port = await freePort()
  const dataDir = join(directory, 'monolith')
  mkdirSync(dataDir, { recursive: true })
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--conditions=source', main], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      SEAWORTHY_SERVICE: 'monolith',
      SEAWORTHY_INSTANCE: 'monolith-1',
      SEAWORTHY_DATA_DIR: dataDir,
      SEAWORTHY_LOG_DIR: join(directory, 'event-log'),
      SEAWORTHY_HTTP_PORT: String(port),
      ...env,
    },
  })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once('exit', (code, signal) => resolve({ code, signal })),
  )
  t.after(async () => {
    child.kill('SIGKILL')
    await exited
  })
  return { url: `http://127.0.0.1:${port}`, child, output: () => printed, exited }
}

async function untilReady({ url, output, child }: Running): Promise<void> {
  const deadline = performance.now() + 60_000
  while (performance.now() < deadline && child.exitCode === null) {
    const ready = await fetch(`${url}/readyz`).then(
      (response) => response.status === 200,
      () => false,
    )
    if (ready) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`The monolith was not ready. It printed:\n${output()}`)
}

const total = async (url: string): Promise<number> => ((await (await fetch(`${url}/api/products`)).json()) as { total: number }).total

describe('a process of the shop', () => {
  test('seeds itself once, drains at SIGTERM with exit code 0, and finds its data again after SIGKILL', async (t) => {
    const directory = folder(t)
    const first = await startMonolith(t, directory)
    await untilReady(first)
    assert.equal(await total(first.url), 500)
    const answer = await fetch(`${first.url}/api/customers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Ada', email: 'ada@example.com' }),
    })
    const { id } = (await answer.json()) as { id: string }
    first.child.kill('SIGTERM')
    assert.deepEqual(await first.exited, { code: 0, signal: null })

    const second = await startMonolith(t, directory, { SHOP_SEED: '8' })
    await untilReady(second)
    second.child.kill('SIGKILL')
    await second.exited

    const third = await startMonolith(t, directory, { SHOP_SEED: '8' })
    await untilReady(third)
    assert.equal(await total(third.url), 500)
    assert.equal((await fetch(`${third.url}/api/customers/${id}`)).status, 200)
  })

  test('stays empty without a seed, and says loudly that a safety net is missing', async (t) => {
    const shop = await startMonolith(t, folder(t), { SHOP_SEED: 'none', SHOP_WITHOUT: 'inbox' })
    await untilReady(shop)
    assert.equal(await total(shop.url), 0)
    assert.match(shop.output(), /"without":\["inbox"\].*SAFETY NETS ARE SWITCHED OFF/)
  })

  test('that was told nonsense says what, and ends with exit code 1', async (t) => {
    const unknownNet = await startMonolith(t, folder(t), { SHOP_WITHOUT: 'belt,braces' })
    assert.equal((await unknownNet.exited).code, 1)
    assert.match(unknownNet.output(), /SHOP_WITHOUT names belt, braces/)
    const noPort = await startMonolith(t, folder(t), { SEAWORTHY_HTTP_PORT: 'eighty' })
    assert.equal((await noPort.exited).code, 1)
    assert.match(noPort.output(), /SEAWORTHY_HTTP_PORT/)
  })

  test('whose database another process has waits for a moment, then says who has it', async (t) => {
    const directory = folder(t)
    const owner = await startMonolith(t, directory, { SHOP_SEED: 'none' })
    await untilReady(owner)
    const intruder = await startMonolith(t, directory, { SHOP_SEED: 'none' })
    assert.equal((await intruder.exited).code, 1)
    assert.match(intruder.output(), /database-owned/)
    assert.equal((await fetch(`${owner.url}/readyz`)).status, 200)
  })
})
