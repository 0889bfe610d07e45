import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { ConfigurationError, ConflictError, InvalidInputError, NotFoundError } from 'seaworthy/core'
import type { MirrorCandidate } from '../../src/mirror.ts'
import type { Readiness } from '../../src/readiness-gate.ts'
import { startAdminApi } from '../../src/strangler/admin-api.ts'
import { ask, type TestUpstream, until, upstream } from '../rig.ts'
import { fileOf, stranglerWith, temporaryFolder } from './rig.ts'

const BY = { who: 'ada', why: 'a test' }

/** Two sides that say which they are. */
async function sides(t: TestContext): Promise<{ readonly monolith: TestUpstream; readonly reviews: TestUpstream }> {
  const saying = (name: string) => upstream(t, (request, response) => void request.resume().on('end', () => response.end(name)))
  return { monolith: await saying('monolith'), reviews: await saying('reviews') }
}

const urls = ({ monolith, reviews }: { monolith: TestUpstream; reviews: TestUpstream }) => ({
  monolith: monolith.url,
  reviews: reviews.url,
})
const answerOf = async (port: number, user = 'ada', headers = {}) =>
  (await ask(port, { path: '/reviews/1', headers: { 'x-user': user, ...headers } })).body

describe('a route', () => {
  test('is moved by shifts, 0 to 100 %, and back by a rollback; each is in the ledger, and holds after a restart', async (t) => {
    const both = await sides(t)
    const file = fileOf(temporaryFolder(t), urls(both))
    const { gateway, port, stop } = await stranglerWith(t, file)
    assert.equal(await answerOf(port), 'monolith')
    const movedAt = new Map<string, number>()
    for (const percent of [1, 10, 50, 100]) {
      await gateway.shift({ route: 'reviews', percent, ...BY })
      for (let user = 0; user < 40; user++) {
        const side = await answerOf(port, `user-${user}`)
        if (side === 'reviews') movedAt.set(`user-${user}`, movedAt.get(`user-${user}`) ?? percent)
        else assert.ok(!movedAt.has(`user-${user}`), `user-${user} was moved back`)
      }
    }
    assert.equal(movedAt.size, 40)
    const at50 = [...movedAt.values()].filter((percent) => percent <= 50).length
    assert.ok(at50 > 8 && at50 < 32, `${at50} of 40 users were moved at 50 %`)
    await gateway.rollback({ route: 'reviews', ...BY })
    assert.equal(await answerOf(port), 'monolith')
    await gateway.shift({ route: 'reviews', percent: 100, ...BY })
    await stop()

    const again = await stranglerWith(t, file)
    assert.equal(await answerOf(again.port), 'reviews')
    assert.deepEqual(
      again.gateway.entries.map(({ kind, fromPercent, toPercent, who }) => [kind, fromPercent, toPercent, who]),
      [
        ['shift', 0, 1, 'ada'],
        ['shift', 1, 10, 'ada'],
        ['shift', 10, 50, 'ada'],
        ['shift', 50, 100, 'ada'],
        ['rollback', 100, 0, 'ada'],
        ['shift', 0, 100, 'ada'],
      ],
    )
    const [route] = again.gateway.status().routes
    assert.equal(route!.sharePercent, 100)
    // Figures outlive it, too: those of before the restart, and the one since.
    assert.equal(route!.counts!.requests.from + route!.counts!.requests.to, 163)
  })

  test('of one tenant is moved alone', async (t) => {
    const both = await sides(t)
    const { gateway, port } = await stranglerWith(t, fileOf(temporaryFolder(t), urls(both)))
    await gateway.shift({ route: 'reviews', tenant: 'acme', percent: 100, ...BY })
    assert.equal(await answerOf(port, 'ada', { 'x-tenant': 'acme' }), 'reviews')
    assert.equal(await answerOf(port, 'ada', { 'x-tenant': 'other' }), 'monolith')
    const [status] = gateway.status().routes
    assert.deepEqual(
      status!.tenants.map(({ tenant, sharePercent, counts }) => [tenant, sharePercent, counts?.requests.to]),
      [['acme', 100, 1]],
    )
    await gateway.rollback({ route: 'reviews', ...BY })
    assert.equal(await answerOf(port, 'ada', { 'x-tenant': 'acme' }), 'monolith', 'a rollback takes the tenants back, too')
  })

  test('cannot be moved if there is none, it does not move, the share is none, or it has no tenants', async (t) => {
    const both = await sides(t)
    const { gateway } = await stranglerWith(t, fileOf(temporaryFolder(t), urls(both)))
    await assert.rejects(gateway.shift({ route: 'ghost', percent: 1, ...BY }), NotFoundError)
    await assert.rejects(gateway.shift({ route: 'rest', percent: 1, ...BY }), InvalidInputError)
    await assert.rejects(gateway.shift({ route: 'reviews', percent: Number.NaN, ...BY }), InvalidInputError)
    await assert.rejects(gateway.rollback({ route: 'ghost', ...BY }), NotFoundError)
    assert.deepEqual(gateway.entries, [])
  })
})

