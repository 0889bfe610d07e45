import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { ConfigurationError } from 'seaworthy/core'
import { recordStage, stageToStart } from '../../stages/data-stage.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'seaworthy-stage-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

const start = (dataDir: string, stage: number | undefined, owners: readonly string[], storage = 'embedded') =>
  stageToStart({ stage, dataDir, storage, hasData: async (service) => owners.includes(service) })
const refused = (promise: Promise<unknown>, why: RegExp) =>
  assert.rejects(promise, (error: unknown) => error instanceof ConfigurationError && why.test(error.message))

describe('the stage that a shop starts at', () => {
  test('is the first for a new one, or the one that is wished for, and that is where it goes on', async (t) => {
    const first = folder(t)
    assert.equal(await start(first, undefined, []), 0)
    assert.equal(await start(first, undefined, ['monolith', 'reviews']), 0, 'a service may have got data while the shop ran')
    const last = join(folder(t), 'new')
    assert.equal(await start(last, 3, []), 3)
    assert.equal(await start(last, undefined, ['customers', 'catalog', 'reviews']), 3)
  })

  test('is the first for data from before there were stages', async (t) => {
    const dataDir = folder(t)
    assert.equal(await start(dataDir, undefined, ['monolith']), 0)
    assert.equal(await start(dataDir, 0, ['monolith', 'reviews']), 0, 'a service may have got data while the shop ran')
  })

  test('is never one that the data is not at: the answer says how it gets there', async (t) => {
    const dataDir = folder(t)
    await refused(start(dataDir, 2, ['monolith']), /at stage 0, and not at stage 2.*npm run shop:stage -- --to 2/)
    recordStage(dataDir, 'embedded', 3)
    await refused(start(dataDir, 0, ['monolith', 'customers']), /at stage 3, and not at stage 0/)
    await refused(start(dataDir, 9, []), /no stage 9.*0 to 3/)
  })

  test('can be wished for again where nothing had come of it', async (t) => {
    const dataDir = folder(t)
    assert.equal(await start(dataDir, 3, []), 3)
    assert.equal(await start(dataDir, 1, []), 1)
    assert.equal(await start(dataDir, undefined, []), 1, 'the wish holds until there is another')
    assert.equal(await start(dataDir, undefined, ['monolith', 'reviews']), 1)
    const again = folder(t)
    await start(again, 3, [])
    assert.equal(await start(again, 0, []), 0)
    assert.equal(await start(again, undefined, ['monolith']), 0, 'what was begun at the first stage goes on there')
  })

  test('is not guessed where data is found in two places, or what was written down is damaged', async (t) => {
    const dataDir = folder(t)
    await refused(start(dataDir, undefined, ['monolith', 'reviews']), /data of reviews.*does not say at which stage/)
    for (const text of ['', '{"embedded":', '{"embedded":7}', '{"embedded":"2"}', '[]']) {
      writeFileSync(join(dataDir, 'stage.json'), text)
      await refused(start(dataDir, undefined, ['monolith']), /stage\.json does not say/)
    }
  })

  test('is kept for each place where data is, so that a server and the embedded engines do not mix', async (t) => {
    const dataDir = folder(t)
    recordStage(dataDir, 'embedded', 2)
    assert.equal(await start(dataDir, 3, [], 'postgres:shop'), 3)
    assert.equal(await start(dataDir, undefined, ['monolith', 'reviews', 'catalog']), 2)
    assert.deepEqual(JSON.parse(readFileSync(join(dataDir, 'stage.json'), 'utf8')), { embedded: 2, 'postgres:shop': 3 })
    await refused(start(dataDir, 0, ['customers'], 'postgres:shop'), /Data on servers is not moved/)
  })
})
