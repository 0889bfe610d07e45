import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '@seaworthy/testing'
import type { Moved } from '@seaworthy/strangler/cut-over'

const page = readFileSync(new URL('../../../../docs/1-decomposition/data-cut-over.md', import.meta.url), 'utf8')
const example = /<!-- executed by .*? -->\n```ts\n(.*?)```/s.exec(page)?.[1] ?? ''

interface Example {
  readonly moved: Moved
  readonly back: Moved
  rate(id: string, rating: number): Promise<void>
  end(): Promise<void>
}

test('the example of the page moves reviews there and back, as it stands', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cut-over-page-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const plain = stripTypeScriptTypes(`const folder = ${JSON.stringify(folder)}\n${example}`)
  const code = plain.replaceAll(/from '([^']+)'/g, (_, name: string) => `from '${import.meta.resolve(name)}'`)
  const run = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as Example
  t.after(() => run.end())
  assert.equal(run.moved.phase, 'new')
  assert.equal(run.back.held.length, 0)
  await eventually('the new service takes no more writes', () =>
    run.rate('1', 20).then(
      () => false,
      () => true,
    ),
  )
})
