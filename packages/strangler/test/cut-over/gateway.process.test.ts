import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '@seaworthy/testing'
import { sleep, systemClock } from 'seaworthy/core'

const TOKEN = 'a-token-of-this-test-alone'
const WITHIN = { withinMs: 60_000 }
const GATEWAY = '../../../../apps/gateway/src/main.ts'

interface Answer {
  readonly status: number
  readonly json: Readonly<Record<string, unknown>>
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 })

/** @param user by whom the gateway tells one from another */
function ask(method: string, url: string, body?: object, user?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method,
        agent,
        headers: {
          host: 'localhost',
          authorization: `Bearer ${TOKEN}`,
          'content-type': 'application/json',
          ...(user !== undefined && { 'x-user': user }),
        },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          let json: unknown
          try {
            json = JSON.parse(text)
          } catch {
            json = { text }
          }
          resolve({ status: response.statusCode ?? 0, json: json as Answer['json'] })
        })
      },
    )
    sent.on('error', reject)
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** A program, and the first line of its output that tells ports. */
async function program(t: TestContext, file: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--conditions=source', fileURLToPath(new URL(file, import.meta.url)), ...args],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, TOKEN, ...env } },
  )
  t.after(() => child.kill('SIGKILL'))
  const told = await new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${file} ended with ${code} before it listened.`)))
    createInterface(child.stdout!).on('line', (line) => {
      const entry = JSON.parse(line) as Readonly<Record<string, unknown>>
      if ('port' in entry) resolve(entry)
    })
  })
  return { child, told }
}

/** Monolith, new service, cut-over and gateway, each a process. */
async function strangled(t: TestContext, route: { readonly stickyBy?: object } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'cut-over-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const place = (side: string) => program(t, '../fixtures/notes-process.ts', [side], { NOTES_FILE: join(folder, `${side}.db`) })
  const [old, target] = await Promise.all([place('old'), place('new')])
  const url = (port: unknown) => `http://127.0.0.1:${String(port)}`
  const sides = [url(old.told['sidePort']), url(target.told['sidePort'])]
  let mover = await program(t, '../fixtures/cut-over-process.ts', [...sides, '0'], {})
  const moverUrl = url(mover.told['port'])
  writeFileSync(join(folder, 'token'), `${TOKEN}\n`, { mode: 0o600 })
  const file = join(folder, 'gateway.json')
  const config = {
    listen: { port: 0, hosts: ['*'] },
    admin: { port: 0, tokenFile: 'token' },
    ledger: 'ledger',
    upstreams: { monolith: { urls: [url(old.told['port'])] }, notes: { urls: [url(target.told['port'])] } },
    routes: [
      {
        id: 'notes',
        match: { path: '/api/notes/:id' },
        from: 'monolith',
        to: 'notes',
        data: { url: `${moverUrl}/ready`, move: moverUrl, key: { path: 'id' } },
        ...route,
        guard: false,
      },
    ],
  }
  writeFileSync(file, JSON.stringify(config))
  const gateway = await program(t, GATEWAY, [], {
    SEAWORTHY_GATEWAY_CONFIG: file,
    SEAWORTHY_DATA_TOKEN: TOKEN,
    SEAWORTHY_SERVICE: 'gateway',
    SEAWORTHY_INSTANCE: 'gateway-1',
    SEAWORTHY_HTTP_PORT: '0',
    SEAWORTHY_LOG_LEVEL: 'info',
  })
  const admin = (path: string, body: object) => ask('POST', `${url(gateway.told['adminPort'])}${path}`, body)
  const named = { route: 'notes', who: 'the test', why: 'to see that nothing is lost' }
  return {
    publicUrl: url(gateway.told['port']),
    places: { old: url(old.told['port']), new: url(target.told['port']) },
    moverUrl,
    shift: (percent: number) => admin('/shift', { ...named, percent }),
    rollback: () => admin('/rollback', named),
    phase: async () => (await ask('POST', `${sides[1]!}/state`, {})).json['phase'],
    /** SIGKILL, and at once another one on the same port. */
    killMover: async () => {
      const port = new URL(moverUrl).port
      mover.child.kill('SIGKILL')
      mover = await program(t, '../fixtures/cut-over-process.ts', [...sides, port], {})
    },
  }
}

/** Users who write, and look at once at what they have written. */
class Load {
  readonly #url: string
  readonly last = new Map<string, number>()
  readonly failures: string[] = []
  readonly stale: string[] = []
  requests = 0
  slowestMs = 0
  #isOver = false
  readonly #users: Promise<void>[]

