import assert from 'node:assert/strict'
import { test } from 'node:test'
import { familyText, instruments } from '@seaworthy/telemetry/prometheus'

const textOf = async (made: ReturnType<typeof instruments>) => (await made.families()).map(familyText).join('')

test('a counter, a gauge and a histogram are bound to their labels once, and told together', async () => {
  const mine = instruments()
  const placed = mine.counter({ name: 'orders_placed_total', help: 'Orders placed.' })
  placed.bind({ country: 'DE' }).add()
  placed.bind({ country: 'DE' }).add(2)
  placed.bind({ country: 'NO' }).add()
  const open = mine.gauge({ name: 'baskets_open', help: 'Baskets that are open.' }).bind({})
  open.set(5)
  open.add(-1)
  const values = mine.histogram({ name: 'basket_value_euros', help: 'Value of a basket.', bounds: [10, 100] }).bind({})
  for (const euros of [10, 50, 500]) values.observe(euros)
  assert.equal(
    await textOf(mine),
    `# HELP orders_placed_total Orders placed.
# TYPE orders_placed_total counter
orders_placed_total{country="DE"} 3
orders_placed_total{country="NO"} 1
# HELP baskets_open Baskets that are open.
# TYPE baskets_open gauge
baskets_open 4
# HELP basket_value_euros Value of a basket.
# TYPE basket_value_euros histogram
basket_value_euros_bucket{le="10"} 1
basket_value_euros_bucket{le="100"} 2
basket_value_euros_bucket{le="+Inf"} 3
basket_value_euros_sum 560
basket_value_euros_count 3
`,
  )
})

test('labels that are made of data do not make series without end', async () => {
  const mine = instruments()
  const seen = mine.counter({ name: 'seen_total', help: 'Seen.', seriesMax: 2 })
  for (const id of ['a', 'b', 'c', 'd', 'a']) seen.bind({ id }).add()
  const [family] = await mine.families()
  assert.deepEqual(family!.samples, [
    [{ id: 'a' }, 2],
    [{ id: 'b' }, 1],
    [{}, 2],
  ])
})

test('what Prometheus would not take, or would take for something else, is refused when it is made', () => {
  const mine = instruments()
  const refused = { code: 'configuration' }
  assert.throws(() => mine.gauge({ name: 'a-b', help: '' }), refused)
  assert.throws(() => mine.counter({ name: 'orders', help: '' }), { ...refused, message: /_total/ })
  assert.throws(() => mine.histogram({ name: 'h', help: '', bounds: [2, 1] }), refused)
  mine.gauge({ name: 'once', help: '' })
  assert.throws(() => mine.gauge({ name: 'once', help: '' }), { ...refused, message: /already/ })
  const counter = mine.counter({ name: 'up_total', help: '' }).bind({})
  assert.throws(() => counter.add(-1), { ...refused, message: /gauge/ })
})
