import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { advice } from './advice.ts'
import { arrivals, KINDS, type Kind } from './arrivals.ts'
import { chart } from './chart.ts'
import type { Answer } from './customers.ts'
import { type Figures, figuresOf, isHeld } from './figures.ts'
import type { Measured } from './measure.ts'
import { POISONOUS_CENTS, withSlips } from './planted-defect.ts'
import { table } from './report.ts'
import type { SideName } from './sides.ts'
import { type BothSides, verdict } from './verdict.ts'
import { paymentCharged } from '../../shop/services/payments/contract/events.ts'

const answer = (kind: Kind, atMs: number, tookMs: number, outcome: Answer['outcome'] = 'served'): Answer => ({
  phase: 'a phase',
  kind,
  atMs,
  tookMs,
  outcome,
  productId: 'product-1',
  customerId: 'customer-1',
})

/** Somebody of each kind every 100 ms for 3 s, served as is said. */
const everybody = (serve: (kind: Kind, atMs: number) => Pick<Answer, 'tookMs'> & Partial<Pick<Answer, 'outcome'>>): Answer[] =>
  Array.from({ length: 30 }, (_, index) => index * 100).flatMap((atMs) =>
    KINDS.map((kind) => {
      const { tookMs, outcome } = serve(kind, atMs)
      return answer(kind, atMs, tookMs, outcome)
    }),
  )

/** What the lab sees where all is as its README says. A process that does payments is away from 1 s to 2 s, and spawned at 1.1 s. */
function measured(side: SideName): Measured {
  const isMonolith = side === 'monolith'
  const isAway = (atMs: number) => atMs >= 1_000 && atMs < 2_000
  // Whoever comes meanwhile waits for the process: in the services, who pays.
  const disturbed = everybody((kind, atMs) => ({ tookMs: isAway(atMs) && (isMonolith || kind === 'checkout') ? 2_010 - atMs : 5 }))
  const process = { cpuMs: 1, rssMb: 100, ownMb: 60 }
  return {
    side,
    databases: isMonolith ? 1 : 10,
    startMs: 2_000,
    mixed: everybody((kind) => ({ tookMs: (kind === 'checkout' ? 8 : 2) * (isMonolith ? 1 : 3) })),
    usage: Array.from({ length: isMonolith ? 2 : 11 }, (_, index) => ({ name: `process-${index}`, ...process })),
    idleCpuMs: isMonolith ? 5 : 40,
    cpuMs: isMonolith ? { read: 1, checkout: 4 } : { read: 2, checkout: 16 },
    ladder: [
      { perSecond: 80, answers: [answer('browse', 0, 5)] },
      { perSecond: 160, answers: [answer('browse', 0, isMonolith ? 5 : 900)] },
    ],
    deploy: { answers: disturbed, commandAtMs: 1_000, readyAtMs: 2_000 },
    crash: {
      answers: disturbed,
      poisonAtMs: 990,
      away: { diedAtMs: 1_000, spawnedAtMs: 1_100, readyAtMs: 2_000, lastExit: 'exit code 1' },
    },
    more: [2, 3].map((index) => ({ name: `more-${index}`, cpuMs: 1, rssMb: isMonolith ? 120 : 100, ownMb: isMonolith ? 70 : 50 })),
    audit: { wanted: 30, repeated: 1, missing: [], unasked: [], chargedCents: 300, orderedCents: 300, sumCents: 0 },
  }
}

const figures = (change: (figures: Figures) => Figures = (same) => same): BothSides => ({
  monolith: change(figuresOf(measured('monolith'))),
  microservices: change(figuresOf(measured('microservices'))),
})

