import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRunFile } from '../../src/system/run-file.ts'
import { choreographyView, type EventFlow } from '../../web/src/pages/choreography/choreography.ts'
import { CHOREOGRAPHY } from '../choreography-fixture.ts'

const drawn = ({ type, goesRound, reactions }: EventFlow): string =>
  `${type}${goesRound ? '…' : ''}${reactions.map(({ service, followedBy }) => ` > ${service}(${followedBy.map(drawn).join()})`).join('')}`

test('a choreography is drawn from the events with which something begins, the largest first, and what goes round ends where it began', () => {
  const view = choreographyView(CHOREOGRAPHY)
  assert.deepEqual(view.flows.map(drawn), [
    'customer.created > payments(credit.checked > monolith()) > notifications() > analytics()',
    'ping > right(pong > left(ping…))',
    'order.completed > order-history()',
  ])
  assert.deepEqual(view.unheard.map(drawn), ['payment.declined'])
  assert.deepEqual([view.events, view.reactions], [6, 7])
})

test('a run file without declarations, or with what are none, has none', () => {
  for (const text of ['{}', '{"choreography":7}', '{"choreography":{"events":[7,{"type":1}],"topics":[{}]}}'])
    assert.deepEqual(parseRunFile(text).choreography, { events: [], topics: [] })
  assert.deepEqual(parseRunFile(JSON.stringify({ choreography: CHOREOGRAPHY })).choreography, CHOREOGRAPHY)
})