  constructor(url: string, users: number) {
    this.#url = url
    this.#users = Array.from({ length: users }, (_, user) => this.#use(`user-${user}`))
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#users)
  }

  async #use(user: string): Promise<void> {
    for (let value = 1; !this.#isOver; value++) {
      const id = `${user}-${value % 5}`
      if ((await this.#ask('PUT', id, { value })) === undefined) continue
      this.last.set(id, value)
      const seen = await this.#ask('GET', id)
      if (seen !== undefined && Number(seen['value']) < value) this.stale.push(`${id}: ${JSON.stringify(seen)} after ${value}`)
      await sleep(systemClock, 5)
    }
  }

  async #ask(method: string, id: string, body?: object): Promise<Answer['json'] | undefined> {
    this.requests++
    const startedMs = performance.now()
    try {
      const { status, json } = await ask(method, `${this.#url}/api/notes/${id}`, body, id.replace(/-\d+$/, ''))
      this.slowestMs = Math.max(this.slowestMs, performance.now() - startedMs)
      if (status === 200) return json
      this.failures.push(`${method} ${id}: ${status} ${JSON.stringify(json)}`)
    } catch (error) {
      this.failures.push(`${method} ${id}: ${String(error)}`)
    }
    return undefined
  }
}

void suite('a gateway that moves a route with its data', () => {
  test(
    'loses no write, shows nobody less than he has written, and fails no request, however often the cut-over is killed',
    { timeout: 300_000 },
    async (t) => {
      const { publicUrl, places, moverUrl, phase, shift, rollback, killMover } = await strangled(t)
      const load = new Load(publicUrl, 6)
      t.after(() => load.stop())
      const refusals = new Map<string, number>()
      const until = async (attempt: () => Promise<Answer>) => {
        const startedMs = performance.now()
        for (;;) {
          const { status, json } = await attempt()
          if (status === 200) return
          const why = String(json['detail'])
          refusals.set(why, (refusals.get(why) ?? 0) + 1)
          assert.ok(performance.now() - startedMs < 60_000, why)
          await sleep(systemClock, 100)
        }
      }
      // Whoever has not written reads where he did until the other side has everything from before the move.
      const readsFrom = (side: string) =>
        eventually(
          `it is read from the ${side} side`,
          async () => (await ask('GET', `${publicUrl}/api/notes/user-0-1`)).json['side'] === side,
          WITHIN,
        )
      const struck: string[] = []
      /** Kills the cut-over when the data is seen at a phase, once. */
      const killAt = async (wanted: string | undefined, signal: AbortSignal) => {
        if (wanted === undefined) return
        while (!signal.aborted) {
          if ((await phase()) !== wanted) continue
          struck.push(wanted)
          return killMover()
        }
      }
      const whileKilling = async (wanted: string | undefined, attempt: () => Promise<Answer>) => {
        const over = new AbortController()
        const killed = killAt(wanted, over.signal)
        await until(attempt)
        over.abort()
        await killed
      }
      // Killed while it copies.
      await killMover()
      for (const at of [undefined, 'switching', 'new', 'switching', 'switching'] as const) {
        await whileKilling(at, () => shift(100))
        await readsFrom('new')
        await sleep(systemClock, 100)
        const back = at === 'switching' ? (struck.length % 2 === 0 ? 'returning' : 'switching-back') : undefined
        await whileKilling(back, rollback)
        await readsFrom('old')
      }
      await until(() => shift(100))
      await load.stop()
      t.diagnostic(
        `${load.requests} requests, the slowest ${Math.round(load.slowestMs)} ms; killed at ${struck.join(', ')}; ${JSON.stringify([...refusals])}`,
      )
      assert.ok(struck.length >= 2, 'It was killed in the middle of a move too seldom.')
      assert.deepEqual(load.failures.slice(0, 5), [])
      assert.deepEqual(load.stale.slice(0, 5), [])
      await eventually(
        'it is fed back',
        async () => {
          const { json } = await ask('GET', `${moverUrl}/status`)
          return (json['lag'] as { changes: number } | undefined)?.changes === 0
        },
        WITHIN,
      )
      for (const [id, value] of load.last) {
        for (const place of Object.values(places))
          assert.equal((await ask('GET', `${place}/api/notes/${id}`)).json['value'], value, `${id} at ${place}`)
      }
      assert.equal((await ask('POST', `${moverUrl}/verify`)).json['kind'], 'equal')
    },
  )

  test(
    'has one writer for each key, there and back while users write: a key that cannot go back is held and named, every other goes back at once',
    { timeout: 120_000 },
    async (t) => {
      const { publicUrl, places, moverUrl, shift, rollback } = await strangled(t, { stickyBy: { header: 'x-user' } })
      const note = (id: string) => `${publicUrl}/api/notes/${id}`
      const load = new Load(publicUrl, 4)
      t.after(() => load.stop())
      await eventually('it may move', async () => (await shift(50)).status === 200, WITHIN)
      await eventually('both sides are read', async () => (await readSides(note('user-0-1'))).size === 2, WITHIN)
      await eventually('its data moves', async () => (await shift(100)).status === 200, WITHIN)
      assert.equal((await ask('PUT', note('odd'), { value: 2_000_000 })).json['side'], 'new')
      const before = load.last.size
      await eventually('users write on', () => load.requests > 200 && load.last.size >= before, WITHIN)

      const startedMs = performance.now()
      const rolledBack = rollback()
      const first = await ask('PUT', note('even'), { value: 1 })
      const firstMs = performance.now() - startedMs
      const { json } = await rolledBack
      const [entry] = json['entries'] as readonly { readonly held?: object }[]
      t.diagnostic(`the first write was answered ${Math.round(firstMs)} ms after the rollback was asked for`)
      assert.deepEqual([first.status, first.json['side']], [200, 'old'])
      assert.deepEqual(entry!.held, { count: 1, keys: ['odd'] })
      assert.deepEqual((await ask('GET', note('odd'))).json, { side: 'new', value: 2_000_000 })
      assert.match(JSON.stringify((await ask('GET', `${moverUrl}/status`)).json['held']), /"odd"/)

      const held = ask('PUT', note('odd'), { value: 3 })
      const others = await ask('PUT', note('even'), { value: 2 })
      assert.deepEqual([others.status, others.json['side']], [200, 'old'])
      await ask('DELETE', `${places.old}/limit`)
      assert.deepEqual((await held).json, { side: 'old', value: 3 })
      await eventually('nothing is held', async () => (await ask('GET', `${moverUrl}/route`)).json['phase'] === 'old', WITHIN)
      await load.stop()
      assert.deepEqual(load.failures.slice(0, 5), [])
      assert.deepEqual(load.stale.slice(0, 5), [])
      await eventually('it is fed', async () => (await ask('POST', `${moverUrl}/verify`)).json['kind'] === 'equal', WITHIN)
      const last = new Map([...load.last, ['odd', 3], ['even', 2]])
      for (const [id, value] of last) {
        for (const place of Object.values(places)) assert.equal((await ask('GET', `${place}/api/notes/${id}`)).json['value'], value, id)
      }
      assertOneWriter(await journals(places), load)
    },
  )
})