describe('a shift', () => {
  test('is refused with the reason while the data is not ready, and a rollback is not asked about', async (t) => {
    const both = await sides(t)
    let answer: Readiness | Error = { ready: false, reason: '1,204 changes are still to come' }
    const asked: unknown[] = []
    const gate = {
      readiness: async (question: unknown) => {
        asked.push(question)
        if (answer instanceof Error) throw answer
        return answer
      },
    }
    const { gateway, port } = await stranglerWith(t, fileOf(temporaryFolder(t), urls(both)), { gateOf: () => gate })
    const shift = (percent: number) => gateway.shift({ route: 'reviews', percent, ...BY })
    await assert.rejects(
      shift(50),
      (error: unknown) => error instanceof ConflictError && /stays at 0 %: 1,204 changes are still to come/.test(error.message),
    )
    answer = new Error('it is on fire')
    await assert.rejects(shift(50), /is not known: it is on fire/)
    answer = { ready: true }
    await shift(100)
    assert.equal(await answerOf(port), 'reviews')
    assert.deepEqual(asked.at(-1), { route: 'reviews', fromPercent: 0, toPercent: 100 })
    answer = { ready: false, reason: 'it is not' }
    await gateway.rollback({ route: 'reviews', ...BY })
    assert.equal(asked.length, 3)
    assert.deepEqual(
      gateway.entries.map(({ kind, why }) => [kind, why]),
      [
        ['refused', 'a test; refused: 1,204 changes are still to come'],
        ['refused', 'a test; refused: whether the data is ready is not known: it is on fire'],
        ['shift', 'a test'],
        ['rollback', 'a test'],
      ],
    )
  })

  for (const [what, answer, expected] of [
    ['says yes', { ready: true }, undefined],
    ['says no', { ready: false, reason: 'lag' }, /: lag/],
    ['says something else', { ready: 'soon' }, /did not say whether it is ready/],
    ['fails', undefined, /answered 500/],
  ] as const) {
    test(`asks the process of the data over HTTP, which ${what}`, async (t) => {
      const both = await sides(t)
      const data = await upstream(t, (request, response) => {
        request.resume()
        response.writeHead(answer === undefined ? 500 : 200).end(JSON.stringify(answer))
      })
      const file = fileOf(temporaryFolder(t), {
        ...urls(both),
        routes: [{ id: 'reviews', match: { path: '/*' }, from: 'monolith', to: 'reviews', data: { url: `${data.url.origin}/ready?x=1` } }],
      })
      const { gateway } = await stranglerWith(t, file)
      const shifted = gateway.shift({ route: 'reviews', percent: 10, ...BY })
      await (expected === undefined ? shifted : assert.rejects(shifted, expected))
      assert.equal(data.received[0]?.url, '/ready?x=1&route=reviews&fromPercent=0&toPercent=10')
    })
  }

  test('that was asked for before a rollback is not made after it', async (t) => {
    const both = await sides(t)
    const { promise, resolve } = Promise.withResolvers<Readiness>()
    let isAsked = false
    const gate = { readiness: () => ((isAsked = true), promise) }
    const { gateway, port } = await stranglerWith(t, fileOf(temporaryFolder(t), urls(both)), { gateOf: () => gate })
    const shifted = gateway.shift({ route: 'reviews', percent: 100, ...BY })
    const refused = assert.rejects(shifted, /rolled back meanwhile/)
    await until(() => isAsked, 'the gate is asked')
    await gateway.rollback({ route: 'reviews', ...BY })
    resolve({ ready: true })
    await refused
    assert.equal(await answerOf(port), 'monolith')
  })
})

