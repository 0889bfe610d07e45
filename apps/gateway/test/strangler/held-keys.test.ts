import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { ask, until, upstream } from '../rig.ts'
import { fileOf, stranglerWith, temporaryFolder } from './rig.ts'

const BY = { who: 'ada', why: 'a test' }

/** A route whose data has moved, and the process that moves it, of which a test decides what it holds. */
async function movedRoute(t: TestContext, key: object | null = { path: 'id' }) {
  const data = { phase: 'old', held: ['7', '8'], isAway: false }
  const moving = await upstream(t, (request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://data')
    const asked = `${request.method} ${pathname}`
    if (asked === 'POST /switch') data.phase = 'new'
    if (asked === 'POST /rollback') data.phase = data.held.length > 0 ? 'returning' : 'old'
    if (data.isAway) response.writeHead(503)
    const keys = data.held.map((each) => ({ key: each, reason: 'not fed back yet' }))
    response.end(JSON.stringify({ ready: true, token: 'new.1', phase: data.phase, settled: true, read: searchParams.get('wish'), keys }))
  })
  const written: string[] = []
  const side = (name: string) =>
    upstream(t, (request, response) => {
      if (request.method !== 'GET') written.push(`${name} ${request.url}`)
      request.resume().on('end', () => response.end(name))
    })
  const [monolith, reviews] = await Promise.all([side('monolith'), side('reviews')])
  const url = moving.url.href
  const route = { id: 'reviews', match: { path: '/reviews/:id' }, from: 'monolith', to: 'reviews', guard: false }
  const moves = { url: new URL('ready', url).href, move: url, ...(key !== null && { key }) }
  const folder = temporaryFolder(t)
  const file = fileOf(folder, { monolith: monolith.url, reviews: reviews.url, routes: [{ ...route, data: moves }] })
  const started = await stranglerWith(t, file)
  const { gateway, port } = started
  await gateway.shift({ route: 'reviews', percent: 100, ...BY })
  const asking = (method: string, id: string) => ask(port, { method, path: `/reviews/${id}` })
  return { ...started, data, written, file, asking }
}

describe('a key that the old side does not have back after a rollback', () => {
  test('is named by the ledger, read where it was written last, and written to when it is back; all others are the old side’s at once', async (t) => {
    const { gateway, data, written, asking } = await movedRoute(t)
    const [entry] = await gateway.rollback({ route: 'reviews', ...BY })
    assert.deepEqual(entry!.held, { count: 2, keys: ['7', '8'] })
    assert.deepEqual(gateway.entries.at(-1)!.held, { count: 2, keys: ['7', '8'] })
    assert.deepEqual([(await asking('GET', '7')).body, (await asking('GET', '9')).body], ['reviews', 'monolith'])
    const [seven, eight] = [asking('PUT', '7'), asking('PUT', '8')]
    assert.equal((await asking('PUT', '9')).body, 'monolith')
    assert.deepEqual(written, ['monolith /reviews/9'])
    data.held = ['8']
    assert.equal((await seven).body, 'monolith')
    assert.equal((await asking('GET', '7')).body, 'monolith')
    assert.equal((await asking('GET', '8')).body, 'reviews')
    data.phase = 'old'
    assert.equal((await eight).body, 'monolith')
    assert.equal((await asking('GET', '8')).body, 'monolith')
    assert.deepEqual(written, ['monolith /reviews/9', 'monolith /reviews/7', 'monolith /reviews/8'])
  })

  test('stays held while nobody says that it is back, and after a start of the gateway', async (t) => {
    const { gateway, data, file, stop } = await movedRoute(t)
    await gateway.rollback({ route: 'reviews', ...BY })
    await stop()
    const again = await stranglerWith(t, file)
    const sideOf = () => again.gateway.explain('GET', '/reviews/7').side
    await until(() => sideOf() === 'to', 'it is asked which keys are held')
    data.isAway = true
    data.held = []
    assert.equal((await ask(again.port, { path: '/reviews/7' })).body, 'reviews')
    data.isAway = false
    await until(() => sideOf() === 'from', 'it is back')
  })

  test('is held no longer once the data goes to the new side again', async (t) => {
    const { gateway, data, asking } = await movedRoute(t)
    await gateway.rollback({ route: 'reviews', ...BY })
    const waiting = asking('PUT', '7')
    await until(() => gateway.explain('GET', '/reviews/7').side === 'to', 'it is held')
    data.phase = 'old'
    await gateway.shift({ route: 'reviews', percent: 100, ...BY })
    assert.match((await waiting).body, /^(?:monolith|reviews)$/)
    assert.equal(gateway.explain('GET', '/reviews/7').side, 'to')
    assert.equal((await asking('PUT', '7')).body, 'reviews')
  })

  test('is left to the old side where requests do not say their keys', async (t) => {
    const { gateway, asking } = await movedRoute(t, null)
    const [entry] = await gateway.rollback({ route: 'reviews', ...BY })
    assert.equal(entry!.held?.count, 2)
    assert.equal((await asking('PUT', '7')).body, 'monolith')
  })

  test('may stand in the query', async (t) => {
    const { gateway, port } = await movedRoute(t, { query: 'id' })
    await gateway.rollback({ route: 'reviews', ...BY })
    assert.equal((await ask(port, { path: '/reviews/x?id=7' })).body, 'reviews')
    assert.equal((await ask(port, { path: '/reviews/x?id=9' })).body, 'monolith')
    assert.equal((await ask(port, { path: '/reviews/7' })).body, 'monolith')
    assert.equal((await ask(port, { path: '/reviews/x?id=7&id=9' })).status, 400)
  })
})

describe('a write that is on its way while its data moves', () => {
  test('goes to the new owner where the former one refused it', async (t) => {
    let refusing: (() => void) | undefined
    let wasAsked = 0
    const data = { phase: 'old' }
    const moving = await upstream(t, (request, response) => {
      if (request.url === '/switch') data.phase = 'new'
      if (request.url === '/rollback') {
        data.phase = 'old'
        refusing?.()
      }
      response.end(JSON.stringify({ ready: true, token: 'new.1', phase: data.phase, settled: true, read: 'old' }))
    })
    const received: string[] = []
    const body = (request: Parameters<Parameters<typeof upstream>[1] & object>[0]) =>
      request.on('data', (chunk: Buffer) => received.push(chunk.toString()))
    const monolith = await upstream(t, (request, response) => void body(request).on('end', () => response.end('monolith')))
    const reviews = await upstream(t, (request, response) => {
      wasAsked++
      request.resume()
      refusing = () => response.writeHead(503, { 'x-seaworthy-executed': 'no' }).end('not mine')
    })
    const url = moving.url.href
    const route = { id: 'reviews', match: { path: '/reviews/:id' }, from: 'monolith', to: 'reviews', guard: false }
    const routes = [{ ...route, data: { url: new URL('ready', url).href, move: url } }]
    const file = fileOf(temporaryFolder(t), { monolith: monolith.url, reviews: reviews.url, routes })
    const { gateway, port } = await stranglerWith(t, file)
    await gateway.shift({ route: 'reviews', percent: 100, ...BY })
    const slow = ask(port, { method: 'POST', path: '/reviews/1', body: 'once' })
    await until(() => wasAsked === 1, 'it is on its way')
    await gateway.rollback({ route: 'reviews', ...BY })
    const { status, body: answer } = await slow
    assert.deepEqual([status, answer, received, wasAsked], [200, 'monolith', ['once'], 1])
  })
})
