import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseGatewayFile } from '@seaworthy/gateway'

const page = readFileSync(new URL('../../../../docs/1-decomposition/take-yours-apart.md', import.meta.url), 'utf8')
const files = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, text]) => text!)

test('the gateway files of the page are taken as they stand, and each goes on from the one before', () => {
  const steps = files.map((text) => parseGatewayFile(text, '/srv/gateway.json'))
  assert.equal(steps.length, 4)
  const reviews = steps.map(({ routes }) => routes.find(({ id }) => id === 'reviews'))
  assert.deepEqual(
    reviews.map((route) => route && { from: route.from, to: route.to }),
    [undefined, { from: 'monolith', to: 'reviews' }, { from: 'monolith', to: 'reviews' }, { from: 'reviews', to: undefined }],
  )
  for (const { routes } of steps) assert.equal(routes.at(-1)?.id, 'the-rest')
})
