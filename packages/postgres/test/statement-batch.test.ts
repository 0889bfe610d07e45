import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StatementBatch } from '../src/statement-batch.ts'

test('a batch that cannot be written to its end takes its session with it: what was sent of it would be part of the next one', () => {
  const calls: string[] = []
  const note = (name: string) => () => void calls.push(name)
  const wire = {
    stream: { cork: note('cork'), uncork: note('uncork'), destroy: note('destroy') },
    close: note('close'),
    parse: note('parse'),
    bind: () => {
      calls.push('bind')
      if (calls.filter((name) => name === 'bind').length === 2) throw new TypeError('no such value')
    },
    execute: note('execute'),
    sync: note('sync'),
  }
  const batch = new StatementBatch(
    ['a', 'b'].map((sql) => ({ sql, values: [] })),
    { timeoutMs: 1_000, onAnswer: () => assert.fail('nobody answers') },
  )
  assert.throws(() => batch.submit(wire), /no such value/)
  // Before what was corked is let go.
  assert.deepEqual(calls, ['cork', 'parse', 'bind', 'execute', 'parse', 'bind', 'destroy', 'uncork'])
})
