import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { LimitExceededError } from 'seaworthy/core'
import { DELAY_MS_MAX, DELAY_UNIT_MS } from '@seaworthy/rabbitmq'
import { delayRoute, levelPattern, levelTtlMs } from '../src/delay.ts'

suite('the way of a delayed message', () => {
  test('waits for its delay, rounded up to the unit, whatever that is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: DELAY_MS_MAX }), (delayMs) => {
        const { level, routingKey } = delayRoute(delayMs)
        let waitedMs = 0
        for (let next = level; next >= 0; next--) {
          const waits = matches(levelPattern(next, true), routingKey)
          assert.notEqual(waits, matches(levelPattern(next, false), routingKey), `level ${next} knows one way`)
          if (waits) waitedMs += levelTtlMs(next)
        }
        assert.ok(matches(levelPattern(level, true), routingKey), 'it waits where it enters')
        assert.ok(waitedMs >= delayMs && waitedMs < delayMs + DELAY_UNIT_MS, `${waitedMs} ms`)
      }),
    )
  })

  test('is at most 24 queues long, and a longer delay is refused', () => {
    assert.equal(delayRoute(DELAY_MS_MAX).level, 23)
    assert.throws(() => delayRoute(DELAY_MS_MAX + 1), LimitExceededError)
  })
})

/** As a topic exchange matches: `*` is one word, `#` at the end any number. */
function matches(pattern: string, key: string): boolean {
  const words = key.split('.')
  const wanted = pattern.split('.')
  const open = wanted.at(-1) === '#'
  if (open) wanted.pop()
  if (open ? words.length < wanted.length : words.length !== wanted.length) return false
  return wanted.every((word, index) => word === '*' || word === words[index])
}
