import assert from 'node:assert/strict'
import { test } from 'node:test'
import { control } from '@seaworthy/supervisor'
import { ConfigurationError, UnsupportedError } from 'seaworthy/core'
import { journal, startFake } from './observing.ts'

/** Lines, each with what was done one after another. */
const assertDone = (done: readonly string[], lines: readonly string[]) =>
  assert.deepEqual(
    done,
    lines.flatMap((line) => line.split(', ')),
  )

test('a service gets more instances and fewer while the system runs, and each time those that call it know', async (t) => {
  const { running, dataDir, process: find } = await startFake(t)
  await running.untilReady()
  const scale = (count: number) => control({ command: 'scale', service: 'alpha', count }, { dataDir, signal: AbortSignal.timeout(60_000) })
  const alphas = () => running.status().processes.filter(({ name }) => name === 'alpha')
  const calledByBeta = async () => {
    const { SEAWORTHY_ENDPOINTS } = JSON.parse(await (await fetch(`${find('beta').httpUrl}/environment`)).text()) as Record<string, string>
    const { alpha } = JSON.parse(SEAWORTHY_ENDPOINTS!) as { alpha: { http: string | string[]; grpc: string | string[] } }
    return { http: [alpha.http].flat(), grpc: [alpha.grpc].flat() }
  }
  const since = async (work: () => Promise<unknown>) => {
    const seen = journal(dataDir).length
    await work()
    return journal(dataDir).slice(seen)
  }
  const first = alphas()[0]!

  const more = await since(() => scale(3))
  assertDone(more, [
    'alpha begins, alpha listens',
    'alpha begins, alpha listens',
    'front lead:alpha=3',
    'beta drains, beta begins, beta listens',
  ])
  assert.deepEqual(
    alphas().map(({ instance, state }) => [instance, state]),
    ['alpha-1', 'alpha-2', 'alpha-3'].map((instance) => [instance, 'ready']),
  )
  assert.deepEqual(await calledByBeta(), {
    http: alphas().map(({ httpUrl }) => httpUrl),
    grpc: alphas().map(({ grpcAddress }) => grpcAddress),
  })

  const fewer = await since(() => scale(1))
  assertDone(fewer, [
    'front lead:alpha=1',
    'beta drains, beta begins, beta listens',
    'front hold:alpha, alpha drains, front release:alpha',
    'front hold:alpha, alpha drains, front release:alpha',
  ])
  assert.deepEqual(alphas(), [first], 'the first one has not noticed')
  assert.deepEqual((await calledByBeta()).http, [first.httpUrl])
  assert.deepEqual(await since(() => scale(1)), [])
})

test('a scale that cannot be is refused, and one whose instance does not start leaves all as it was', async (t) => {
  const assertScale = (scale: Readonly<Record<string, number>>) => {
    if ((scale['beta'] ?? 1) > 1) throw new UnsupportedError('beta stands on a file.')
  }
  const { running } = await startFake(t, { assertScale, env: { ...process.env, FAKE_ALPHA: 'alone' } })
  await running.untilReady()
  for (const [service, count, message] of [
    ['gamma', 2, /no service gamma/],
    ['alpha', 0, /1 to 32 instances/],
    ['front', 2, /has a port that people use/],
  ] as const)
    assert.throws(
      () => running.scale(service, count),
      (error: unknown) => error instanceof ConfigurationError && message.test(error.message),
    )
  assert.throws(() => running.scale('beta', 2), UnsupportedError)
  const before = running.status().processes
  await assert.rejects(running.scale('alpha', 2), /alpha-2 did not start/)
  assert.deepEqual(running.status().processes, before)
})
