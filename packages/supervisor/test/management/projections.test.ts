import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ProjectionQuestions, projectionAnswers } from '@seaworthy/supervisor/management'
import { VirtualClock } from '@seaworthy/testing'
import { NotFoundError } from 'seaworthy/core'
import type { RebuildableProjection, SwitchReport } from 'seaworthy/projections'

const report: SwitchReport = { from: 1, to: 2, compared: 7, differing: 1 }
const version = (number: number, lag: number, status: 'running' | 'failing') => ({
  projection: 'sums',
  version: number,
  lag: async () => ({ checkpoint: 9 - lag, head: 9, positions: lag, parked: number }),
  partitions: new Map([[0, { kind: status }]]),
})

function stage(rebuild: () => Promise<SwitchReport> = async () => report) {
  const clock = new VirtualClock()
  const failed: string[] = []
  const rebuildable = {
    projection: 'sums',
    versions: async () => ({ live: 1, previous: 0, running: [version(1, 0, 'running'), version(2, 4, 'failing')] }),
    rebuild,
    goBack: async () => ({ from: 2, to: 1 }),
    stop: async () => undefined,
  } as unknown as RebuildableProjection
  const answers = projectionAnswers({
    projections: [rebuildable],
    clock,
    onFailed: (name, error) => failed.push(`${name}: ${String(error)}`),
  })
  const ask = async <Name extends keyof ProjectionQuestions>(question: Name, parameters: ProjectionQuestions[Name]['parameters']) =>
    (await answers[question](parameters, 'ada')) as ProjectionQuestions[Name]['answer']
  return { ask, clock, failed }
}

test('each version is shown with how far it is, and a switch with what it found', async () => {
  const { ask } = stage()
  assert.deepEqual(await ask('projections', {}), {
    projections: [
      {
        projection: 'sums',
        live: 1,
        previous: 0,
        versions: [
          { version: 1, lag: 0, parked: 1, failing: 0 },
          { version: 2, lag: 4, parked: 2, failing: 1 },
        ],
      },
    ],
  })
  assert.deepEqual(await ask('rebuild-projection', { projection: 'sums' }), { kind: 'switched', ...report })
  assert.deepEqual(await ask('go-back-projection', { projection: 'sums' }), { from: 2, to: 1 })
  await assert.rejects(
    ask('rebuild-projection', { projection: 'other' }),
    (error) => error instanceof NotFoundError && /sums/.test(error.message),
  )
})

test('a rebuild that fails at once says why; one that takes long goes on, and is told of when it fails later', async () => {
  await assert.rejects(stage(() => Promise.reject(new Error('it differs'))).ask('rebuild-projection', { projection: 'sums' }), /it differs/)
  const building = Promise.withResolvers<SwitchReport>()
  const { ask, clock, failed } = stage(() => building.promise)
  const asked = ask('rebuild-projection', { projection: 'sums' })
  await clock.advance(45_000)
  assert.deepEqual(await asked, { kind: 'building' })
  building.reject(new Error('it differs'))
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(failed, ['sums: Error: it differs'])
})