describe('the figures of a side', () => {
  test('are of those who came, from when they came', () => {
    const { latencyMs, held, memory, more, deploy, crash } = figures().monolith
    assert.deepEqual(latencyMs.checkout, { p50: 8, p99: 8 })
    assert.deepEqual(held, { perSecond: 160 })
    assert.deepEqual(figures().microservices.held, { perSecond: 80, missed: 160 })
    assert.deepEqual(memory, { processes: 2, rssMb: 200, netMb: 160 }, 'what both have is there once')
    assert.deepEqual(more, { processes: 2, rssMb: 240, netMb: 140 })
    assert.equal(deploy.answeredAfterMs, 1_005)
    assert.equal(crash.awayMs, 1_000)
    assert.deepEqual(crash.met.browse, { requests: 30, failed: 0, late: 1, longestMs: 1_010 })
  })

  test('count nobody as served meanwhile whose answer came when the process may have been back', () => {
    assert.deepEqual(figures().monolith.crash.meanwhile.browse, { came: 4, served: 0 })
    assert.deepEqual(figures().microservices.crash.meanwhile.browse, { came: 4, served: 4 })
  })

  test('tell no time of the new release where nobody came late enough to be answered by it', () => {
    const { deploy } = measured('monolith')
    const before = { ...deploy, answers: deploy.answers.filter(({ atMs }) => atMs < 900) }
    assert.equal(figuresOf({ ...measured('monolith'), deploy: before }).deploy.answeredAfterMs, undefined)
  })

  test('leave out what they share where one process does not tell it', () => {
    const { ownMb: _untold, ...untold } = measured('monolith').usage[0]!
    assert.equal(figuresOf({ ...measured('monolith'), usage: [untold, measured('monolith').usage[1]!] }).memory.netMb, undefined)
  })

  test('say that a rate was not held when one was not served, or many waited', () => {
    const soon = Array.from({ length: 200 }, () => answer('browse', 0, 5))
    assert.ok(isHeld({ answers: soon }))
    assert.ok(isHeld({ answers: [...soon, answer('browse', 0, 5_000)] }), 'one in two hundred')
    assert.ok(!isHeld({ answers: [...soon, answer('browse', 0, 5, 'failed')] }))
    assert.ok(!isHeld({ answers: [...soon, ...Array.from({ length: 5 }, () => answer('browse', 0, 501))] }))
  })
})

describe('the verdict of the lab', () => {
  const broken = (both: BothSides) => verdict(both).filter(({ holds }) => !holds)

  test('is that everything came about, when it did', () => assert.deepEqual(broken(figures()), []))

  const served = { came: 4, served: 4 }
  const nobodyServed = { came: 4, served: 0 }
  const all = <Value>(value: Value) => ({ browse: value, reviews: value, history: value, checkout: value })
  const met = { requests: 30, failed: 1, late: 0, longestMs: 5 }
  for (const [what, side, change] of [
    ['one side got more', 'monolith', (same) => ({ ...same, arrivals: same.arrivals + 1 })],
    ['somebody was not served though nothing was wrong', 'microservices', (same) => ({ ...same, failed: 1 })],
    ['something else ended the process', 'monolith', ({ crash, ...same }) => ({ ...same, crash: { ...crash, wasPlanted: false } })],
    ['the monolith served meanwhile', 'monolith', ({ crash, ...same }) => ({ ...same, crash: { ...crash, meanwhile: all(served) } })],
    ['nobody looked', 'monolith', ({ crash, ...same }) => ({ ...same, crash: { ...crash, meanwhile: all({ came: 0, served: 0 }) } })],
    [
      'the crash of payments took the others along',
      'microservices',
      ({ crash, ...same }) => ({ ...same, crash: { ...crash, meanwhile: all(nobodyServed) } }),
    ],
    ['a reader failed', 'microservices', ({ crash, ...same }) => ({ ...same, crash: { ...crash, met: { ...crash.met, reviews: met } } })],
    ['an order was lost', 'monolith', ({ audit, ...same }) => ({ ...same, audit: { ...audit, missing: ['order'] } })],
    ['an order was made twice', 'microservices', ({ audit, ...same }) => ({ ...same, audit: { ...audit, unasked: ['order'] } })],
    ['somebody paid twice', 'microservices', ({ audit, ...same }) => ({ ...same, audit: { ...audit, chargedCents: 400 } })],
    ['there are no more processes', 'microservices', ({ memory, ...same }) => ({ ...same, memory: { ...memory, processes: 2 } })],
    ['there is but one database', 'microservices', (same) => ({ ...same, databases: 1 })],
  ] as readonly (readonly [string, SideName, (figures: Figures) => Figures])[]) {
    test(`sees that ${what}`, () => {
      const both = figures()
      const failed = broken({ ...both, [side]: change(both[side]) })
      assert.equal(failed.length, 1, JSON.stringify(failed))
    })
  }
})