describe('a route whose new side does badly', () => {
  const guarded = (guard: unknown) => [
    { id: 'reviews', match: { path: '/*' }, from: 'monolith', to: 'reviews', stickyBy: { header: 'x-user' }, guard },
  ]

  test('goes back by itself when the errors burn the budget, and the ledger says why', async (t) => {
    const { monolith } = await sides(t)
    const reviews = await upstream(t, (request, response) => void request.resume().on('end', () => response.writeHead(500).end('broken')))
    const file = fileOf(temporaryFolder(t), { monolith: monolith.url, reviews: reviews.url, routes: guarded({ requestsMin: 20 }) })
    const { gateway, port, logged } = await stranglerWith(t, file)
    await gateway.shift({ route: 'reviews', percent: 50, ...BY })
    for (let user = 0; user < 60; user++) await answerOf(port, `user-${user}`)
    await gateway.judge()
    assert.equal(gateway.status().routes[0]!.sharePercent, 0)
    const entry = gateway.entries.at(-1)!
    assert.deepEqual([entry.kind, entry.who, entry.fromPercent, entry.toPercent], ['automatic-rollback', 'gateway', 50, 0])
    assert.match(entry.why, /100 % of \d\d requests failed/)
    assert.match(logged.at(-1)!.message, /route reviews goes back to monolith/)
    const before = gateway.entries.length
    await gateway.judge()
    assert.equal(gateway.entries.length, before, 'once')
  })

  test('goes back by itself when it is slow at 100 %, against what the old side was like', async (t) => {
    const { monolith } = await sides(t)
    const reviews = await upstream(
      t,
      (request, response) => void request.resume().on('end', () => setTimeout(() => response.end('slow'), 120)),
    )
    const guard = { requestsMin: 20, latencyFactorMax: 1.5, latencySlackMs: 5, windowMs: 60_000 }
    const file = fileOf(temporaryFolder(t), { monolith: monolith.url, reviews: reviews.url, routes: guarded(guard) })
    const { gateway, port } = await stranglerWith(t, file)
    for (let user = 0; user < 30; user++) await answerOf(port, `user-${user}`)
    await gateway.judge()
    await gateway.shift({ route: 'reviews', percent: 100, ...BY })
    await Promise.all(Array.from({ length: 30 }, (_, user) => answerOf(port, `user-${user}`)))
    await gateway.judge()
    assert.match(gateway.entries.at(-1)!.why, /95th percentile/)
  })

  test('stays where it is if nobody wants it guarded, or its clients leave', async (t) => {
    const { monolith } = await sides(t)
    const reviews = await upstream(t, (request) => void request.resume())
    const file = fileOf(temporaryFolder(t), { monolith: monolith.url, reviews: reviews.url, routes: guarded({ requestsMin: 1 }) })
    const { gateway, port } = await stranglerWith(t, file)
    await gateway.shift({ route: 'reviews', percent: 100, ...BY })
    const controller = new AbortController()
    const left = ask(port, { path: '/', signal: controller.signal }).catch(() => 'left')
    await until(() => reviews.received.length === 1, 'it arrives')
    controller.abort()
    await left
    await gateway.judge()
    assert.equal(gateway.entries.length, 1)
  })
})

