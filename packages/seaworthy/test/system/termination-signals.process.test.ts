import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, test, type TestContext } from 'node:test'

/** A process that prints `ready`, stops as `stop` says, and prints `stopping` when it begins to. */
async function processThat(t: TestContext, stop: string) {
  const program = `
    import { lifecycle, onTerminationSignals } from 'seaworthy/system'
    const life = lifecycle({ stopTimeoutMs: 200, onStopError: () => {} })
    life.add('part', async () => { console.log('stopping'); ${stop} })
    onTerminationSignals((reason) => life.stop(reason))
    setInterval(() => {}, 1000)
    console.log('ready')`
  const child = spawn(
    process.execPath,
    ['--conditions=source', '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  t.after(() => child.kill('SIGKILL'))
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const printed = async (line: string) => assert.equal((await lines.next()).value, line)
  await printed('ready')
  return { child, exited, printed }
}

describe('termination signals', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal}: a clean stop exits with 0`, async (t) => {
      const { child, exited } = await processThat(t, '')
      child.kill(signal)
      assert.equal(await exited, 0)
    })
  }

  test('a part that fails to stop exits with 1', async (t) => {
    const { child, exited } = await processThat(t, "throw new Error('no')")
    child.kill('SIGTERM')
    assert.equal(await exited, 1)
  })

  test('a part that hangs exits with 1 when time runs out', async (t) => {
    const { child, exited } = await processThat(t, 'await new Promise(() => {})')
    child.kill('SIGTERM')
    assert.equal(await exited, 1)
  })

  test('a second signal ends it at once, with 128 and its number', async (t) => {
    const { child, exited, printed } = await processThat(t, 'await new Promise((done) => setTimeout(done, 60_000))')
    child.kill('SIGTERM')
    await printed('stopping')
    child.kill('SIGINT')
    assert.equal(await exited, 130)
  })
})
