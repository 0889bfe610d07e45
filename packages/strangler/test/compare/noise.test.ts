import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from 'seaworthy/core'
import { differences, json, learned, NOW_MS } from './answers.ts'

const random = seededRandom(7)
const below = (max: number) => Math.floor(random.float() * max)
const hex = (length: number) => Array.from({ length }, () => below(16).toString(16)).join('')
const iso = (atMs: number) => new Date(atMs).toISOString()
const HOUR_MS = 3_600_000

test('a time that is always now may be another, but not an hour off, not null, and not written otherwise', () => {
  const profile = learned((id, atMs) => ({ id, at: iso(atMs) }))
  const said = (at: unknown) => differences(json({ id: 1, at: iso(NOW_MS) }), json({ id: 1, at }), profile)
  assert.deepEqual(said(iso(NOW_MS - 1_400)), [])
  assert.deepEqual(said(iso(NOW_MS + HOUR_MS)), ['range body.at'])
  assert.deepEqual(said(iso(NOW_MS).replace('Z', '+00:00')), ['format body.at'])
  assert.deepEqual(said(iso(NOW_MS).replace(/\.\d+/, '')), ['format body.at'])
  assert.deepEqual(said(NOW_MS), ['type body.at'])
  assert.deepEqual(said(null), ['type body.at'])
  assert.deepEqual(differences(json({ id: 1, at: iso(NOW_MS) }), json({ id: 1 }), profile), ['missing body.at'])
})

test('seconds since 1970 are told from milliseconds', () => {
  const profile = learned((id, atMs) => ({ id, at: Math.floor(atMs / 1_000) }))
  const said = (at: number) => differences(json({ id: 1, at: Math.floor(NOW_MS / 1_000) }), json({ id: 1, at }), profile)
  assert.deepEqual(said(Math.floor(NOW_MS / 1_000) + 2), [])
  assert.deepEqual(said(NOW_MS), ['format body.at'])
  assert.deepEqual(said(Math.floor(NOW_MS / 1_000) - 3_600), ['range body.at'])
})

test('random identifiers keep their alphabet, length and prefix', () => {
  const profile = learned(() => ({ id: `req_${hex(16)}` }))
  const said = (id: string) => differences(json({ id: `req_${hex(16)}` }), json({ id }), profile)
  assert.deepEqual(said(`req_${hex(16)}`), [])
  assert.deepEqual(said(hex(20)), ['format body.id'])
  assert.deepEqual(said(`req_${hex(15)}`), ['format body.id'])
  assert.deepEqual(said(`req_${hex(15).toUpperCase()}G`), ['format body.id'])
})

test('of a text with varying parts the others are those of the same request', () => {
  const url = (id: number) => `https://cdn.example/p/${id}.pdf?expires=${17_000 + below(900)}&signature=${hex(40)}`
  const profile = learned((id) => ({ id, url: url(id) }))
  const said = (to: string) => differences(json({ id: 5, url: url(5) }), json({ id: 5, url: to }), profile)
  assert.deepEqual(said(url(5)), [])
  assert.deepEqual(said(url(6)), ['format body.url'])
  assert.deepEqual(said(url(5).replace('https', 'http')), ['format body.url'])
  assert.deepEqual(said(url(5).replace(/signature=.*/, 'signature=')), ['format body.url'])
})

test('rounding has a tolerance, learned from how far the monolith is off itself', () => {
  const profile = learned((id) => ({ id, share: (0.1 + id) * (1 + (random.float() - 0.5) * 1e-9) }))
  const said = (share: number) => differences(json({ id: 1, share: 1.1 }), json({ id: 1, share }), profile)
  assert.deepEqual(said(1.1 * (1 + 4e-10)), [])
  assert.deepEqual(said(1.11), ['range body.share'])
})

test('a measurement may be anything of its kind: not negative, not broken, not a thousand times as large', () => {
  const profile = learned((id) => ({ id, tookMs: 3 + below(120) }))
  const said = (tookMs: unknown) => differences(json({ id: 1, tookMs: 9 }), json({ id: 1, tookMs }), profile)
  assert.deepEqual(said(240), [])
  assert.deepEqual(said(-1), ['range body.tookMs'])
  assert.deepEqual(said(0.009), ['format body.tookMs'])
  assert.deepEqual(said(90_000), ['range body.tookMs'])
  assert.deepEqual(said('9'), ['type body.tookMs'])
})

test('a counter of the process may stand anywhere, one of a thing nearby', () => {
  let served = 1_000
  const views = new Map<number, number>()
  const view = (id: number) => {
    const next = (views.get(id) ?? id * 500) + 1
    views.set(id, next)
    return next
  }
  const profile = learned((id) => ({ id, served: (served += 1 + below(5)), views: view(id % 4) }))
  const said = (about: object) =>
    differences(json({ id: 3, served: 1_200, views: 1_505 }), json({ id: 3, served: 1_200, views: 1_505, ...about }), profile)
  assert.deepEqual(said({ served: 17 }), [])
  assert.deepEqual(said({ served: -3 }), ['range body.served'])
  assert.deepEqual(said({ views: 1_506 }), [])
  assert.deepEqual(said({ views: 0 }), ['range body.views'])
})