describe('another configuration', () => {
  test('takes the place of the old in one step, and what it says nothing new of stays: shares, connections, figures', async (t) => {
    const both = await sides(t)
    const folder = temporaryFolder(t)
    const { gateway, port } = await stranglerWith(t, fileOf(folder, urls(both)))
    let connections = 0
    both.monolith.server.on('connection', () => connections++)
    await gateway.shift({ route: 'reviews', percent: 100, ...BY })
    await ask(port, { path: '/other' })
    const elsewhere = await upstream(t, (request, response) => void request.resume().on('end', () => response.end('elsewhere')))
    gateway.configure(fileOf(folder, { ...urls(both), reviews: elsewhere.url }))
    assert.equal(await answerOf(port), 'elsewhere')
    await ask(port, { path: '/other' })
    assert.equal(connections, 1)
    assert.equal(gateway.status().routes[0]!.sharePercent, 100)
  })

  test('lets what its predecessor has in hand go on', async (t) => {
    const both = await sides(t)
    let finish = () => {}
    const slow = await upstream(t, (request, response) => {
      request.resume()
      finish = () => response.end('old')
    })
    const folder = temporaryFolder(t)
    const { gateway, port } = await stranglerWith(t, fileOf(folder, { monolith: slow.url, reviews: both.reviews.url }))
    const asked = answerOf(port)
    await until(() => slow.received.length === 1, 'it arrives')
    gateway.configure(fileOf(folder, urls(both)))
    assert.equal(await answerOf(port), 'monolith')
    finish()
    assert.equal(await asked, 'old')
  })

  test('that changes what needs a restart is refused, and nothing of it applied', async (t) => {
    const both = await sides(t)
    const folder = temporaryFolder(t)
    const { gateway, port } = await stranglerWith(t, fileOf(folder, urls(both)))
    assert.throws(() => gateway.configure(fileOf(folder, { ...urls(both), ledger: 'elsewhere', routes: [] })), ConfigurationError)
    assert.equal(await answerOf(port), 'monolith')
  })

  test('that moves a route to another service begins at nothing', async (t) => {
    const both = await sides(t)
    const folder = temporaryFolder(t)
    const { gateway, port } = await stranglerWith(t, fileOf(folder, urls(both)))
    await gateway.shift({ route: 'reviews', percent: 100, ...BY })
    gateway.configure(
      fileOf(folder, {
        ...urls(both),
        upstreams: { monolith: { urls: [both.monolith.url.origin] }, v2: { urls: [both.reviews.url.origin] } },
        routes: [{ id: 'reviews', match: { path: '/*' }, from: 'monolith', to: 'v2' }],
      }),
    )
    assert.equal(await answerOf(port), 'monolith')
  })
})

describe('a mirror', () => {
  test('is offered the safe requests that the old side of a shadowed route answers, and what it does wrong is nobody else’s concern', async (t) => {
    const both = await sides(t)
    const offered: MirrorCandidate[] = []
    const mirror = {
      bodyBytesMax: 1_000,
      tapOf: (candidate: MirrorCandidate) => {
        offered.push(candidate)
        throw new Error('a defect')
      },
    }
    const routes = [
      { id: 'reviews', match: { path: '/reviews/*' }, from: 'monolith', to: 'reviews', shadow: {}, stickyBy: { header: 'x-user' } },
      { id: 'rest', match: { path: '/*' }, from: 'monolith', to: 'reviews' },
    ]
    const { gateway, port, logged } = await stranglerWith(t, fileOf(temporaryFolder(t), { ...urls(both), routes }), { mirror })
    assert.equal(await answerOf(port), 'monolith')
    await ask(port, { method: 'POST', path: '/reviews/1', body: 'x' })
    await ask(port, { path: '/other' })
    await gateway.shift({ route: 'reviews', percent: 100, ...BY })
    assert.equal(await answerOf(port), 'reviews')
    assert.deepEqual(
      offered.map(({ route, method, target }) => [route, method, target]),
      [['reviews', 'GET', '/reviews/1']],
    )
    assert.match(offered[0]!.lines, /x-user: ada\r\n/i)
    assert.equal(logged[0]?.message, 'the gateway failed')
  })
})

