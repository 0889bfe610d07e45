import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { ConflictError } from 'seaworthy/core'
import { ask, until, upstream } from '../rig.ts'
import { fileOf, stranglerWith, temporaryFolder } from './rig.ts'

const BY = { who: 'ada', why: 'a test' }

/** The process that moves the data, of which a test decides what it says. */
async function dataProcess(t: TestContext) {
  const data = {
    phase: 'old',
    isReady: true,
    /** Whether the other side has what was written. */
    hasCome: true,
    asked: [] as string[],
    /** What its answers wait for, but those about whether it is ready. */
    deciding: Promise.resolve(),
    url: '',
  }
  const answers: Readonly<Record<string, () => object>> = {
    'GET /ready': () => (data.isReady ? { ready: true } : { ready: false, reason: 'the copy is at key 17' }),
    'GET /token': () => ({ token: 'some.1' }),
    'POST /switch': () => ({ phase: (data.phase = 'new') }),
    'POST /rollback': () => ({ phase: (data.phase = 'old') }),
  }
  const server = await upstream(t, (request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://data')
    const asked = `${request.method} ${pathname}`
    data.asked.push(asked)
    const wish = searchParams.get('wish')
    const route = () => ({ phase: data.phase, settled: true, read: data.hasCome ? wish : 'the other' })
    void (asked === 'GET /ready' ? Promise.resolve() : data.deciding).then(() => response.end(JSON.stringify((answers[asked] ?? route)())))
  })
  data.url = server.url.href
  return data
}

async function movingRoute(t: TestContext, parts: { readonly stickyBy?: object } = { stickyBy: { header: 'x-user' } }) {
  const data = await dataProcess(t)
  const [monolith, reviews] = await Promise.all(
    ['monolith', 'reviews'].map((name) => upstream(t, (request, response) => void request.resume().on('end', () => response.end(name)))),
  )
  const routes = [
    {
      id: 'reviews',
      match: { path: '/reviews/*' },
      from: 'monolith',
      to: 'reviews',
      guard: false,
      data: { url: new URL('ready', data.url).href, move: data.url },
      ...parts,
    },
  ]
  const folder = temporaryFolder(t)
  const file = fileOf(folder, { monolith: monolith!.url, reviews: reviews!.url, routes })
  const asking = (port: number) => async (method: string, user?: string) =>
    (await ask(port, { method, path: '/reviews/1', headers: user === undefined ? {} : { 'x-user': user } })).body
  return { data, file, asking }
}

/** What the ledger says, without who and when. */
const shares = (entries: readonly { readonly kind: string; readonly fromPercent: number; readonly toPercent: number }[]) =>
  entries.map(({ kind, fromPercent, toPercent }) => `${kind} ${fromPercent} ${toPercent}`)

