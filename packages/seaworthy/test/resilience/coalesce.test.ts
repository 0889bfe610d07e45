import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rootContext } from 'seaworthy/core'
import { coalescing } from 'seaworthy/resilience'
import { abortable, errorOf, heldBody } from './calls.ts'

describe('coalesced calls', () => {
  test('are made once for all who ask at the same time, and again afterwards', async () => {
    const products = coalescing<string, string>()
    const { body, calls } = heldBody()
    const asked = [products.run('chair', body), products.run('chair', body), products.run('table', body)]
    assert.equal(products.size, 2)
    calls[0]!.succeed('a chair')
    calls[1]!.succeed('a table')
    assert.deepEqual(await Promise.all(asked), ['a chair', 'a chair', 'a table'])
    assert.equal(products.size, 0)
    const later = products.run('chair', body)
    calls[2]!.succeed('another chair')
    assert.equal(await later, 'another chair')
  })

  test('fail for all who asked', async () => {
    const products = coalescing<string, string>()
    const { body, calls } = heldBody()
    const asked = [errorOf(products.run('chair', body)), errorOf(products.run('chair', body))]
    const down = new Error('down')
    calls[0]!.fail(down)
    assert.deepEqual(await Promise.all(asked), [down, down])
  })

  test('one caller who leaves does not take the answer from the others', async () => {
    const products = coalescing<string, string>()
    const { body, calls } = heldBody()
    const first = abortable({ deadlineMs: 5, idempotencyKey: 'key' })
    const left = errorOf(products.run('chair', body, first.context))
    const stayed = products.run('chair', body)
    first.controller.abort(new Error('left'))
    assert.match(String(await left), /left/)
    assert.equal(calls[0]!.call.signal?.aborted, false)
    assert.equal(calls[0]!.call.deadlineMs, undefined)
    assert.equal(calls[0]!.call.idempotencyKey, undefined)
    assert.equal(calls[0]!.call.correlationId, first.context.correlationId)
    calls[0]!.succeed('a chair')
    assert.equal(await stayed, 'a chair')
    assert.equal(calls[0]!.call.signal?.aborted, false, 'a call that has answered was aborted')
  })

  test('the last caller who leaves ends the call, and the next one makes a new one', async () => {
    const products = coalescing<string, string>()
    const { body, calls } = heldBody()
    const only = abortable()
    const left = errorOf(products.run('chair', body, only.context))
    only.controller.abort(new Error('left'))
    await left
    assert.equal(calls[0]!.call.signal?.aborted, true)
    const again = products.run('chair', body, rootContext())
    calls[0]!.fail(new Error('aborted'))
    calls[1]!.succeed('a chair')
    assert.equal(await again, 'a chair')
    assert.equal(products.size, 0)
  })
})
