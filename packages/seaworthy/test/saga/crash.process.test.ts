import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import type { OrchestratorOptions, SagaRecord } from 'seaworthy/saga'
import { type Fate, Life, type Plan, type Script, Services, type StepName, newDisk, orderId } from './shop.ts'

const STEPS: readonly StepName[] = ['reserve', 'charge', 'book', 'confirm']

interface History {
  readonly record: SagaRecord | undefined
  readonly services: Services
  readonly deaths: readonly string[]
  /** Points passed in the last life. */
  readonly passed: number
}

/** Runs a checkout; the process dies at each of the points in turn, and a new one goes on from what is on disk. */
async function checkOut(plan: Plan, dieAt: readonly number[], options: Partial<OrchestratorOptions> = {}): Promise<History> {
  const disk = newDisk()
  const services = new Services(plan)
  const deaths: string[] = []
  let life = new Life(disk, services, { ...options, ...(dieAt[0] !== undefined && { dieAt: dieAt[0] }) })
  // In a life that ends before the answer, the promise is left behind like all else.
  void life.start()
  let record = await life.live()
  for (const [index] of dieAt.entries()) {
    if (life.points.diedAt === undefined) break
    deaths.push(life.points.diedAt)
    const next = dieAt[index + 1]
    life = new Life(disk, services, { ...options, seed: index + 2, ...(next !== undefined && { dieAt: next }) })
    // What was never stored was never promised.
    if ((await disk.store.load(orderId)) === undefined) return { record: undefined, services, deaths, passed: life.points.passed }
    await life.sagas.resume()
    record = await life.live()
  }
  await services.deliverLate()
  return { record, services, deaths, passed: life.points.passed }
}

/** All or nothing, whatever happened on the way. */
function assertConserved({ record, services, deaths }: History): void {
  const effect = (step: StepName) => services.effects.get(`${orderId}/${step}`) ?? 0
  const effects = STEPS.map(effect)
  const told = `${record?.status} after ${deaths.join(', then ')}; arrived: ${services.arrived.join(', ')}`
  if (record === undefined) assert.deepEqual(effects, [0, 0, 0, 0], told)
  else if (record.status === 'completed') assert.deepEqual(effects, [1, 1, 1, 1], told)
  else if (record.status === 'compensated') assert.deepEqual(effects, [0, 0, 0, 0], told)
  else assert.fail(`The checkout ended ${told}`)
  const undone = services.arrived.filter((call) => call.startsWith('undo'))
  assert.ok(undone.lastIndexOf('undo charge') <= undone.indexOf('undo reserve') || undone.length < 2, `undone out of order: ${told}`)
}

const SCENARIOS: readonly { readonly name: string; readonly plan: Plan; readonly ends: SagaRecord['status'] }[] = [
  { name: 'all goes well', plan: {}, ends: 'completed' },
  { name: 'the charge is refused', plan: { act: { charge: ['refused'] } }, ends: 'compensated' },
  { name: 'the pivot is refused', plan: { act: { book: ['refused'] } }, ends: 'compensated' },
  { name: 'answers to the charge are lost', plan: { act: { charge: ['lost-reply', 'silence', 'ok'] } }, ends: 'completed' },
  { name: 'the charge is never heard of again', plan: { act: { charge: ['lost-request'] } }, ends: 'compensated' },
  { name: 'the charge is done, and never answered', plan: { act: { charge: ['lost-reply'] } }, ends: 'compensated' },
  { name: 'the charge is overtaken by its compensation', plan: { act: { charge: ['late'] } }, ends: 'compensated' },
  { name: 'the charge is done once, and then out of reach', plan: { act: { charge: ['ok', 'unreachable'] } }, ends: 'completed' },
  { name: 'the charge is out of reach', plan: { act: { charge: ['unreachable'] } }, ends: 'compensated' },
  { name: 'the answer of the pivot is lost', plan: { act: { book: ['lost-reply', 'unreachable', 'ok'] } }, ends: 'completed' },
  {
    name: 'the pivot is not answered for longer than any step before it would be given',
    plan: { act: { book: ['lost-reply', ...Array.from({ length: 20 }, () => 'unreachable' as const), 'ok'] } },
    ends: 'completed',
  },
  {
    name: 'the pivot is refused after a lost request',
    plan: { act: { book: ['lost-request', 'refused'] } },
    ends: 'compensated',
  },
  {
    name: 'compensations are lost and out of reach',
    plan: { act: { book: ['refused'] }, undo: { charge: ['lost-reply', 'unreachable', 'ok'], reserve: ['lost-request', 'silence', 'ok'] } },
    ends: 'compensated',
  },
  {
    name: 'the last step is hard to reach',
    plan: { act: { confirm: ['unreachable', 'lost-request', 'lost-reply', 'ok'] } },
    ends: 'completed',
  },
]

