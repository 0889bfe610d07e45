import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ask } from '@seaworthy/strangler/compare'
import { NOISE_SOURCES } from '../suites/gateway/comparison/noise-sources.ts'
import { FIRST_REGRESSIONS, LATER_REGRESSIONS } from '../suites/gateway/comparison/regressions.ts'
import { ENDPOINTS } from '../suites/gateway/comparison/shop-endpoints.ts'
import { runTrial, sidesOf } from '../suites/gateway/comparison/trial.ts'

const { signal } = new AbortController()
const textOf = async (side: Ask, target: string) => {
  const { status, headers, body } = await side({ method: 'GET', target, headers: [] }, signal)
  return JSON.stringify([status, headers, Buffer.from(body as Uint8Array).toString()])
}

test('thirty noise sources: each makes the monolith differ from itself', async () => {
  assert.equal(NOISE_SOURCES.length, 30)
  for (const { name, endpoint, change } of NOISE_SOURCES) {
    const { monolith, clock } = sidesOf({ endpoint, seed: 1, requests: 0, noise: [change] })
    const answers = new Set<string>()
    for (let index = 0; index < 12; index++) {
      clock.pass(700)
      answers.add(await textOf(monolith, ENDPOINTS[endpoint].targets[4 % ENDPOINTS[endpoint].targets.length]!))
    }
    assert.ok(answers.size > 1, name)
  }
})

test('fifty regressions: each changes an answer of the service', async () => {
  const all = [...FIRST_REGRESSIONS, ...LATER_REGRESSIONS]
  assert.equal(all.length, 50)
  assert.equal(new Set(all.map(({ name }) => name)).size, 50)
  for (const { name, endpoint, change } of all) {
    const right = sidesOf({ endpoint, seed: 1, requests: 0 })
    const wrong = sidesOf({ endpoint, seed: 1, requests: 0, regression: change })
    let isChanged = false
    for (const target of [...ENDPOINTS[endpoint].targets, ...ENDPOINTS[endpoint].targets])
      isChanged ||= (await textOf(right.service, target)) !== (await textOf(wrong.service, target))
    assert.ok(isChanged, name)
  }
})

test('data that is written to, and arrives late in the service, does differ at first', async () => {
  const { report } = await runTrial({ endpoint: 'products', seed: 1, requests: 30 })
  const [endpoint] = report.endpoints
  assert.ok(endpoint!.verdicts.transient > 0, JSON.stringify(endpoint!.verdicts))
  assert.equal(endpoint!.verdicts.differs, 0)
})
