import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askedName, oneOfEach } from '../../src/system/asking.ts'
import { parseRunFile } from '../../src/system/run-file.ts'

const { processes } = parseRunFile(
  JSON.stringify({
    processes: [
      { name: 'payments', instance: 'payments-1' },
      { name: 'orders', instance: 'orders-1' },
      { name: 'payments', instance: 'payments-2' },
    ],
  }),
)

test('what instances share is asked of one of them, and what each has by itself of each', () => {
  assert.deepEqual(
    oneOfEach(processes).map(({ instance }) => instance),
    ['payments-1', 'orders-1'],
  )
  assert.deepEqual(
    processes.map((process) => askedName(process, processes)),
    ['payments-1', 'orders', 'payments-2'],
  )
})