void suite('a process that dies at any point leaves a checkout that is done or undone:', () => {
  for (const { name, plan, ends } of SCENARIOS) {
    test(name, async () => {
      const undisturbed = await checkOut(plan, [])
      assert.equal(undisturbed.record?.status, ends)
      assertConserved(undisturbed)
      for (let point = 0; point < undisturbed.passed; point++) {
        const history = await checkOut(plan, [point])
        assert.equal(history.deaths.length, 1, 'the process did not die')
        assertConserved(history)
      }
    })
  }

  test('dying twice, at every pair of points', async () => {
    const plan: Plan = { act: { charge: ['lost-reply', 'ok'], book: ['refused'] } }
    const { passed } = await checkOut(plan, [])
    for (let first = 0; first < passed; first++) {
      for (let second = 0; second < passed; second++) assertConserved(await checkOut(plan, [first, second]))
    }
  })
})

const fate = (...fates: readonly Fate[]) => fc.constantFrom(...fates)
const script = (...fates: readonly Fate[]) => fc.array(fate(...fates), { maxLength: 4 }).map((first): Script => [...first, 'ok'])
const anyPlan: fc.Arbitrary<Plan> = fc.record({
  act: fc.record({
    reserve: script('ok', 'refused', 'unreachable', 'lost-request', 'lost-reply', 'silence', 'late'),
    charge: script('ok', 'refused', 'unreachable', 'lost-request', 'lost-reply', 'silence', 'late'),
    book: script('ok', 'refused', 'unreachable', 'lost-request', 'lost-reply', 'silence'),
    confirm: script('ok', 'unreachable', 'lost-request', 'lost-reply', 'silence'),
  }),
  undo: fc.record({
    reserve: script('unreachable', 'lost-request', 'lost-reply', 'silence'),
    charge: script('unreachable', 'lost-request', 'lost-reply', 'silence'),
  }),
})

test('whatever the network does and wherever the process dies, a checkout is done or undone', async () => {
  await fc.assert(
    fc.asyncProperty(anyPlan, fc.array(fc.nat(40), { maxLength: 4 }), async (plan, dieAt) => {
      assertConserved(await checkOut(plan, dieAt))
    }),
    { numRuns: 300 },
  )
})

test('money is lost when an unknown outcome is treated as a failure', async () => {
  const unsafe = { unsafe: { unknownOutcome: 'treat-as-failed' } } as const
  const { record, services } = await checkOut({ act: { charge: ['lost-reply', 'ok'] } }, [], unsafe)
  assert.equal(record?.status, 'compensated')
  assert.equal(services.effects.get(`${orderId}/charge`), 1)
  assert.equal(services.effects.get(`${orderId}/reserve`), 0)
})

test('money is lost when a start without an end is treated as a failure', async () => {
  const unsafe = { unsafe: { unknownOutcome: 'treat-as-failed' } } as const
  let lost = 0
  const { passed } = await checkOut({}, [], unsafe)
  for (let point = 0; point < passed; point++) {
    const { record, services } = await checkOut({}, [point], unsafe)
    if (record?.status === 'compensated' && services.effects.get(`${orderId}/charge`) === 1) lost++
  }
  assert.ok(lost > 0)
})