describe('the admin API', () => {
  const TOKEN = 'a-token-of-some-length'

  async function adminBefore(t: TestContext) {
    const both = await sides(t)
    const strangler = await stranglerWith(t, fileOf(temporaryFolder(t), urls(both)))
    const reload = async () => {
      throw new ConfigurationError('gateway.json:3: is wrong')
    }
    const admin = await startAdminApi({
      port: 0,
      host: '127.0.0.1',
      token: TOKEN,
      gateway: strangler.gateway,
      isReady: () => true,
      metrics: { exposition: async () => ({ contentType: 'text/plain', body: 'seaworthy_figures 1' }) },
      reload,
      comparisons: async () => ({}),
    })
    t.after(() => admin.close())
    const post = (path: string, body: unknown) =>
      ask(admin.port, { method: 'POST', path, headers: { authorization: `Bearer ${TOKEN}` }, body: JSON.stringify(body) })
    return { ...strangler, admin, post }
  }

  test('needs its token for all but the health and the figures', async (t) => {
    const { admin, port } = await adminBefore(t)
    for (const authorization of ['', 'Bearer wrong', `Basic ${TOKEN}x`, `Bearer ${TOKEN}x`]) {
      for (const [method, path] of [
        ['GET', '/status'],
        ['POST', '/shift'],
        ['GET', '/else'],
      ] as const)
        assert.equal((await ask(admin.port, { method, path, headers: { authorization } })).status, 401)
    }
    assert.equal((await ask(admin.port, { path: '/readyz' })).status, 200)
    assert.equal((await ask(admin.port, { path: '/metrics' })).body, 'seaworthy_figures 1')
    assert.equal(
      (await ask(port, { path: '/status', headers: { authorization: `Bearer ${TOKEN}` } })).body,
      'monolith',
      'never on the public port',
    )
  })

  test('shifts, rolls back, says what is the case, and explains', async (t) => {
    const { admin, port, post } = await adminBefore(t)
    const shifted = await post('/shift', { route: 'reviews', percent: 100, ...BY })
    assert.deepEqual([shifted.status, shifted.json['toPercent']], [200, 100])
    assert.equal(await answerOf(port), 'reviews')
    const explained = (await post('/explain', { method: 'GET', url: 'http://shop.example/reviews/1?x=1', headers: { 'x-user': 'ada' } }))
      .json
    assert.deepEqual(
      [explained['route'], explained['side'], explained['upstream'], explained['path']],
      ['reviews', 'to', 'reviews', '/reviews/*'],
    )
    assert.equal((await post('/rollback', { route: 'reviews', ...BY })).status, 200)
    assert.equal(await answerOf(port), 'monolith')
    const headers = { authorization: `Bearer ${TOKEN}` }
    const status = (await ask(admin.port, { path: '/status', headers })).json as { routes: { id: string; sharePercent: number }[] }
    assert.deepEqual(
      status.routes.map(({ id, sharePercent }) => [id, sharePercent]),
      [
        ['reviews', 0],
        ['rest', 0],
      ],
    )
    const { entries } = (await ask(admin.port, { path: '/ledger', headers })).json as { entries: object[] }
    assert.equal(entries.length, 2)
  })

  test('says what is wrong with a question', async (t) => {
    const { post } = await adminBefore(t)
    const wrong = await post('/shift', { route: 'reviews', percent: 120, who: 'ada' })
    assert.equal(wrong.status, 400)
    assert.deepEqual((wrong.json['errors'] as { field: string }[]).map(({ field }) => field).toSorted(), ['percent', 'why'])
    assert.equal((await post('/shift', { route: 'ghost', percent: 1, ...BY })).status, 404)
    assert.equal((await post('/explain', { method: 'GET', url: 'http://shop.example/a/../b/%2f' })).status, 400)
    assert.equal((await post('/nothing', {})).status, 404)
  })
})