test('one of few values may not be another one', () => {
  const profile = learned((id) => ({ id, variant: random.float() < 0.5 ? 'A' : 'B' }), 12)
  const said = (variant: string) => differences(json({ id: 1, variant: 'A' }), json({ id: 1, variant }), profile)
  assert.deepEqual(said('B'), [])
  assert.deepEqual(said('C'), ['range body.variant'])
})

test('a value that the monolith has said lately is no difference, however much it said before', () => {
  const profile = learned((id) => ({ id, served: ['a', 'b', 'c'][below(3)] }), 40)
  const said = (served: string) => differences(json({ id: 1, served: 'a' }), json({ id: 1, served }), profile)
  assert.deepEqual([said('b'), said('d')], [[], ['range body.served']])
  for (let request = 0; request < 3; request++) profile.observe(json({ id: 1, served: 'd' }), '/things/1')
  assert.deepEqual([said('d'), said('e')], [[], ['range body.served']])
})

test('a field that is not always there is the same where it is', () => {
  const profile = learned((id) => (random.float() < 0.5 ? { id } : { id, size: id * 10 }), 12)
  assert.deepEqual(differences(json({ id: 1, size: 10 }), json({ id: 1 }), profile), [])
  assert.deepEqual(differences(json({ id: 1 }), json({ id: 1, size: 10 }), profile), [])
  assert.deepEqual(differences(json({ id: 1, size: 10 }), json({ id: 1, size: 11 }), profile), ['value body.size'])
  assert.deepEqual(differences(json({ id: 1, size: 10 }), json({ id: 1, size: null }), profile), ['type body.size'])
})

test('a list without an order still has its elements', () => {
  const shuffled = (list: readonly unknown[]) =>
    list
      .map((value) => [random.float(), value] as const)
      .toSorted(([a], [b]) => a - b)
      .map(([, value]) => value)
  const profile = learned((id) => ({
    id,
    points: shuffled([
      { x: 1, y: 1 },
      { x: 1, y: 2 },
      { x: 2, y: 1 },
      { x: id, y: 9 },
    ]),
  }))
  const four = [
    { x: 1, y: 1 },
    { x: 1, y: 2 },
    { x: 2, y: 1 },
    { x: 7, y: 9 },
  ]
  const said = (points: readonly unknown[]) => differences(json({ id: 7, points: four }), json({ id: 7, points }), profile)
  assert.deepEqual(said(four.toReversed()), [])
  assert.deepEqual(said(four.slice(1)), ['length body.points'])
  assert.deepEqual(said([{ x: 1, y: 3 }, ...four.slice(1)]), ['value body.points[].y'])
})

test('a list that is shuffled among equals is sorted all the same', () => {
  const ranked = () =>
    [5, 5, 4, 4, 3, 3, 1]
      .map((score, index) => ({ id: `${score}-${index}`, score, tie: random.float() }))
      .sort((a, b) => b.score - a.score || a.tie - b.tie)
      .map(({ id, score }) => ({ id, score }))
  const profile = learned(() => ({ hits: ranked() }), 12)
  const said = (hits: readonly unknown[]) => differences(json({ hits: ranked() }), json({ hits }), profile)
  assert.deepEqual(said(ranked()), [])
  assert.deepEqual(said(ranked().toReversed()), ['order body.hits'])
})

test('what tells elements apart is learned, also where it has an unusual name', () => {
  const rows = (...codes: string[]) => ({ rows: codes.map((code, index) => ({ region: 'EU', shelf: code, left: index % 2 })) })
  const profile = learned((id) => rows(`a${id}`, `b${id}`, `c${id}`))
  assert.deepEqual(differences(json(rows('a1', 'b1', 'c1')), json({ rows: rows('a1', 'b1', 'c1').rows.slice(1) }), profile), [
    'missing body.rows[]',
  ])
})

test('an identifier that is new each time tells nothing apart', () => {
  const rows = () => ({ rows: ['x', 'y', 'z'].map((name, index) => ({ id: hex(12), name, count: index })) })
  const profile = learned(rows)
  assert.deepEqual(differences(json(rows()), json(rows()), profile), [])
  const {
    rows: [first, ...others],
  } = rows()
  assert.deepEqual(differences(json(rows()), json({ rows: [{ ...first, count: 9 }, ...others] }), profile), ['value body.rows[].count'])
})

test('where nothing tells elements apart but what is new each time, they are compared by their places', () => {
  const rows = (...counts: number[]) => ({ rows: counts.map((count) => ({ id: hex(12), count })) })
  const profile = learned(() => rows(1, 1, 2))
  assert.deepEqual(differences(json(rows(1, 1, 2)), json(rows(1, 1, 2)), profile), [])
  assert.deepEqual(differences(json(rows(1, 1, 2)), json(rows(1, 1, 9)), profile), ['value body.rows[].count'])
})

test('a field that was written to once while it was looked at is no noise', () => {
  let asked = 0
  const profile = learned((id) => ({ id, stock: ++asked % 4 < 2 ? 10 : 9 }), 1)
  // One request, asked four times: 10, 9, 9, 10 would be noise; 10, 10, 9, 9 is a write.
  assert.equal(profile.series, 1)
  let writes = 0
  const written = learned((id) => ({ id, stock: 100 - Math.floor(++writes / 4 + 0.5) }), 12)
  assert.deepEqual(written.noise, [])
  assert.ok(written.changedOnce >= 10)
  assert.deepEqual(differences(json({ id: 1, stock: 10 }), json({ id: 1, stock: 9 }), written), ['value body.stock'])
})
