import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { UnsupportedError } from 'seaworthy/core'
import { defineService, defineSystem } from 'seaworthy/system'
import { parseArguments } from '../src/arguments.ts'
import { assertScalable, scaleOf, scaleOption } from '../src/engines/scale.ts'
import { UsageError } from '../src/usage.ts'

const read = (...args: readonly string[]) => scaleOf(parseArguments('start', args, { operands: [], options: { scale: scaleOption } }))

const service = (name: string, more: { owns?: readonly string[]; publishes?: readonly string[] }) =>
  defineService({
    name,
    context: 'test',
    purpose: 'Stands for others.',
    owns: [],
    publishes: [],
    consumes: [],
    calls: [],
    main: new URL(import.meta.url),
    serves: ['http'],
    ...more,
  })
const system = defineSystem({
  name: 'test',
  services: [service('payments', { owns: ['payments'], publishes: ['payments'] }), service('prices', {})],
  routes: [],
})

describe('how many instances', () => {
  test('are said with commas, or one after another', () => {
    assert.deepEqual(read('--scale', 'payments=3,prices=2', '--scale=shipping=4'), { payments: 3, prices: 2, shipping: 4 })
    for (const text of ['payments', 'payments=', 'payments=many', '=3']) assert.throws(() => read(`--scale=${text}`), UsageError)
  })

  test('more than one need engines that several processes share; what keeps nothing needs none', () => {
    assertScalable(system, { payments: 1, prices: 5 }, new Set())
    assertScalable(system, { payments: 3 }, new Set(['postgres', 'kafka']))
    for (const engines of [[], ['postgres'], ['kafka']] as const)
      assert.throws(
        () => assertScalable(system, { payments: 3 }, new Set(engines)),
        (error) =>
          error instanceof UnsupportedError && /payments cannot have 3 instances.*--engines \S*(postgres|kafka)/.test(error.message),
      )
  })
})
