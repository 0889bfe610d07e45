import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { accuracyOf, isAsPromised } from './figures.ts'
import { type Outcome, type VerdictPath, judge } from './judge.ts'
import { type Case, type PlantKind, CASES, expectedOf } from './plants.ts'

const caseOf = (name: string): Case => CASES.find((each) => each.name === name)!
const finding = (
  cause: VerdictPath['findings'][number]['cause'],
  service: string,
  ms: number,
  holder?: { service: string; chainLength: number },
) => ({
  cause,
  service,
  ms,
  lockHolder: holder ?? null,
})

function outcome(
  name: string,
  plantedMs: Partial<Record<PlantKind, number>>,
  findings: VerdictPath['findings'],
  path: Partial<VerdictPath> = {},
): Outcome {
  const durationMs = findings.reduce((sum, { ms }) => sum + ms, 0)
  return {
    case: caseOf(name),
    plantedMs,
    cpu: {},
    verdict: { traceId: 't', whole: null, sentence: '', durationMs, parts: findings, findings, repetitions: [], ...path },
  }
}

suite('the judge of verdicts', () => {
  test('takes a cause for right where it stands first, in the right service, with the right holder', () => {
    const holder = { service: 'nightly-recount', chainLength: 1 }
    const [right] = judge(
      outcome('row-lock', { 'row-lock': 600 }, [finding('lock-wait', 'inventory', 610, holder), finding('cpu', 'orders', 5)]),
    ).plants
    assert.deepEqual([right?.isRight, right?.isWithinTenth, right?.foundMs], [true, true, 610])
    for (const wrong of [
      [finding('lock-wait', 'inventory', 610, { service: 'stocktake', chainLength: 1 })],
      [finding('lock-wait', 'inventory', 610)],
      [finding('lock-wait', 'orders', 610, holder)],
      [finding('query', 'inventory', 700), finding('lock-wait', 'inventory', 610, holder)],
    ])
      assert.equal(judge(outcome('row-lock', { 'row-lock': 600 }, wrong)).plants[0]?.isRight, false)
  })

  test('wants the root of a chain, and how long the chain is', () => {
    const said = (chainLength: number) =>
      judge(
        outcome('lock-chain', { 'lock-chain': 700 }, [finding('lock-wait', 'inventory', 700, { service: 'nightly-recount', chainLength })]),
      ).plants[0]?.isRight
    assert.deepEqual([said(2), said(1)], [true, false])
  })

  test('wants both of a pair, in either order', () => {
    const findings = [finding('query', 'inventory', 500), finding('network', 'orders', 400)]
    const planted = { 'slow-network': 400, 'slow-query': 500 }
    assert.ok(judge(outcome('slow-network and slow-query', planted, findings)).plants.every(({ isRight }) => isRight))
    const third = [finding('cpu', 'orders', 450), ...findings]
    assert.deepEqual(
      judge(outcome('slow-network and slow-query', planted, third)).plants.map(({ isRight }) => isRight),
      [false, true],
    )
  })

  test('wants repeated calls to be counted, and said', () => {
    const repetitions = [{ service: 'orders', count: 30, ms: 900, ratio: 0.9 }]
    const said = (path: Partial<VerdictPath>) =>
      judge(outcome('n-plus-one', { 'n-plus-one': 900 }, [finding('network', 'orders', 900)], path)).plants[0]?.isRight
    assert.equal(said({ repetitions, sentence: '90 % is orders asking inventory 30 times' }), true)
    assert.equal(said({ repetitions, sentence: '90 % is the network' }), false)
    assert.equal(said({ repetitions: [{ ...repetitions[0]!, count: 29 }], sentence: '30 times' }), false)
    assert.equal(said({}), false)
  })

  test('tells what is more than a tenth off, what is unexplained, and parts that do not sum', () => {
    const of = (foundMs: number, unexplainedMs = 0) =>
      judge(
        outcome('slow-code', { 'slow-code': 400 }, [finding('code', 'pricing', foundMs), finding('unexplained', 'pricing', unexplainedMs)]),
      )
    assert.deepEqual(
      [of(440).plants[0]?.isWithinTenth, of(441).plants[0]?.isWithinTenth, of(359).plants[0]?.isWithinTenth],
      [true, false, false],
    )
    assert.equal(of(300, 100).unexplainedRatio, 0.25)
    assert.equal(judge(outcome('slow-code', {}, [finding('code', 'pricing', 10)], { durationMs: 11 })).sums, false)
    assert.deepEqual([isAsPromised([of(400)]), isAsPromised([of(300, 100)]), isAsPromised([])], [true, false, false])
    assert.deepEqual(accuracyOf([of(441), of(400)]).withinTenth, 1)
  })

  test('looks for a message’s wait after the answer', () => {
    const whole = { sentence: '', durationMs: 800, parts: [], findings: [finding('queue', 'notifications', 800)], repetitions: [] }
    const judged = judge({
      ...outcome('queue-delay', { 'queue-delay': 800 }, [finding('cpu', 'orders', 5)]),
      verdict: { ...outcome('queue-delay', {}, []).verdict, whole },
    })
    assert.equal(judged.plants[0]?.isRight, true)
  })

  test('has a case for every cause, and expects each somewhere', () => {
    const kinds = new Set(CASES.flatMap(({ plants }) => plants.map(({ kind }) => kind)))
    assert.equal(kinds.size, 10)
    assert.ok(CASES.some(({ plants }) => plants.length === 2))
    for (const { plants } of CASES) for (const plant of plants) assert.ok(expectedOf(plant).service)
  })
})
