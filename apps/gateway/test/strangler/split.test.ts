import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { InvalidInputError, seededRandom } from 'seaworthy/core'
import { bucketOf } from '../../src/strangler/bucket.ts'
import type { DataMove } from '../../src/strangler/data-move.ts'
import { MovingRoute, RouteState } from '../../src/strangler/moving-route.ts'
import type { RuleDeclaration, Side } from '../../src/strangler/rule.ts'
import { routable } from './rig.ts'

const upstream = (name: string) => ({ name, forwarding: () => assert.fail('nothing is sent here') })

function route(sharePercent: number, declaration: Partial<RuleDeclaration> = {}, seed = 1): MovingRoute {
  return new MovingRoute({
    declaration: { id: 'reviews', match: { path: '/reviews/*' }, from: 'monolith', to: 'reviews', ...declaration },
    state: new RouteState(undefined, sharePercent),
    upstreams: { from: upstream('monolith'), to: upstream('reviews') },
    bodyBytesMax: { from: undefined, to: undefined },
    random: seededRandom(seed),
  })
}

const bySide = (sides: readonly Side[]) => sides.filter((side) => side === 'to').length / sides.length
const users = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`)

describe('the split of a route', () => {
  const stickyBy = { header: 'x-user' } as const
  const sideOf = (moving: MovingRoute, user: string) => moving.decide(routable('GET', '/reviews/1', { 'x-user': user })).side

  test('moves its share of the users, within what chance allows, however their keys are made', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12, unit: 'grapheme-ascii' }), fc.integer({ min: 1, max: 99 }), (prefix, share) => {
        const count = 4_000
        const moved = users(prefix, count).filter((user) => bucketOf(user) < share * 100).length / count
        const deviation = Math.sqrt(((share / 100) * (1 - share / 100)) / count)
        // Five standard deviations: one in two million.
        assert.ok(Math.abs(moved - share / 100) < 5 * deviation, `${moved} of the users for a share of ${share} %`)
      }),
      { numRuns: 60 },
    )
  })

  test('says which of its paths a request matched, and takes the key of an entity from that one', async (t) => {
    const data = { url: '', move: 'http://127.0.0.1:1/', key: { path: 'id' } } as const
    const moving = route(0, { match: { path: '/reviews/:id', also: ['/shops/:shop/reviews/:id', '/reviews'] }, data })
    const [first, second, all] = ['/reviews/:id', '/shops/:shop/reviews/:id', '/reviews'] as const
    assert.equal(moving.destinationOf(routable('GET', '/reviews/7'), first).path, first)
    assert.equal(moving.destinationOf(routable('GET', '/reviews'), all).path, all)
    const { held } = moving.state.writes
    t.after(() => held.stop())
    await held.begin({ held: async () => ['7'] } as unknown as DataMove, new AbortController().signal)
    assert.equal(moving.decide(routable('GET', '/reviews/7'), first).side, 'to')
    assert.equal(moving.decide(routable('GET', '/shops/7/reviews/8'), second).side, 'from')
    assert.equal(moving.decide(routable('GET', '/shops/8/reviews/7'), second).side, 'to')
    assert.equal(moving.decide(routable('GET', '/reviews'), all).side, 'from')
  })

  test('keeps each user on one side, and whoever was moved stays moved as the share grows', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 40, unit: fc.constantFrom(...'abcxyz0189-_.'.split('')) }),
        fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { maxLength: 12 }),
        (user, shares) => {
          const moving = route(0, { stickyBy })
          let wasMoved = false
          for (const share of shares.toSorted((one, other) => one - other)) {
            moving.state.sharePercent = share
            const side = sideOf(moving, user)
            assert.equal(sideOf(moving, user), side, 'the same answer to the same question')
            assert.ok(!wasMoved || side === 'to', `${user} was moved back by a larger share, ${share} %`)
            wasMoved ||= side === 'to'
          }
          moving.state.sharePercent = 100
          assert.equal(sideOf(moving, user), 'to')
          moving.state.sharePercent = 0
          assert.equal(sideOf(moving, user), 'from')
        },
      ),
    )
  })

  test('moves a user on all routes of a service together, and others first for another service', () => {
    const [first, second, other] = [route(30, { stickyBy }), route(30, { stickyBy, id: 'ratings' }), route(30, { stickyBy, to: 'catalog' })]
    const all = users('user-', 500)
    const movedBy = (moving: MovingRoute) => all.filter((user) => sideOf(moving, user) === 'to')
    assert.deepEqual(movedBy(first), movedBy(second))
    assert.notDeepEqual(movedBy(first), movedBy(other))
  })

  test('without a key to tell users by is by chance', () => {
    const moving = route(20)
    const sides = Array.from({ length: 5_000 }, () => moving.decide(routable('GET', '/reviews/1')).side)
    assert.ok(Math.abs(bySide(sides) - 0.2) < 0.03, String(bySide(sides)))
  })

  test('leaves requests without the key on the old side until all are moved', () => {
    const moving = route(99.99, { stickyBy })
    assert.equal(moving.decide(routable('GET', '/reviews/1')).side, 'from')
    assert.equal(moving.decide(routable('GET', '/reviews/1', { 'x-user': '' })).side, 'from')
    moving.state.sharePercent = 100
    assert.equal(moving.decide(routable('GET', '/reviews/1')).side, 'to')
  })

  test('of a tenant is its own, and that of the others stays', () => {
    const moving = route(0, { stickyBy, tenantBy: { header: 'x-tenant' } })
    moving.state.tenantShares.set('acme', 100)
    const asked = (tenant: string) => moving.decide(routable('GET', '/reviews/1', { 'x-user': 'ada', 'x-tenant': tenant }))
    assert.deepEqual([asked('acme').side, asked('acme').tenant], ['to', 'acme'])
    assert.deepEqual([asked('other').side, asked('other').tenant], ['from', undefined])
    const destination = moving.destinationOf(routable('GET', '/reviews/1', { 'x-tenant': 'acme' }))
    assert.deepEqual([destination.tenant, destination.upstream.name], ['acme', 'reviews'])
  })
})

describe('the key of a user', () => {
  const decided = (stickyBy: RuleDeclaration['stickyBy'], headers: Record<string, string | readonly string[]>) =>
    route(50, { stickyBy: stickyBy! }).decide(routable('GET', '/reviews/1', headers)).bucket
  const token = (claims: object) => `Bearer e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`
  const expected = bucketOf('reviews\nada')

  for (const [what, stickyBy, headers] of [
    ['a header, whatever its case', { header: 'X-User' }, { 'x-USER': 'ada' }],
    ['a cookie among others', { cookie: 'uid' }, { cookie: ['a=1; uid=ada; b=2'] }],
    ['a claim of a bearer token', { claim: 'sub' }, { authorization: token({ sub: 'ada' }) }],
  ] as const)
    test(`may be ${what}`, () => assert.equal(decided(stickyBy, headers), expected))

  for (const [what, stickyBy, headers] of [
    ['no token', { claim: 'sub' }, { authorization: 'Basic YTpi' }],
    ['a token that is none', { claim: 'sub' }, { authorization: 'Bearer a.!!.b' }],
    ['a claim that is an object', { claim: 'sub' }, { authorization: token({ sub: { id: 1 } }) }],
    ['an inherited name', { claim: 'constructor' }, { authorization: token({}) }],
    ['too long a key', { header: 'x-user' }, { 'x-user': 'x'.repeat(300) }],
  ] as const)
    test(`is not there with ${what}`, () => assert.equal(decided(stickyBy, headers), undefined))

  test('that stands there twice and differs is refused', () => {
    assert.throws(() => decided({ header: 'x-user' }, { 'x-user': ['ada', 'eve'] }), InvalidInputError)
    assert.throws(() => decided({ cookie: 'uid' }, { cookie: 'uid=ada; uid=eve' }), InvalidInputError)
    assert.equal(decided({ cookie: 'uid' }, { cookie: 'uid=ada; uid=ada' }), expected)
  })
})
