import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { markerOf, referenceOf } from '../src/locks/trace-marker.ts'

const hex = (digits: number) => fc.stringMatching(new RegExp(`^[\\da-f]{${digits}}$`))

test('any trace comes back from its marker, which PostgreSQL neither cuts off nor changes, and which is safe in a literal', () => {
  fc.assert(
    fc.property(hex(32), hex(16), fc.option(fc.string(), { nil: undefined }), (traceId, spanId, service) => {
      const marker = markerOf({ traceId, spanId, service })
      assert.ok(Buffer.byteLength(marker) <= 63)
      assert.match(marker, /^[\w.:/@+ -]+$/)
      const reference = referenceOf(marker)
      assert.equal(reference?.traceId, traceId)
      assert.equal(reference.spanId, spanId)
      if (service !== undefined && /^[\w-]{1,18}$/.test(service)) assert.equal(reference.service, service)
    }),
  )
})

test('other names are no markers', () => {
  for (const name of ['', 'psql', 'seaworthy', 'orders 4bf92f3577b34da6a3ce929d0e0e4736', 'PostgreSQL JDBC Driver']) {
    assert.equal(referenceOf(name), undefined)
  }
})