describe('when not to leave the monolith', () => {
  test('is said by the figures of the run', () => {
    const [price, capacity, scaling, deploys, crashes] = advice(figures())
    assert.match(
      price!,
      /4\.0 × the CPU.* a read 2\.0 ×, and the shop 4\.4 × the memory; who pays waits 16\.0 ms longer, who browses 4\.0 ms longer/,
    )
    assert.match(price!, /Whoever leaves for speed or for cost gets neither/)
    assert.match(capacity!, /held here: 160 by one monolith, 80 by the services\. With fewer customers than that, load is no reason/)
    // (700 - 160) / ((140 - 100) / 2)
    assert.match(scaling!, /saves 20 MB an instance, and to have left costs 540 MB: it pays from the 27th further instance on/)
    assert.match(deploys!, /keeps everybody waiting in the monolith, 1\.0 s at most, and only who pays in services/)
    assert.match(crashes!, /One such crash a week leaves the monolith 99\.9998 % available/)
  })

  test('turns with them', () => {
    const { monolith, microservices } = figures()
    const [price, capacity, scaling, deploys, crashes] = advice({ monolith: microservices, microservices: monolith })
    assert.match(price!, /Here they cost less/)
    assert.match(capacity!, /Between the two, load is a reason to leave/)
    assert.match(scaling!, /saves no memory/)
    assert.match(deploys!, /no reason to leave by these figures/)
    assert.match(crashes!, /no less: for this defect they are no bulkhead/)
    const quick = { ...microservices, latencyMs: { ...microservices.latencyMs, browse: { p50: 1, p99: 1 } } }
    assert.match(
      advice({ monolith, microservices: quick })[0]!,
      /who browses 1\.0 ms less\. Whoever leaves for cost does not get it; for speed, some do/,
    )
  })
})

test('the table has both sides beside each other, in words for those who failed', () => {
  const lines = table(figures()).split('\n')
  assert.match(lines[0]!, /monolith +microservices$/)
  assert.ok(lines.some((line) => /checkout: p50, p99 +8\.0 ms, 8\.0 ms +24 ms, 24 ms/.test(line)))
  assert.ok(lines.some((line) => /browse: waited over 1\.0 s, failed +1, 0 of 30 +0, 0 of 30/.test(line)))
})

test('arrivals are the same for the same seed, of the kinds that are asked for, and as many as announced', () => {
  const load = { seed: 7, perSecond: 50, seconds: 100 }
  const once = arrivals(load)
  assert.deepEqual(arrivals(load), once)
  assert.notDeepEqual(arrivals({ ...load, seed: 8 }), once)
  assert.ok(Math.abs(once.length / 100 - 50) < 3, `${once.length / 100} a second`)
  assert.deepEqual(new Set(once.map(({ kind }) => kind)), new Set(KINDS))
  assert.deepEqual(new Set(arrivals({ ...load, kinds: ['checkout'] }).map(({ kind }) => kind)), new Set(['checkout']))
  assert.ok(once.every(({ atMs }, index) => index === 0 || atMs >= once[index - 1]!.atMs))
})

test('the careless release prints what fits on a slip once it is committed, and rejects where nobody catches for what does not', async (t) => {
  const slips: string[] = []
  const effects: (() => void)[] = []
  const tx = {
    query: async () => [],
    execute: async () => ({ rowCount: 0 }),
    afterCommit: (effect: () => void) => void effects.push(effect),
  }
  const charge = (amountCents: number) => paymentCharged({ paymentId: 'p', orderId: 'o', customerId: 'c', amountCents })
  const outbox = withSlips({ add: async () => undefined, commit: async () => [] }, (slip) => void slips.push(slip))
  await outbox.add(tx, charge(POISONOUS_CENTS - 1))
  assert.deepEqual(slips, [], 'not before the commit')
  for (const effect of effects.splice(0)) effect()
  assert.deepEqual(slips, ['9999.99'])
  await outbox.add(tx, charge(POISONOUS_CENTS))
  const uncaught = Promise.withResolvers<unknown>()
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.once('unhandledRejection', uncaught.resolve)
  t.after(() => others.forEach((listener) => process.on('unhandledRejection', listener)))
  for (const effect of effects) effect()
  assert.match(String(await uncaught.promise), /RangeError/)
})

test('the chart is one picture without script, for light and for dark', () => {
  const sides = (['monolith', 'microservices'] as const).map((side) => {
    const seen = measured(side)
    const failing = { ...seen, crash: { ...seen.crash, answers: [...seen.crash.answers, answer('checkout', 1_000, 5, 'failed')] } }
    return { measured: failing, figures: figuresOf(failing) }
  })
  const svg = chart(sides)
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
  assert.match(svg, /prefers-color-scheme:dark/)
  assert.doesNotMatch(svg, /<script|NaN|undefined|Infinity/)
  assert.ok(svg.includes('monolith: a crash in payments'))
  assert.equal(svg.match(/class="failed"/g)!.length, 3, 'one for each side, and the legend')
  const open = svg.match(/<(?!\/)[a-z]+[^>]*(?<!\/)>/g)!.length
  assert.equal(svg.match(/<\/[a-z]+>/g)!.length, open, 'every element is closed')
})