describe('a route that moves with its data', () => {
  test('begins to in the ledger, has its service started, and waits for the data of one that was', async (t) => {
    const { data, file } = await movingRoute(t)
    data.isReady = false
    const started: string[] = []
    const { gateway } = await stranglerWith(t, file, { start: (service) => started.push(service) })
    const shifted = gateway.shift({ route: 'reviews', percent: 50, ...BY })
    await until(() => data.asked.length > 2, 'it is asked again')
    assert.deepEqual([started, shares(gateway.entries)], [['reviews'], ['shift 0 0']])
    data.isReady = true
    await shifted
    assert.deepEqual(shares(gateway.entries), ['shift 0 0', 'shift 0 50'])
    assert.match(gateway.entries[0]!.why, /reviews begins to follow the data of monolith/)
  })

  test('that waits for its data is given up by a rollback', async (t) => {
    const { data, file } = await movingRoute(t)
    data.isReady = false
    const { gateway } = await stranglerWith(t, file, { start: () => {} })
    const refused = assert.rejects(gateway.shift({ route: 'reviews', percent: 50, ...BY }), /stays at 0 %: the copy is at key 17/)
    await until(() => data.asked.length > 0, 'it is asked')
    await gateway.rollback({ route: 'reviews', ...BY })
    await refused
  })

  test('and has never moved is not begun by a rollback, whose entry would have its service started ever after', async (t) => {
    const { file } = await movingRoute(t)
    const started: string[] = []
    const first = await stranglerWith(t, file, { start: (service) => started.push(service) })
    assert.deepEqual(await first.gateway.rollback({ route: 'reviews', ...BY }), [])
    await first.stop()
    const again = await stranglerWith(t, file, { start: (service) => started.push(service) })
    assert.deepEqual([again.gateway.entries, started], [[], []])
  })

  for (const [whom, parts, users] of [
    ['whoever has written', { stickyBy: { header: 'x-user' } }, ['ada', 'bob']],
    ['everybody, where nobody can be told from others,', {}, ['ada']],
  ] as const) {
    test(`keeps ${whom} where they wrote until the other side has it`, async (t) => {
      const { data, file, asking } = await movingRoute(t, parts)
      const { gateway, port } = await stranglerWith(t, file)
      const sideOf = asking(port)
      await gateway.shift({ route: 'reviews', percent: 99.99, ...BY })
      for (const user of users)
        await until(() => gateway.explain('GET', '/reviews/1', { 'x-user': user }).side === 'to', `${user} is moved`)
      data.hasCome = false
      assert.equal(await sideOf('POST', 'ada'), 'monolith', 'who writes writes where the data is')
      for (let look = 0; look < 5; look++) assert.equal(await sideOf('GET', 'ada'), 'monolith')
      if (users.length === 2) assert.equal(await sideOf('GET', 'bob'), 'reviews')
      data.hasCome = true
      await until(() => gateway.explain('GET', '/reviews/1', { 'x-user': 'ada' }).side === 'to', 'it has come')
    })
  }

  test('keeps those who wrote before anybody was moved where they wrote, too', async (t) => {
    const { data, file } = await movingRoute(t)
    const { gateway } = await stranglerWith(t, file)
    data.hasCome = false
    await gateway.shift({ route: 'reviews', percent: 99.99, ...BY })
    assert.equal(gateway.explain('GET', '/reviews/1', { 'x-user': 'ada' }).side, 'from')
    data.hasCome = true
    await until(() => gateway.explain('GET', '/reviews/1', { 'x-user': 'ada' }).side === 'to', 'it has come')
  })

  test('does not take the wait of a write for its data for the slowness of a side', async (t) => {
    const { data, file, asking } = await movingRoute(t)
    const { gateway, port } = await stranglerWith(t, file)
    const { promise, resolve } = Promise.withResolvers<void>()
    data.deciding = promise
    const shifted = gateway.shift({ route: 'reviews', percent: 100, ...BY })
    await until(() => data.asked.includes('POST /switch'), 'it switches')
    const held = asking(port)('POST', 'ada')
    resolve()
    await shifted
    assert.equal(await held, 'reviews')
    const lately = () => gateway.status().routes[0]!.lately.to
    assert.deepEqual(lately(), { requests: 1, errors: 0, p95Ms: undefined })
    await asking(port)('POST', 'ada')
    assert.equal(lately().requests, 2)
    assert.ok(lately().p95Ms !== undefined)
  })

  test('takes its data back when a rollback comes while the data moves', async (t) => {
    const { data, file, asking } = await movingRoute(t)
    const { gateway, port } = await stranglerWith(t, file)
    await gateway.shift({ route: 'reviews', percent: 50, ...BY })
    const { promise, resolve } = Promise.withResolvers<void>()
    data.deciding = promise
    const refused = assert.rejects(gateway.shift({ route: 'reviews', percent: 100, ...BY }), ConflictError)
    await until(() => data.asked.includes('POST /switch'), 'it switches')
    await gateway.rollback({ route: 'reviews', ...BY })
    resolve()
    await refused
    assert.equal(data.phase, 'old')
    assert.equal(await asking(port)('POST', 'ada'), 'monolith')
    assert.equal(shares(gateway.entries).at(-1)!.endsWith(' 0'), true)
  })

  for (const [phase, before, after, entry] of [
    ['new', 50, 'reviews', 'shift 50 100'],
    ['retired', 50, 'reviews', 'shift 50 100'],
    ['old', 100, 'monolith', 'rollback 100 0'],
    ['returning', 100, 'monolith', 'rollback 100 0'],
  ] as const) {
    test(`that was at ${before} % finds its data at '${phase}' when the gateway starts again, and goes there; writes wait for that`, async (t) => {
      const { data, file, asking } = await movingRoute(t)
      const first = await stranglerWith(t, file)
      await first.gateway.shift({ route: 'reviews', percent: before, ...BY })
      await first.stop()
      data.phase = phase
      const { promise, resolve } = Promise.withResolvers<void>()
      data.deciding = promise
      const { gateway, port } = await stranglerWith(t, file)
      const written = asking(port)('POST', 'ada')
      resolve()
      assert.equal(await written, after)
      assert.equal(shares(gateway.entries).at(-1), entry)
    })
  }

  test('keeps everybody where the data is after a start, until the other side has it: who wrote before is not known any more', async (t) => {
    const { data, file } = await movingRoute(t)
    const first = await stranglerWith(t, file)
    await first.gateway.shift({ route: 'reviews', percent: 99.99, ...BY })
    await first.stop()
    data.hasCome = false
    const { gateway } = await stranglerWith(t, file)
    const sideOfAda = () => gateway.explain('GET', '/reviews/1', { 'x-user': 'ada' }).side
    await until(() => sideOfAda() === 'from', 'she stays')
    data.hasCome = true
    await until(() => sideOfAda() === 'to', 'it has come')
  })

  test('that never began to does not ask anybody when the gateway starts', async (t) => {
    const { data, file, asking } = await movingRoute(t)
    const { port } = await stranglerWith(t, file, { start: () => assert.fail('nobody wished for it') })
    assert.equal(await asking(port)('POST', 'ada'), 'monolith')
    assert.deepEqual(data.asked, [])
  })
})
