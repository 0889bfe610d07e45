import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { test } from 'node:test'
import { sleep, systemClock } from 'seaworthy/core'
import { logForTest } from './server.ts'

const page = readFileSync(new URL('../../../docs/2-communication/kafka.md', import.meta.url), 'utf8')
const example = /<!-- executed by .*? -->\n```ts\n(.*?)```/s.exec(page)?.[1] ?? ''

test('the example of the page on Kafka does what it says', async (t) => {
  const { url, prefix, dispose } = await logForTest()
  t.after(dispose)
  const ours = example.replace("connection: 'kafka://127.0.0.1:9092'", `connection: '${url}', prefix: '${prefix}'`)
  assert.notEqual(ours, example)
  // A module from text finds no packages by itself: it is told where they are.
  const plain = stripTypeScriptTypes(ours).replaceAll(/from '([^']+)'/g, (_, name: string) => `from '${import.meta.resolve(name)}'`)
  const { totals, stop } = (await import(`data:text/javascript,${encodeURIComponent(plain)}`)) as {
    readonly totals: ReadonlyMap<string, number>
    readonly stop: () => Promise<void>
  }
  t.after(stop)
  for (let turn = 0; totals.size === 0 && turn < 3_000; turn++) await sleep(systemClock, 20)
  assert.deepEqual([...totals], [['order-7', 1_200]])
})
