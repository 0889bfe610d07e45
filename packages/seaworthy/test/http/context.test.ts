import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootContext } from 'seaworthy/core'
import { contextHeaders, readContext } from 'seaworthy/http'

const overTheWire = (call: Parameters<typeof contextHeaders>[0]) => {
  const headers = contextHeaders(call)
  return readContext((name) => headers[name])
}

test('who makes a call again says so to its receiver, and nobody else does', () => {
  assert.equal(overTheWire(rootContext({ retriedByCaller: true })).retriedByCaller, true)
  assert.equal('retriedByCaller' in overTheWire(rootContext()), false)
  assert.equal('x-seaworthy-retried-by-caller' in contextHeaders(rootContext()), false)
})