/** Who answers reads of a note by people who have written nothing. */
async function readSides(url: string): Promise<ReadonlySet<unknown>> {
  const answers = await Promise.all(Array.from({ length: 16 }, (_, reader) => ask('GET', url, undefined, `reader-${reader}`)))
  return new Set(answers.map(({ json }) => json['side']))
}

interface Write {
  readonly side: string
  readonly id: string
  readonly value: number
  readonly epoch: number
}

async function journals(places: Readonly<Record<string, string>>): Promise<readonly Write[]> {
  const all = Object.entries(places).map(async ([side, url]) => {
    const { writes } = (await ask('GET', `${url}/journal`)).json as unknown as { writes: Omit<Write, 'side'>[] }
    return writes.map((write) => ({ side, ...write }))
  })
  return (await Promise.all(all)).flat()
}

/** Each write was made once, on one side, and no key was another side's within an epoch, or in an earlier one again. */
function assertOneWriter(writes: readonly Write[], { last }: Load): void {
  for (const [id, own] of Map.groupBy(writes, (write) => write.id)) {
    const inOrder = own.toSorted((one, other) => one.value - other.value)
    if (id !== 'odd') {
      assert.equal(new Set(own.map(({ value }) => value)).size, own.length, `a write of ${id} was made twice`)
      for (const [index, { epoch }] of inOrder.entries())
        assert.ok(epoch >= (inOrder[index - 1]?.epoch ?? 0), `${id} went back to epoch ${epoch}`)
    }
    for (const [epoch, made] of Map.groupBy(own, (write) => write.epoch))
      assert.equal(new Set(made.map(({ side }) => side)).size, 1, `${id} had two writers in epoch ${epoch}`)
  }
  assert.ok(new Set(writes.map(({ side }) => side)).size === 2 && writes.length > last.size, 'both sides were written to')
}
