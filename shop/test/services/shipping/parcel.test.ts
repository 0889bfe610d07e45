import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect, PIECES_MAX } from '../../../services/shipping/domain/parcel.ts'

const line = (quantity: number) => ({ productId: 'a', name: 'A', quantity })

test('a parcel takes as many pieces as fit, over all lines', () => {
  assert.deepEqual(inspect([line(PIECES_MAX - 1), line(1)]), { kind: 'accepted' })
  assert.deepEqual(inspect([line(PIECES_MAX), line(1)]), { kind: 'refused', pieces: PIECES_MAX + 1 })
})
