import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { lastsOn, type Link, planFaults, type PlanOptions } from './plan.ts'

const LINKS: readonly Link[] = ['inventory', 'payments', 'shipping'].map((callee) => ({ caller: 'orders', callee, wire: 'grpc' }))
const options = (seed: number): PlanOptions => ({
  seed,
  durationMs: 60_000,
  services: ['orders', 'payments', 'inventory'],
  links: LINKS,
  disks: ['payments', 'orders'],
})

suite('a plan of faults', () => {
  test('is the same under the same seed, and another under another', () => {
    assert.deepEqual(planFaults(options(1)), planFaults(options(1)))
    assert.notDeepEqual(planFaults(options(1)).faults, planFaults(options(2)).faults)
  })

  test('has every kind within 22 s, whatever the seed: so long is the run in the tests', () => {
    for (let seed = 0; seed < 200; seed++) {
      const kinds = new Set(planFaults({ ...options(seed), durationMs: 22_000 }).faults.map(({ kind }) => kind))
      assert.equal(kinds.size, 11, `seed ${seed} has only ${[...kinds].join(', ')}`)
    }
  })

  test('is over in time, in order, and never has two faults that last on one thing', () => {
    for (let seed = 0; seed < 50; seed++) {
      const untilMs = new Map<string, number>()
      let lastMs = 0
      for (const fault of planFaults(options(seed)).faults) {
        assert.ok(fault.atMs >= lastMs)
        lastMs = fault.atMs
        const on = lastsOn(fault)
        if (on === undefined || !('forMs' in fault)) continue
        assert.ok((untilMs.get(on) ?? 0) <= fault.atMs, `seed ${seed}: two faults on ${on}`)
        untilMs.set(on, fault.atMs + fault.forMs)
        assert.ok(fault.atMs + fault.forMs <= 60_000)
      }
    }
  })

  test('fills no disk where there is none to fill', () => {
    const { faults, smallDisk } = planFaults({ ...options(3), disks: [] })
    assert.equal(smallDisk, undefined)
    assert.ok(faults.length > 0 && faults.every(({ kind }) => kind !== 'disk-full'))
  })
})
